"""What services have no place for: POSIX attributes, and what is to be kept here.

Neither rebuildable nor owed, so in a store of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mountcloud.model.errors import NoAttribute, OutOfSpace
from mountcloud.model.ids import LOCAL_PREFIX, NodeId, is_local
from mountcloud.store.reserve import Reserve
from mountcloud.store.sqlite import Database

_MIGRATIONS = [
    """
    CREATE TABLE attributes (
        id TEXT PRIMARY KEY,            -- node id
        mode INTEGER, uid INTEGER, gid INTEGER,
        atime_ns INTEGER
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE extended (
        id TEXT NOT NULL,               -- node id
        name BLOB NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (id, name)
    ) WITHOUT ROWID;
    CREATE TABLE vanished (             -- nodes with attributes that the service does not show any more
        id TEXT PRIMARY KEY,
        at REAL NOT NULL                -- seconds since the epoch
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE pinned (               -- what the user wants on this machine, with all that is below it
        id TEXT PRIMARY KEY,            -- node id
        path TEXT NOT NULL              -- below the mount point, when it was pinned
    ) WITHOUT ROWID;
    """,
]
_HOT = 8192
_MOST_EXTENDED = 1 << 20
"""Bytes of names and values that one node may have; ext4 is stricter."""
_KEPT_S = 30 * 86_400.0
_TABLES = ("attributes", "extended", "pinned", "vanished")
_IS_ANYWHERE = "SELECT " + " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE id = ?1)" for table in _TABLES)  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Stored:
    """What a program set; None where it set nothing. ``mode`` holds the permission bits only."""

    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    atime_ns: int | None = None


class Attributes:
    """Attributes by node id. Those in use are in memory: ``stat`` of every node asks for them.

    ``changed`` hears of each node for which ``get`` has another answer than before.
    """

    def __init__(self, path: Path, reserve: Reserve | None = None) -> None:
        self._db = Database(path, _MIGRATIONS, reserve)
        self._hot: dict[NodeId, Stored] = {}
        self.changed: Callable[[NodeId], None] = lambda node: None

    def get(self, node: NodeId) -> Stored:
        """What was set for the node."""
        found = self._hot.get(node)
        if found is None:
            row = self._db.row("SELECT mode, uid, gid, atime_ns FROM attributes WHERE id = ?", (node,))
            found = _NOTHING if row is None else Stored(*row)
            self._remember({node: found})
        return found

    def is_warm(self, node: NodeId) -> bool:
        """True if asking for this node costs next to nothing."""
        return node in self._hot

    def warm(self, nodes: Sequence[NodeId]) -> None:
        """Look these up in one go, because they are about to be asked for."""
        marks = ", ".join("?" * len(nodes))
        rows = self._db.rows(f"SELECT id, mode, uid, gid, atime_ns FROM attributes WHERE id IN ({marks})", nodes)  # noqa: S608 - constants
        self._remember(dict.fromkeys(nodes, _NOTHING) | {NodeId(row[0]): Stored(*row[1:]) for row in rows})

    def _remember(self, found: dict[NodeId, Stored]) -> None:
        if len(self._hot) + len(found) > _HOT:
            self._hot.clear()
        self._hot |= found

    def put(self, node: NodeId, stored: Stored) -> None:
        """Remember it."""
        if stored == self.get(node):
            return
        values = (node, stored.mode, stored.uid, stored.gid, stored.atime_ns)
        self._db.run("INSERT OR REPLACE INTO attributes VALUES (?, ?, ?, ?, ?)", values)
        self._remember({node: stored})
        self.changed(node)

    def extended(self, node: NodeId, name: bytes) -> bytes:
        """The value of an extended attribute; raises ``NoAttribute``."""
        row = self._db.row("SELECT value FROM extended WHERE id = ? AND name = ?", (node, name))
        if row is None:
            raise NoAttribute("there is no such attribute")
        return bytes(row[0])

    def extended_names(self, node: NodeId) -> list[bytes]:
        """The names of all extended attributes."""
        return [bytes(row[0]) for row in self._db.rows("SELECT name FROM extended WHERE id = ?", (node,))]

    def put_extended(self, node: NodeId, name: bytes, value: bytes) -> None:
        """Set an extended attribute; raises ``OutOfSpace`` if the node has too much of them."""
        statement = "SELECT TOTAL(LENGTH(name) + LENGTH(value)) FROM extended WHERE id = ? AND name <> ?"
        row = self._db.row(statement, (node, name))
        if row is not None and row[0] + len(name) + len(value) > _MOST_EXTENDED:
            raise OutOfSpace(f"extended attributes of one file have room for {_MOST_EXTENDED} bytes")
        self._db.run("INSERT OR REPLACE INTO extended VALUES (?, ?, ?)", (node, name, value))

    def remove_extended(self, node: NodeId, name: bytes) -> None:
        """Remove an extended attribute; raises ``NoAttribute``."""
        self.extended(node, name)
        self._db.run("DELETE FROM extended WHERE id = ? AND name = ?", (node, name))

    def pin(self, node: NodeId, path: str) -> None:
        """The user wants it on this machine; by its path it is found in a fresh index."""
        self._db.run("INSERT OR REPLACE INTO pinned VALUES (?, ?)", (node, path))

    def unpin(self, node: NodeId) -> None:
        """He does not any more."""
        self._db.run("DELETE FROM pinned WHERE id = ?", (node,))

    @property
    def pinned(self) -> dict[NodeId, str]:
        """The nodes that are pinned themselves, and where they were then."""
        return {NodeId(row[0]): row[1] for row in self._db.rows("SELECT id, path FROM pinned ORDER BY path")}

    def rebind(self, old: NodeId, new: NodeId) -> None:
        """A node got its real id; a node that it replaces loses its attributes to it, as with a local rename."""
        if old == new or not (is_local(old) or self._has(old)):
            return
        with self._db.transaction():
            self.forget(new)
            for table in _TABLES:
                self._db.run(f"UPDATE {table} SET id = ? WHERE id = ?", (new, old))  # noqa: S608 - constants
        self._hot.pop(old, None)
        self.changed(old)
        self.changed(new)

    def _has(self, node: NodeId) -> bool:
        return self.get(node) != _NOTHING or bool(self.extended_names(node)) or node in self.pinned

    def copy(self, old: NodeId, new: NodeId) -> None:
        """Another id has the same attributes."""
        self.put(new, self.get(old))
        self._db.run("INSERT OR REPLACE INTO extended SELECT ?, name, value FROM extended WHERE id = ?", (new, old))

    def forget(self, node: NodeId) -> None:
        """The node is gone for good."""
        self._hot.pop(node, None)
        row = self._db.row(_IS_ANYWHERE, (node,))
        for table in _TABLES if row and row[0] else ():
            self._db.run(f"DELETE FROM {table} WHERE id = ?", (node,))  # noqa: S608 - constants
        self.changed(node)

    def vanished(self, nodes: Iterable[NodeId], at: float) -> None:
        """The service does not show these any more. They may come back in another place, so they wait for ``prune``."""
        statement = """INSERT OR REPLACE INTO vanished SELECT ?1, ?2
            WHERE EXISTS (SELECT 1 FROM attributes WHERE id = ?1) OR EXISTS (SELECT 1 FROM extended WHERE id = ?1)"""
        with self._db.transaction():
            for node in nodes:
                self._db.run(statement, (node, at))

    def prune(self, now: float, present: Callable[[NodeId], bool]) -> None:
        """At start: forget what vanished a month ago and is not there, and what was never sent and is not owed."""
        old = self._db.rows("SELECT id FROM vanished WHERE at < ?", (now - _KEPT_S,))
        for begin in (LOCAL_PREFIX, "gone:"):
            bounds = (begin, begin[:-1] + ";")  # a range, because LIKE would look at every row
            for table in ("attributes", "extended"):
                old += self._db.rows(f"SELECT DISTINCT id FROM {table} WHERE id >= ? AND id < ?", bounds)  # noqa: S608
        with self._db.transaction():
            for (node,) in old:
                if present(node):
                    self._db.run("DELETE FROM vanished WHERE id = ?", (node,))
                else:
                    self.forget(node)

    def secure_room(self) -> None:
        """As ``Database.secure_room``."""
        self._db.secure_room()

    def close(self) -> None:
        """Close; idempotent."""
        self._db.close()


_NOTHING = Stored()
