"""The sandbox' tables. Times in milliseconds since the epoch; a file is known by its bucket and its hash."""

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE user (
    email TEXT PRIMARY KEY, hashpass TEXT NOT NULL, created INTEGER NOT NULL, activator TEXT UNIQUE,
    activated INTEGER NOT NULL DEFAULT 0, nonce REAL NOT NULL DEFAULT 0
);
CREATE TABLE pubkey (key TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES user);
CREATE TABLE bucket (
    id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES user, name TEXT NOT NULL, storage NUMERIC NOT NULL,
    transfer NUMERIC NOT NULL, pubkeys TEXT NOT NULL, created INTEGER NOT NULL
);
CREATE INDEX bucket_user ON bucket (user);
CREATE TABLE token (
    token TEXT PRIMARY KEY, bucket TEXT NOT NULL, operation TEXT NOT NULL, expires INTEGER NOT NULL
);
CREATE TABLE file (
    id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL REFERENCES bucket, hash TEXT NOT NULL,
    name TEXT NOT NULL, mimetype TEXT NOT NULL, size INTEGER NOT NULL, UNIQUE (bucket, hash)
);
CREATE TABLE shard (
    file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE, position INTEGER NOT NULL, hash TEXT NOT NULL,
    size INTEGER NOT NULL, blob TEXT NOT NULL, PRIMARY KEY (file, position)
);
CREATE INDEX shard_blob ON shard (blob);
CREATE TABLE switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
