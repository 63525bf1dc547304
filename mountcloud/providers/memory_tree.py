"""The tree of a service in memory, the versions of its directories, and the log of what happened to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from mountcloud.crypt.keys import FileKey
from mountcloud.model.change import Change, ChangeBatch
from mountcloud.model.errors import NotADirectory, NotFound
from mountcloud.model.ids import Cursor, NodeId, Version
from mountcloud.model.names import NameRules
from mountcloud.model.node import Node
from mountcloud.policy import names


@dataclass(slots=True)
class Entry:
    """A node with what belongs to it: children by folded name, or stored bytes and their key."""

    node: Node
    children: dict[str, NodeId] = field(default_factory=dict)
    stored: bytes = b""
    file_key: FileKey | None = None


class Tree:
    """All nodes by id. Names are compared as the service's rules say."""

    def __init__(self, rules: NameRules) -> None:
        self._rules = rules
        self._entries: dict[NodeId, Entry] = {}

    def __contains__(self, id: NodeId) -> bool:
        return id in self._entries

    def entry(self, id: NodeId) -> Entry:
        """What is known of a node; raises ``NotFound``."""
        if id not in self._entries:
            raise NotFound(f"there is no node {id}")
        return self._entries[id]

    def directory(self, id: NodeId) -> Entry:
        """The same for a node that must be a directory; raises ``NotADirectory``."""
        entry = self.entry(id)
        if not entry.node.is_directory:
            raise NotADirectory(f"{entry.node.name!r} is a file")
        return entry

    def child(self, parent: NodeId, name: str) -> Node | None:
        """The node that holds this name."""
        id = self.directory(parent).children.get(names.fold(self._rules, name))
        return None if id is None else self.entry(id).node

    def lineage(self, id: NodeId) -> Iterator[NodeId]:
        """The node and the directories above it, up to the root."""
        current: NodeId | None = id
        while current is not None:
            yield current
            current = self.entry(current).node.parent

    def put(self, entry: Entry) -> None:
        """Take in a node at the place that it names."""
        self._entries[entry.node.id] = entry
        if entry.node.parent is not None:
            self.directory(entry.node.parent).children[names.fold(self._rules, entry.node.name)] = entry.node.id

    def take(self, id: NodeId) -> Entry:
        """Take a node out of its place."""
        entry = self._entries.pop(id)
        if entry.node.parent is not None:
            del self.directory(entry.node.parent).children[names.fold(self._rules, entry.node.name)]
        return entry

    def size(self) -> int:
        """Plaintext bytes of all files."""
        return sum(entry.node.size for entry in self._entries.values())


class TreeVersions:
    """Versions of directories: one changes at once in the directory where something changed, above it perhaps later.

    While ``held`` is true, the directories above wait for ``propagate``, as for the background job of a real service.
    """

    def __init__(self, tree: Tree, next_version: Callable[[], Version]) -> None:
        self.held = False
        self._tree = tree
        self._next_version = next_version
        self._waiting: list[NodeId] = []

    def touch(self, id: NodeId) -> None:
        """Something changed in this directory."""
        first, *above = self._tree.lineage(id)
        self._raise([first])
        self._waiting += above
        if not self.held:
            self.propagate()

    def propagate(self) -> None:
        """Let what waits reach the directories above."""
        waiting, self._waiting = self._waiting, []
        self._raise(waiting)

    def _raise(self, ids: list[NodeId]) -> None:
        for entry in [self._tree.entry(id) for id in ids if id in self._tree]:
            entry.node = replace(entry.node, version=self._next_version())


class ChangeLog:
    """All changes since the beginning; a cursor is the number of changes before it."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self._changes: list[Change] = []
        self._oldest = 0

    def append(self, change: Change) -> None:
        """Note what happened."""
        self._changes.append(change)

    def forget(self) -> None:
        """Lose everything so far, so that older cursors are answered with ``reset``."""
        self._oldest = len(self._changes)

    def after(self, cursor: Cursor | None) -> ChangeBatch:
        """The next changes after the cursor, at most ``batch_size``."""
        end = len(self._changes)
        if cursor is None:
            return ChangeBatch((), Cursor(str(end)))
        start = int(cursor) if cursor.isdecimal() else -1
        if not self._oldest <= start <= end:
            return ChangeBatch((), Cursor(str(end)), reset=True)
        stop = min(start + self.batch_size, end)
        return ChangeBatch(tuple(self._changes[start:stop]), Cursor(str(stop)), more=stop < end)
