"""What is asked of the index: nodes by inode, by node id and by place, and the few directories that need a look."""

from collections import Counter
from collections.abc import Iterable, Sequence

from mountcloud.model.ids import Inode, NodeId
from mountcloud.model.node import Node
from mountcloud.store.index_rows import COLUMNS, Entry, entry_of
from mountcloud.store.sqlite import Database

_HOT = 4096
"""Look-ups whose answers are kept in memory, a few MiB of them.

One too many forgets them all: putting the older ones out one by one costs as much as asking again.
"""
_AT_ONCE = 500
_MANY = 16
"""Nodes for which it is worth asking for all names of the directory to which they come."""
_SELECT = f"SELECT {COLUMNS} FROM node WHERE "  # noqa: S608 - constants
_BY_INODE = _SELECT + "inode = ?"
_BY_ID = _SELECT + "id = ?"
_BY_PLACE = _SELECT + "parent = ? AND file_name = ?"

Key = tuple[str, tuple[object, ...]]
"""A question that at most one node answers, with its values."""


def keys(entry: Entry) -> tuple[Key, ...]:
    """All questions that this node answers."""
    node = entry.node
    known: tuple[Key, ...] = ((_BY_INODE, (entry.inode,)), (_BY_ID, (node.id,)))
    return known if node.parent is None else (*known, (_BY_PLACE, (node.parent, entry.file_name)))


