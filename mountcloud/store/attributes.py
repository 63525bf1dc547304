"""POSIX attributes that services have no place for. Neither rebuildable nor owed, so in a store of their own."""

from dataclasses import dataclass
from pathlib import Path

from mountcloud.model.ids import NodeId
from mountcloud.store.sqlite import Database

_MIGRATIONS = [
    """
    CREATE TABLE attributes (
        id TEXT PRIMARY KEY,            -- node id
        mode INTEGER, uid INTEGER, gid INTEGER,
        atime_ns INTEGER
    ) WITHOUT ROWID
    """,
]


@dataclass(frozen=True, slots=True)
class Stored:
    """What a program set; None where it set nothing. ``mode`` holds the permission bits only."""

    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    atime_ns: int | None = None


class Attributes:
    """Attributes by node id, all in memory too: only what programs set is here."""

    def __init__(self, path: Path) -> None:
        self._db = Database(path, _MIGRATIONS)
        rows = self._db.rows("SELECT id, mode, uid, gid, atime_ns FROM attributes")
        self._stored = {NodeId(row[0]): Stored(*row[1:]) for row in rows}

    def get(self, node: NodeId) -> Stored:
        """What was set for the node."""
        return self._stored.get(node, _NOTHING)

    def put(self, node: NodeId, stored: Stored) -> None:
        """Remember it."""
        if stored == self.get(node):
            return
        values = (node, stored.mode, stored.uid, stored.gid, stored.atime_ns)
        self._db.run("INSERT OR REPLACE INTO attributes VALUES (?, ?, ?, ?, ?)", values)
        self._stored[node] = stored

    def rebind(self, old: NodeId, new: NodeId) -> None:
        """A node got its real id; a node that it replaces loses its attributes to it, as with a local rename."""
        if old == new or old not in self._stored:
            return
        with self._db.transaction():
            self._db.run("DELETE FROM attributes WHERE id = ?", (new,))
            self._db.run("UPDATE attributes SET id = ? WHERE id = ?", (new, old))
        self._stored[new] = self._stored.pop(old)

    def forget(self, node: NodeId) -> None:
        """The node is gone for good."""
        if self._stored.pop(node, None) is not None:
            self._db.run("DELETE FROM attributes WHERE id = ?", (node,))

    def close(self) -> None:
        """Close; idempotent."""
        self._db.close()


_NOTHING = Stored()
