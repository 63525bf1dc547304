"""The sandbox' tables. ``node`` holds the accounts' trees; a root has no parent."""

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE account (key TEXT PRIMARY KEY, password TEXT NOT NULL, username TEXT NOT NULL, root INTEGER NOT NULL);
CREATE TABLE client (token TEXT PRIMARY KEY, secret TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE oauth_token (
    token TEXT PRIMARY KEY, secret TEXT NOT NULL, client TEXT NOT NULL REFERENCES client, kind TEXT NOT NULL,
    verifier TEXT NOT NULL DEFAULT '', account TEXT
);
CREATE TABLE node (
    id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES node ON DELETE CASCADE, name TEXT NOT NULL,
    is_directory INTEGER NOT NULL, size INTEGER NOT NULL DEFAULT 0, time INTEGER NOT NULL, blob TEXT,
    denied TEXT NOT NULL DEFAULT '', UNIQUE (parent, name)
);
CREATE INDEX node_blob ON node (blob);
CREATE TABLE attribute (
    node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (node, key)
);
CREATE TABLE task (
    uuid TEXT PRIMARY KEY, account TEXT NOT NULL, kind TEXT NOT NULL, arguments TEXT NOT NULL, due REAL NOT NULL,
    status TEXT NOT NULL, result TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX task_waiting ON task (due) WHERE status IN ('PENDING', 'PROGRESS');
CREATE TABLE switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