class LookUps:
    """Questions only; whoever changes a node says so by ``_changed``, or clears ``_hot``."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._hot: dict[Key, Entry | None] = {}

    def _changed(self, old: Entry | None, new: Entry | None) -> None:
        """One node was this and is that (None: not there): the answers that it gives follow, all others stay."""
        for key in () if old is None else keys(old):
            self._hot[key] = None
        for key in () if new is None else keys(new):
            self._hot[key] = new
        self._make_room(0)

    def entry(self, inode: Inode) -> Entry | None:
        """By inode."""
        return self._one(_BY_INODE, (inode,))

    def require(self, inode: Inode) -> Entry:
        """By inode, which must be there."""
        found = self.entry(inode)
        if found is None:
            raise KeyError(inode)
        return found

    def by_id(self, node: NodeId) -> Entry | None:
        """By node id."""
        return self._one(_BY_ID, (node,))

    def child(self, parent: NodeId, file_name: str) -> Entry | None:
        """By place."""
        return self._one(_BY_PLACE, (parent, file_name))

    def _one(self, statement: str, values: tuple[object, ...]) -> Entry | None:
        key = (statement, values)
        if key in self._hot:
            return self._hot[key]
        row = self._db.row(statement, values)
        found = None if row is None else entry_of(row)
        self._hot[key] = found
        self._changed(None, found)  # whoever asked for it by its name asks for it by its id next
        return found

    def _make_room(self, count: int) -> None:
        if len(self._hot) + count > _HOT:
            self._hot.clear()

    def is_warm(self, inode: Inode) -> bool:
        """True if asking for this inode costs next to nothing."""
        return (_BY_INODE, (inode,)) in self._hot

    def warm(self, inodes: Sequence[Inode]) -> list[Entry]:
        """Look these up in one go, because they are about to be asked for; those that are there."""
        found = self._many(f"inode IN ({', '.join('?' * len(inodes))})", inodes)
        self._make_room(len(inodes))
        self._hot.update({(_BY_INODE, (inode,)): None for inode in inodes})
        self._hot.update({(_BY_INODE, (entry.inode,)): entry for entry in found})
        return found

    def children(self, parent: NodeId) -> list[Entry]:
        """All children that are known, by inode."""
        return self._many("parent = ? ORDER BY inode", (parent,))

    def names(self, parent: NodeId) -> list[tuple[str, Inode]]:
        """File names and inodes of all known children, by inode: what a walk through many needs, and no more."""
        rows = self._db.rows("SELECT file_name, inode FROM node WHERE parent = ? ORDER BY inode", (parent,))
        return [(str(row[0]), Inode(row[1])) for row in rows]

    def renamed_children(self, parent: NodeId) -> list[Entry]:
        """Those whose file name is not just the service's name."""
        return self._many("parent = ? AND file_name <> name ORDER BY inode", (parent,))

    def known(self, nodes: Sequence[NodeId]) -> dict[NodeId, Entry]:
        """Those of these nodes that are known, in few questions."""
        found: dict[NodeId, Entry] = {}
        for start in range(0, len(nodes), _AT_ONCE):
            some = nodes[start : start + _AT_ONCE]
            entries = self._many(f"id IN ({', '.join('?' * len(some))})", some)
            found |= {entry.node.id: entry for entry in entries}
        return found

    def names_around(self, nodes: Iterable[Node]) -> dict[NodeId, set[str]]:
        """All file names in the directories to which many of these nodes come."""
        coming = Counter(node.parent for node in nodes if node.parent is not None)
        return {parent: {name for name, _ in self.names(parent)} for parent, n in coming.items() if n >= _MANY}

    def has_children(self, parent: NodeId) -> bool:
        """True if any child is known."""
        return self._db.row("SELECT 1 FROM node WHERE parent = ? LIMIT 1", (parent,)) is not None

    def outdated_directories(self) -> list[Entry]:
        """Listed directories below which something changed since, as the service's versions tell."""
        return self._many("listed <> version ORDER BY inode", ())

    def doubted_directories(self) -> list[Entry]:
        """Those whose listing was called in doubt."""
        return self._many("listed <> version AND listed = '?' ORDER BY inode", ())

    def oldest_listings(self, most: int) -> list[Entry]:
        """The directories whose listing is the oldest, the one in doubt first."""
        return self._many("listed IS NOT NULL ORDER BY listed_at LIMIT ?", (most,))

    def unlisted_in(self, parent: NodeId, after: str, most: int) -> list[NodeId]:
        """Directories in this one that were never listed, by file name, from those after ``after`` on; then the others.

        Those that the service does not know yet are listed from their beginning.
        """
        rows = self._db.rows(
            "SELECT id FROM node WHERE parent = ? AND directory AND listed IS NULL"
            " ORDER BY file_name <= ?, file_name LIMIT ?",
            (parent, after, most),
        )
        return [NodeId(row[0]) for row in rows]

    def unlisted_after(self, inode: Inode) -> Entry | None:
        """The next directory after this inode that was never listed."""
        found = self._many("directory AND listed IS NULL AND inode > ? ORDER BY inode LIMIT 1", (inode,))
        return found[0] if found else None

    def count_directories(self) -> tuple[int, int]:
        """Directories that were listed, and those that were not."""
        statement = """SELECT (SELECT COUNT(*) FROM node WHERE listed IS NOT NULL),
            (SELECT COUNT(*) FROM node WHERE directory AND listed IS NULL)"""
        row = self._db.row(statement)
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    def _many(self, where: str, values: Sequence[object]) -> list[Entry]:
        return [entry_of(row) for row in self._db.rows(_SELECT + where, values)]

    def ancestors(self, node: NodeId) -> list[NodeId]:
        """The node and the directories above it, upwards."""
        found: list[NodeId] = []
        current: NodeId | None = node
        while current is not None and current not in found:
            found.append(current)
            entry = self.by_id(current)
            current = None if entry is None else entry.node.parent
        return found

    def below(self, node: NodeId) -> list[NodeId]:
        """The node and all that is known below it."""
        statement = """WITH RECURSIVE tree (id) AS (
            SELECT ? UNION SELECT node.id FROM node JOIN tree ON node.parent = tree.id) SELECT id FROM tree"""
        return [NodeId(row[0]) for row in self._db.rows(statement, (node,))]

    def note(self, key: str) -> str | None:
        """A remembered text, such as the change cursor."""
        row = self._db.row("SELECT value FROM note WHERE key = ?", (key,))
        return None if row is None else str(row[0])
