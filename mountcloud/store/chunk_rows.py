"""The tables of the list of cached bytes."""

MIGRATIONS = [
    """
    CREATE TABLE version (
        key TEXT PRIMARY KEY,           -- of node and version
        node TEXT NOT NULL, version TEXT NOT NULL,
        stored_size INTEGER NOT NULL,   -- bytes
        cells BLOB NOT NULL,            -- bitmap of the cells that are here
        verdict INTEGER,                -- 1 = found genuine, 0 = quarantined, NULL = not known
        check_state BLOB NOT NULL,      -- how far the check of the whole file got
        used INTEGER NOT NULL           -- grows with every use
    ) WITHOUT ROWID;
    CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    CREATE TABLE pinned (
        key TEXT PRIMARY KEY            -- of a version that is never evicted
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE keepsakes (
        name TEXT PRIMARY KEY,
        text TEXT NOT NULL,             -- the provider's own
        used INTEGER NOT NULL           -- grows with every use
    ) WITHOUT ROWID;
    CREATE INDEX keepsakes_by_use ON keepsakes (used);
    """,
]
