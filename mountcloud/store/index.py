"""The index: this machine's picture of the tree. Rebuildable: deleting it costs time, never work.

It shows the service's tree with everything that is owed laid over it, as programs must see it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from mountcloud.model.change import Stale
from mountcloud.model.errors import Corrupt
from mountcloud.model.ids import ROOT_INODE, Inode, NodeId, Version
from mountcloud.model.node import Node
from mountcloud.policy.naming import shown_as_link
from mountcloud.policy.reduce import Plan
from mountcloud.store.departed import Departed
from mountcloud.store.index_rows import MIGRATIONS, Entry
from mountcloud.store.index_watching import Watched
from mountcloud.store.reserve import Reserve
from mountcloud.store.sqlite import Database

__all__ = ["Entry", "Index"]

_BOUND = "bound"
NameOf = Callable[[Node, Callable[[str], bool]], str]
"""The file name of a node, given a test for names that others hold in its directory."""
Fold = Callable[[str], str]
"""Equal for remote names that cannot be in one directory, or empty where only equal ones cannot."""
_FOLDED = "folded"
_PROBE = "A\u030a"
_IN_DOUBT = Version("?")
"""No version of any service: the listing is to be had again."""


class Index(Watched):
    """Nodes by inode, by node id and by place. Synchronous; a look-up takes some microseconds."""

    def __init__(
        self, path: Path, name_of: NameOf, fold: Fold = lambda name: "", reserve: Reserve | None = None
    ) -> None:
        """Open; a file that cannot be used is replaced by an empty one."""
        self._departed = Departed()
        self._crowd: dict[NodeId, set[str]] = {}
        self._name_of = name_of
        self._fold = fold
        super().__init__(_opened(path, reserve))
        self._fold_anew()

    def _fold_anew(self) -> None:
        """An index of another version, or for another service, may hold names folded in another way."""
        if self.note(_FOLDED) == self._fold(_PROBE):
            return
        with self._db.transaction():
            for inode, name in self._db.rows("SELECT inode, name FROM node"):
                self._db.run("UPDATE node SET folded = ? WHERE inode = ?", (self._fold(name), inode))
            self.put_note(_FOLDED, self._fold(_PROBE))

    def shown_as(self, node: NodeId, name: str) -> str:
        """The file name that a node would have under another remote name."""
        entry = self.by_id(node)
        return name if entry is None else self._name_of(replace(entry.node, name=name), lambda _: False)

    def clashing(self, parent: NodeId, name: str) -> Entry | None:
        """A child whose remote name is another one that the service takes for the same."""
        folded = self._fold(name)
        if not folded:
            return None
        found = self._many("parent = ? AND folded = ? AND folded <> '' AND name <> ? LIMIT 1", (parent, folded, name))
        return found[0] if found else None

    def _change_many(self, statement: str, values: Sequence[object] = ()) -> None:
        """Nodes change, nobody knows which."""
        self._hot.clear()
        self._db.run(statement, values)

    def _change(self, old: Entry, new: Entry | None, statement: str, values: Sequence[object]) -> None:
        """One node is another now, or none. Nodes change in this way, by ``_insert`` and by ``_change_many`` only."""
        self._db.run(statement, values)
        self._changed(old, new)

    def transaction(self) -> AbstractContextManager[None]:
        """All of these changes or none, in one commit. May be nested; must not be held over an await."""
        return self._whole(self._db.transaction())

    def postponed(self) -> AbstractContextManager[None]:
        """As ``transaction``, for changes that the journal tells too: they are committed with what comes next.

        ``commit`` is needed before the journal lets go of them: only until then can ``engine/recovery.py`` repeat them.
        """
        return self._whole(self._db.postponed())

    @contextmanager
    def _whole(self, change: AbstractContextManager[None]) -> Iterator[None]:
        try:
            with change:
                yield
        except BaseException:
            self._hot.clear()  # what was looked up meanwhile never was
            raise

    def commit(self) -> None:
        """What was ``postponed`` outlasts this process, whatever becomes of the journal. Raises ``DiskFull``."""
        self._db.commit()

    def put_note(self, key: str, value: str) -> None:
        """Remember a text."""
        self._db.run("INSERT OR REPLACE INTO note VALUES (?, ?)", (key, value))

    def put_root(self, node: Node) -> Entry:
        """The root has its own inode. If it is another root than before, everything is forgotten."""
        with self.transaction():
            old = self.entry(ROOT_INODE)
            if old is not None and old.node.id != node.id:
                self._change_many("DELETE FROM node")
                old = None
            if old is None:
                self._insert(node, "", ROOT_INODE)
            else:
                self._update(old, node, "")
        return self.require(ROOT_INODE)

    def add(self, node: Node, listed_at: float | None = None) -> Entry:
        """A node that was made on this machine. Its name must be free.

        Of a directory with ``listed_at`` all (no) children are known since then.
        """
        return self._insert(node, self._free_name(node, None), listed_at=listed_at)

    def _insert(self, node: Node, file_name: str, inode: Inode | None = None, listed_at: float | None = None) -> Entry:
        listed, at = (None, 0.0) if listed_at is None else (node.version, listed_at)
        values = (inode, node.id, node.parent, file_name, node.name, node.is_directory, node.size, node.version)
        more = (node.mtime_ns, node.mtime_ns, node.rights.value, node.encrypted, self._fold(node.name))
        statement = """INSERT INTO node (inode, id, parent, file_name, name, directory, size, version, mtime_ns,
            remote_mtime_ns, rights, encrypted, folded, listed, listed_at, mode)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
        given = Inode(self._db.run(statement, (*values, *more, listed, at, node.mode)))
        entry = Entry(given, node, file_name, listed, at, node.mtime_ns)
        self._changed(None, entry)
        return entry

    def place(self, inode: Inode, parent: NodeId, name: str, file_name: str) -> None:
        """Another place for a node; it must be free."""
        old = self.require(inode)
        new = replace(old, node=replace(old.node, parent=parent, name=name), file_name=file_name)
        statement = "UPDATE node SET parent = ?, name = ?, file_name = ?, folded = ? WHERE inode = ?"
        self._change(old, new, statement, (parent, name, file_name, self._fold(name), inode))

    def fork(self, inode: Inode, node: NodeId, name: str, file_name: str) -> None:
        """The node becomes one of its own that the service does not know, under another name in the same directory."""
        old = self.require(inode)
        forked = replace(old.node, id=node, version=Version(""), name=name)
        statement = "UPDATE node SET id = ?, version = '', name = ?, file_name = ?, folded = ? WHERE inode = ?"
        values = (node, name, file_name, self._fold(name), inode)
        self._change(old, replace(old, node=forked, file_name=file_name), statement, values)

    def set_content(self, inode: Inode, size: int, mtime_ns: int) -> None:
        """Size and time of content that was written here."""
        old = self.entry(inode)
        if old is not None:
            new = replace(old, node=replace(old.node, size=size, mtime_ns=mtime_ns))
            statement = "UPDATE node SET size = ?, mtime_ns = ? WHERE inode = ?"
            self._change(old, new, statement, (size, mtime_ns, inode))

    def detach(self, inode: Inode) -> None:
        """The node has no name any more but is open; its id is free for whatever takes its place."""
        old = self.require(inode)
        nameless = replace(old.node, parent=None, id=NodeId(f"gone:{inode}"))
        statement = "UPDATE node SET parent = NULL, id = ? WHERE inode = ?"
        self._change(old, replace(old, node=nameless), statement, (nameless.id, inode))

    def drop(self, inode: Inode) -> None:
        """Forget a node."""
        old = self.entry(inode)
        if old is not None:
            self._change(old, None, "DELETE FROM node WHERE inode = ?", (inode,))

    def drop_unfounded(self, keep: Iterable[NodeId]) -> None:
        """At start: forget what was unlinked, and what is local without being owed."""
        kept = set(keep)
        # Ranges, because LIKE would look at every node.
        statement = "SELECT inode, id FROM node WHERE id >= ? AND id < ?"
        rows = [row for begin in ("gone:", "local:") for row in self._db.rows(statement, (begin, begin[:-1] + ";"))]
        with self.transaction():
            for inode, node in rows:
                if node not in kept:
                    self.drop(inode)

    def set_listed(self, node: NodeId, version: Version, at: float) -> None:
        """All children of a directory are known as of ``version``, the one seen *before* it was listed."""
        old = self.by_id(node)
        if old is not None:
            statement = "UPDATE node SET listed = ?, listed_at = ? WHERE inode = ?"
            self._change(old, replace(old, listed=version, listed_at=at), statement, (version, at, old.inode))

    def doubt_listing(self, node: NodeId) -> None:
        """A directory is to be listed again at the next occasion; until then what is known of it is shown."""
        old = self.by_id(node)
        if old is not None and old.listed is not None:
            self.set_listed(node, _IN_DOUBT, 0.0)

    def doubt_listings(self) -> None:
        """Every directory is to be listed again; until then what is known is shown."""
        self._change_many("UPDATE node SET listed = ?, listed_at = 0 WHERE listed IS NOT NULL", (_IN_DOUBT,))

    def forget_listings(self) -> None:
        """No directory's listing is believed any more: each is asked for before it is shown again."""
        self._change_many("UPDATE node SET listed = NULL WHERE listed IS NOT NULL")

    def rebind(self, old: NodeId, node: Node) -> list[Stale]:
        """The service made or changed a node of ours: same inode, its real id and version; the local place stays.

        A row that a listing made of the same node meanwhile is given up.
        """
        entry = self.by_id(old)
        if entry is None:
            return []
        stale = [Stale(entry.inode)]
        with self.transaction():
            twin = self.by_id(node.id)
            if twin is not None and twin.inode != entry.inode:
                stale += self._absorb(twin, entry)
            self._bind(self.require(entry.inode), node)
            if node.id != old:
                self._adopt_children(old, node.id)
                self.put_note(_BOUND, f"{old} {node.id}")
        return stale

    def _bind(self, entry: Entry, node: Node) -> None:
        """What the service says of a node of ours; name and place, size and time stay as they are here."""
        own = entry.node
        known = replace(node, parent=own.parent, name=own.name, kind=own.kind, size=own.size, mtime_ns=own.mtime_ns)
        statement = """UPDATE node SET id = ?, version = ?, remote_mtime_ns = ?, rights = ?, encrypted = ?, mode = ?
            WHERE inode = ?"""
        values = (node.id, node.version, node.mtime_ns, node.rights.value, node.encrypted, node.mode, entry.inode)
        self._change(entry, replace(entry, node=known, remote_mtime_ns=node.mtime_ns), statement, values)

    @property
    def bound(self) -> tuple[NodeId, NodeId]:
        """The last node that got another id: the old one and the new one."""
        old, _, new = (self.note(_BOUND) or "").partition(" ")
        return NodeId(old), NodeId(new)

    def bind_back(self) -> None:
        """Undo the last ``rebind`` to another id."""
        old, new = self.bound
        with self.transaction():
            self._change_many("UPDATE node SET id = ?, version = '' WHERE id = ?", (old, new))
            self._adopt_children(new, old)

    def _absorb(self, twin: Entry, entry: Entry) -> list[Stale]:
        stale = [self._stale_place(twin)]
        self.drop(twin.inode)
        if twin.node.mtime_ns != twin.remote_mtime_ns:  # a program has set it there
            self.set_content(entry.inode, entry.node.size, twin.node.mtime_ns)
        return stale + self._give_name_back(entry)

    def _adopt_children(self, old: NodeId, new: NodeId) -> None:
        """Of two children with one name, one in each, the one of ``old`` keeps it."""

        def held(name: str) -> bool:
            return self.child(old, name) is not None or self.child(new, name) is not None

        children = self.children(old)
        for each in children:
            other = self.child(new, each.file_name)
            if other is not None:
                self._vacate(other)
                self._rename(self.require(other.inode), self._name_of(other.node, held))
        if children:
            self._change_many("UPDATE node SET parent = ? WHERE parent = ?", (new, old))

    def _rename(self, entry: Entry, file_name: str) -> None:
        statement = "UPDATE node SET file_name = ? WHERE inode = ?"
        self._change(entry, replace(entry, file_name=file_name), statement, (file_name, entry.inode))

    def give_names_back(self, parent: NodeId) -> list[Stale]:
        """Nodes that could not have their own name in a directory get it as soon as it is free."""
        with self.transaction():
            return [stale for each in self.renamed_children(parent) for stale in self._give_name_back(each)]

    def _give_name_back(self, entry: Entry) -> list[Stale]:
        own, parent = self._name_of(entry.node, lambda _: False), entry.node.parent
        if own == entry.file_name or parent is None or self.child(parent, own) is not None:
            return []
        if shown_as_link(entry.node, own) != entry.is_link:
            return []
        self._rename(entry, own)
        return [self._stale_place(entry), self._stale_place(self.require(entry.inode))]

    def apply(self, plan: Plan, notes: dict[str, str] | None = None) -> list[Stale]:
        """Make the changes, with the cursor that belongs to them, in one transaction; tells what the kernel forgets."""
        stale: list[Stale] = []
        with self.transaction():
            for gone in plan.remove:
                stale += self._remove(gone)
            with self._crowded(plan.upsert):
                stale += self._upsert_all(plan.upsert)
            for key, value in (notes or {}).items():
                self.put_note(key, value)
        return stale

    @contextmanager
    def _crowded(self, nodes: Sequence[Node]) -> Iterator[None]:
        """No name is asked for that none of the nodes in a directory has, or had meanwhile."""
        self._crowd = self.names_around(nodes)
        try:
            yield
        finally:
            self._crowd = {}

    def _upsert_all(self, nodes: Sequence[Node]) -> list[Stale]:
        known = self.known([node.id for node in nodes])
        for node in nodes:
            old = known.get(node.id)
            if old is not None and (old.node.parent, old.node.name) != (node.parent, node.name):
                self._vacate(old)  # so that nodes which change places find each other's names free
        return [stale for node in nodes for stale in self._upsert(node, known.get(node.id))]

    def _remove(self, node: NodeId) -> list[Stale]:
        stale: list[Stale] = []
        for each in self.below(node):
            entry = self.by_id(each)
            if entry is not None and entry.node.parent is not None:
                stale.append(self._stale_place(entry))
                self._departed.add(entry)
                self.drop(entry.inode)
        return stale

    def _stale_place(self, entry: Entry, *, content: bool = False) -> Stale:
        parent = None if entry.node.parent is None else self.by_id(entry.node.parent)
        return Stale(entry.inode, None if parent is None else parent.inode, entry.file_name, content)

    def _vacate(self, entry: Entry) -> None:
        self._rename(entry, f"/{entry.inode}")

    def _upsert(self, node: Node, old: Entry | None) -> list[Stale]:
        if old is None:
            # The kernel remembers no absent names, and forgetting a new one would tear it from a program that just
            # entered it.
            file_name = self._free_name(node, None)
            self._insert(node, file_name, self._departed.inode_of(node, file_name))
            return []
        if old.node.parent is None:
            self._update(old, node, old.file_name)
            return [Stale(old.inode)]
        file_name = self._free_name(node, old)
        if shown_as_link(node, file_name) != old.is_link:
            # The kernel takes an inode that changes its kind for broken, so it is another one.
            self.drop(old.inode)
            self._insert(node, file_name)
            return [self._stale_place(old)]
        self._update(old, node, file_name)
        return self._stale_change(old, self.require(old.inode))

    def _stale_change(self, old: Entry, new: Entry) -> list[Stale]:
        moved = (old.node.parent, old.file_name) != (new.node.parent, new.file_name)
        if moved:
            return [self._stale_place(new), self._stale_place(old)]
        if old.node.is_directory and replace(old.node, version=new.node.version) == new.node:
            return []  # something below it changed, nothing that a program sees of itself
        return [Stale(new.inode, content=old.node.version != new.node.version and not new.node.is_directory)]

    def _update(self, old: Entry, node: Node, file_name: str) -> None:
        mtime_ns = old.node.mtime_ns if node.mtime_ns == old.remote_mtime_ns else node.mtime_ns
        statement = """UPDATE node SET parent = ?, file_name = ?, name = ?, size = ?, version = ?, mtime_ns = ?,
            remote_mtime_ns = ?, rights = ?, encrypted = ?, folded = ?, mode = ? WHERE inode = ?"""
        values = (
            *(node.parent, file_name, node.name, node.size, node.version, mtime_ns),
            *(node.mtime_ns, node.rights.value, node.encrypted, self._fold(node.name), node.mode, old.inode),
        )
        self._change_many(statement, values)

    def _free_name(self, node: Node, old: Entry | None) -> str:
        """A name of its own in its directory; the present one is kept as long as the service's is the same."""
        if old is not None and (old.node.parent, old.node.name) == (node.parent, node.name):
            return old.file_name
        parent = node.parent

        def taken(file_name: str) -> bool:
            crowd = None if parent is None else self._crowd.get(parent)
            if parent is None or (crowd is not None and file_name not in crowd):
                return False
            holder = self.child(parent, file_name)
            return holder is not None and holder.node.id != node.id

        found = self._name_of(node, taken)
        if parent in self._crowd:
            self._crowd[parent].add(found)
        return found


def _opened(path: Path, reserve: Reserve | None) -> Database:
    try:
        return Database(path, MIGRATIONS, reserve)
    except Corrupt:
        for each in path.parent.glob(path.name + "*"):
            each.unlink()
        return Database(path, MIGRATIONS, reserve)
