"""What the index holds: its tables, and a row as a value."""

from dataclasses import dataclass, replace
from functools import lru_cache

from mountcloud.model.ids import Inode, NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.policy.naming import shown_as_link
from mountcloud.store.sqlite import Row, text

MIGRATIONS = [
    """
    CREATE TABLE node (
        inode INTEGER PRIMARY KEY AUTOINCREMENT,    -- never given twice
        id TEXT NOT NULL UNIQUE,
        parent TEXT,                    -- node id; NULL for the root and for what is unlinked but open
        file_name TEXT NOT NULL,        -- as programs see it
        name TEXT NOT NULL,             -- as the service sees it
        directory INTEGER NOT NULL,
        size INTEGER NOT NULL,          -- bytes of plaintext
        version TEXT NOT NULL,
        mtime_ns INTEGER NOT NULL,
        remote_mtime_ns INTEGER NOT NULL,   -- as the service keeps it, perhaps coarser
        rights INTEGER NOT NULL,
        encrypted INTEGER NOT NULL,
        listed TEXT,                    -- a directory's version before it was listed; NULL = never listed
        listed_at REAL NOT NULL DEFAULT 0   -- seconds since the epoch
    );
    INSERT INTO sqlite_sequence (name, seq) VALUES ('node', 1);    -- inode 1 is the root's, even if that comes later
    CREATE UNIQUE INDEX node_place ON node (parent, file_name);
    CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    # What is asked for at every start and every poll must not look at every node: these hold the few that it is about.
    """
    CREATE INDEX node_outdated ON node (inode) WHERE listed <> version;
    CREATE INDEX node_listed ON node (listed_at) WHERE listed IS NOT NULL;
    CREATE INDEX node_unlisted ON node (inode) WHERE directory AND listed IS NULL;
    """,
    "CREATE INDEX node_unlisted_place ON node (parent, file_name) WHERE directory AND listed IS NULL;",
    """
    ALTER TABLE node ADD COLUMN folded TEXT NOT NULL DEFAULT '';    -- see Fold
    CREATE INDEX node_folded ON node (parent, folded) WHERE folded <> '';
    """,
    "ALTER TABLE node ADD COLUMN mode INTEGER;    -- permission bits that the service keeps",
]
COLUMNS = (
    "inode, id, parent, file_name, name, directory, size, version, mtime_ns, rights, encrypted, listed, listed_at, "
    "remote_mtime_ns, mode"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a node with its inode and the name that programs see."""

    inode: Inode
    node: Node
    file_name: str
    listed: Version | None
    listed_at: float
    remote_mtime_ns: int

    @property
    def remote(self) -> Node:
        """The node with the modification time that the service last told."""
        return replace(self.node, mtime_ns=self.remote_mtime_ns)

    @property
    def is_link(self) -> bool:
        """True if programs see a symbolic link."""
        return shown_as_link(self.node, self.file_name)


@lru_cache(256)
def _rights(value: int) -> Rights:
    return Rights(value)


def entry_of(row: Row) -> Entry:
    """The entry of a row of ``COLUMNS``."""
    node = Node(
        NodeId(row[1]),
        None if row[2] is None else NodeId(row[2]),
        text(row[4]),
        Kind.DIRECTORY if row[5] else Kind.FILE,
        row[6],
        Version(row[7]),
        row[8],
        _rights(row[9]),
        bool(row[10]),
        row[14],
    )
    return Entry(Inode(row[0]), node, row[3], None if row[11] is None else Version(row[11]), row[12], row[13])
