"""The sandbox' tables. ``node`` holds every tree: homes, trash bins and external storages; a top has no parent."""

SCHEMA_VERSION = 3
SCHEMA = """
CREATE TABLE account (
    id TEXT PRIMARY KEY, login TEXT NOT NULL UNIQUE, password TEXT NOT NULL, display_name TEXT NOT NULL,
    two_factor INTEGER NOT NULL DEFAULT 0, quota INTEGER NOT NULL DEFAULT -3,
    home INTEGER NOT NULL, trash INTEGER NOT NULL
);
CREATE TABLE app_password (digest TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account, device TEXT NOT NULL);
CREATE TABLE login_flow (
    poll TEXT PRIMARY KEY, page TEXT NOT NULL UNIQUE, device TEXT NOT NULL, account TEXT, started_at REAL NOT NULL
);
CREATE TABLE node (
    id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES node ON DELETE CASCADE, name TEXT NOT NULL,
    kind TEXT NOT NULL, owner TEXT NOT NULL, size INTEGER NOT NULL DEFAULT 0, mtime INTEGER NOT NULL,
    etag TEXT NOT NULL, checksum TEXT NOT NULL DEFAULT '', blob TEXT, locked INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL, uploaded_at INTEGER NOT NULL, UNIQUE (parent, name)
);
CREATE INDEX node_blob ON node (blob);
CREATE TABLE mount (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, parent INTEGER NOT NULL REFERENCES node
    ON DELETE CASCADE, name TEXT NOT NULL, node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    kind TEXT NOT NULL, permissions TEXT NOT NULL, UNIQUE (account, parent, name)
);
CREATE TABLE unscanned (
    parent INTEGER NOT NULL REFERENCES node ON DELETE CASCADE, name TEXT NOT NULL, blob TEXT, mtime INTEGER NOT NULL,
    PRIMARY KEY (parent, name)
);
CREATE TABLE trashed (
    node INTEGER PRIMARY KEY REFERENCES node ON DELETE CASCADE, original TEXT NOT NULL,
    deleted_at INTEGER NOT NULL
);
CREATE TABLE version (
    node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE, stamp INTEGER NOT NULL, size INTEGER NOT NULL,
    blob TEXT NOT NULL, etag TEXT NOT NULL, PRIMARY KEY (node, stamp)
);
CREATE INDEX version_blob ON version (blob);
CREATE TABLE link (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, node INTEGER NOT NULL REFERENCES node
    ON DELETE CASCADE, token TEXT NOT NULL UNIQUE, permissions INTEGER NOT NULL, password TEXT NOT NULL,
    expires TEXT NOT NULL, label TEXT NOT NULL, note TEXT NOT NULL, made_at INTEGER NOT NULL
);
CREATE TABLE property (
    node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (node, name)
);
CREATE TABLE upload (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, name TEXT NOT NULL, destination TEXT NOT NULL,
    active_at REAL NOT NULL, UNIQUE (account, name)
);
CREATE TABLE chunk (
    upload INTEGER NOT NULL REFERENCES upload ON DELETE CASCADE, number INTEGER NOT NULL, name TEXT NOT NULL,
    size INTEGER NOT NULL, blob TEXT NOT NULL, PRIMARY KEY (upload, number)
);
CREATE TABLE sync_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER NOT NULL, name TEXT NOT NULL, placed INTEGER NOT NULL
);
CREATE TRIGGER node_made AFTER INSERT ON node WHEN new.parent IS NOT NULL BEGIN
    INSERT INTO sync_log (parent, name, placed) VALUES (new.parent, new.name, 1);
END;
CREATE TRIGGER node_moved AFTER UPDATE OF parent, name ON node
WHEN old.parent IS NOT new.parent OR old.name <> new.name BEGIN
    INSERT INTO sync_log (parent, name, placed) VALUES (old.parent, old.name, 0), (new.parent, new.name, 1);
END;
CREATE TRIGGER node_written AFTER UPDATE OF etag ON node WHEN new.kind = 'file' AND old.etag <> new.etag BEGIN
    INSERT INTO sync_log (parent, name, placed) VALUES (new.parent, new.name, 0);
END;
CREATE TRIGGER node_gone AFTER DELETE ON node WHEN old.parent IS NOT NULL BEGIN
    INSERT INTO sync_log (parent, name, placed) VALUES (old.parent, old.name, 0);
END;
CREATE TABLE switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
