"""The tables of the sandbox. All times are milliseconds since the epoch, all sizes bytes."""

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE user (
    id INTEGER PRIMARY KEY, user_name TEXT NOT NULL UNIQUE, first_name TEXT NOT NULL, last_name TEXT NOT NULL,
    email TEXT NOT NULL, salt BLOB NOT NULL, password BLOB NOT NULL, roles TEXT NOT NULL,
    locked INTEGER NOT NULL DEFAULT 0,    created_at INTEGER NOT NULL, last_login INTEGER);
CREATE TABLE user_group (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE group_member (
    group_id INTEGER NOT NULL REFERENCES user_group ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE, PRIMARY KEY (group_id, user_id));
CREATE TABLE token (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    client_id TEXT NOT NULL, redirect_uri TEXT, expires_at INTEGER NOT NULL);
CREATE TABLE key_pair (
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE, version TEXT NOT NULL, private_key TEXT NOT NULL,
    public_key TEXT NOT NULL, previous_private_key TEXT, created_at INTEGER NOT NULL, PRIMARY KEY (user_id, version));
CREATE TABLE node (
    id INTEGER PRIMARY KEY, reference_id INTEGER NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,
    name_key TEXT NOT NULL, parent_id INTEGER NOT NULL, room_id INTEGER NOT NULL, branch_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL, created_by INTEGER NOT NULL, updated_at INTEGER NOT NULL, updated_by INTEGER NOT NULL,
    time_creation INTEGER NOT NULL, time_modification INTEGER NOT NULL, expire_at INTEGER, accessed_at INTEGER,
    size INTEGER NOT NULL DEFAULT 0, blob TEXT, hash TEXT, media_type TEXT, classification INTEGER NOT NULL DEFAULT 2,
    notes TEXT, encrypted INTEGER NOT NULL DEFAULT 0,
    verdict TEXT NOT NULL DEFAULT 'CLEAN', visible_at INTEGER NOT NULL DEFAULT 0,
    cnt_rooms INTEGER NOT NULL DEFAULT 0, cnt_folders INTEGER NOT NULL DEFAULT 0, cnt_files INTEGER NOT NULL DEFAULT 0,
    inherit INTEGER NOT NULL DEFAULT 0, quota INTEGER NOT NULL DEFAULT 0, retention INTEGER NOT NULL DEFAULT 0,
    activities INTEGER NOT NULL DEFAULT 1, acceptance TEXT NOT NULL DEFAULT 'autoallow',
    room_expiry INTEGER NOT NULL DEFAULT 0,    virus_protection INTEGER NOT NULL DEFAULT 0,
    deleted_at INTEGER, deleted_by INTEGER, deleted_with INTEGER, deleted_path TEXT);
CREATE INDEX node_child ON node (parent_id, type DESC, name_key) WHERE deleted_at IS NULL;
CREATE INDEX node_name ON node (parent_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX node_any_child ON node (parent_id);
CREATE INDEX node_room ON node (room_id);
CREATE INDEX node_reference ON node (reference_id);
CREATE INDEX node_blob ON node (blob);
CREATE INDEX node_bin ON node (room_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX node_expiry ON node (expire_at) WHERE expire_at IS NOT NULL;
CREATE TABLE room_user (
    room_id INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    rights INTEGER NOT NULL, PRIMARY KEY (room_id, user_id));
CREATE TABLE room_group (
    room_id INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES user_group ON DELETE CASCADE,
    rights INTEGER NOT NULL, acceptance TEXT NOT NULL,
    PRIMARY KEY (room_id, group_id));
CREATE TABLE branch_due (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    node_id INTEGER NOT NULL, value INTEGER NOT NULL, due_at INTEGER NOT NULL);
CREATE TABLE file_key (
    file_id INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    version TEXT NOT NULL, key TEXT NOT NULL, iv TEXT NOT NULL, tag TEXT NOT NULL,
    PRIMARY KEY (file_id, user_id, version));
CREATE TABLE upload (
    id TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, user_id INTEGER NOT NULL, share_id INTEGER,
    parent_id INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER, total INTEGER, direct INTEGER NOT NULL,
    classification INTEGER, notes TEXT, expire_at INTEGER,
    time_creation INTEGER, time_modification INTEGER, created_at INTEGER NOT NULL,
    blob TEXT NOT NULL, received INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL DEFAULT 'transfer',
    completion TEXT, hash TEXT, finish_at INTEGER, node_id INTEGER, error TEXT);
CREATE TABLE part_url (
    token TEXT PRIMARY KEY, upload_id TEXT NOT NULL REFERENCES upload ON DELETE CASCADE, number INTEGER NOT NULL,
    size INTEGER NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE part (
    upload_id TEXT NOT NULL REFERENCES upload ON DELETE CASCADE, number INTEGER NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, blob TEXT NOT NULL, PRIMARY KEY (upload_id, number));
CREATE TABLE download (
    token TEXT PRIMARY KEY, node_id INTEGER NOT NULL REFERENCES node ON DELETE CASCADE, user_id INTEGER,
    expires_at INTEGER NOT NULL, uses INTEGER NOT NULL);
CREATE TABLE share (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, node_id INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    access_key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, settings TEXT NOT NULL, salt BLOB, password BLOB,
    expire_at INTEGER,    used INTEGER NOT NULL DEFAULT 0, files INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL, created_by INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, updated_by INTEGER NOT NULL);
CREATE INDEX share_node ON share (node_id);
CREATE TABLE favorite (
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    node_id INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    PRIMARY KEY (user_id, node_id));
CREATE TABLE comment (
    id INTEGER PRIMARY KEY, node_id INTEGER NOT NULL REFERENCES node ON DELETE CASCADE, text TEXT NOT NULL,
    created_at INTEGER NOT NULL, created_by INTEGER NOT NULL, updated_at INTEGER NOT NULL, updated_by INTEGER NOT NULL);
CREATE INDEX comment_node ON comment (node_id);
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, user_id INTEGER NOT NULL, room_id INTEGER NOT NULL,
    operation TEXT NOT NULL, object_id INTEGER NOT NULL, object_type TEXT NOT NULL, object_name TEXT NOT NULL);
CREATE INDEX event_room ON event (room_id, time);
CREATE VIEW node_view AS SELECT node.*,
    (SELECT count(*) FROM comment WHERE comment.node_id = node.id) AS cnt_comments,
    (SELECT count(*) FROM share WHERE share.node_id = node.id AND kind = 'download') AS cnt_download_shares,
    (SELECT count(*) FROM share WHERE share.node_id = node.id AND kind = 'upload') AS cnt_upload_shares,
    (SELECT count(*) FROM node AS old WHERE old.reference_id = node.reference_id AND old.deleted_at IS NOT NULL)
        AS cnt_deleted_versions
FROM node;
INSERT INTO counter VALUES ('id', 0), ('branch', 0);
"""
