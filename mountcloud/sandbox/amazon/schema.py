"""The tables of the sandbox. All times are milliseconds since the epoch, all sizes bytes."""

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE customer (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, root TEXT NOT NULL,
    exists_here INTEGER NOT NULL DEFAULT 1, quota INTEGER NOT NULL);
CREATE TABLE token (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, customer INTEGER NOT NULL REFERENCES customer,
    client TEXT NOT NULL, redirect_uri TEXT, expires_at INTEGER NOT NULL);
CREATE TABLE node (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, customer INTEGER NOT NULL,
    kind TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL, status TEXT NOT NULL, version INTEGER NOT NULL,
    created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL, created_by TEXT NOT NULL, etag TEXT NOT NULL,
    labels TEXT NOT NULL DEFAULT '[]', description TEXT, local_id TEXT,
    size INTEGER, md5 TEXT, blob TEXT, content_version INTEGER, content_type TEXT, content_at INTEGER);
CREATE INDEX node_customer ON node (customer, number);
CREATE INDEX node_md5 ON node (customer, md5);
CREATE INDEX node_blob ON node (blob);
CREATE TABLE link (
    child TEXT NOT NULL, parent TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (child, parent));
CREATE INDEX link_parent ON link (parent);
CREATE TABLE property (
    node TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (node, owner, key));
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT, customer INTEGER NOT NULL, node TEXT NOT NULL);
CREATE INDEX journal_node ON journal (customer, node, number);
CREATE TABLE signed (token TEXT PRIMARY KEY, node TEXT NOT NULL, expires_at INTEGER NOT NULL);
"""
