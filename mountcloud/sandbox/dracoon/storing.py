"""From sent bytes to a file: what all ways of upload share (DRACOON facts, 12)."""

import json
import sqlite3
from dataclasses import dataclass

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import conflicts, tree
from mountcloud.sandbox.dracoon.conflicts import Outcome, Wish
from mountcloud.sandbox.dracoon.errors import (
    BAD_ARGUMENT,
    KEY_REQUIRED,
    TARGET_NOT_ENCRYPTED,
    TOO_LARGE_FOR_GCM,
    USER_UNKNOWN,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import Fields, now_ms
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

MAX_GCM = 2**36 - 32
KEY_VERSIONS = ("A", "RSA-4096/AES-256-GCM")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a completion will do."""

    parent: Row
    outcome: Outcome
    wish: Wish


def check_room(box: Sandbox, user: int | None, parent: Row, size: int) -> None:
    """May so many bytes be put here: rights, quotas, the limit of the encryption."""
    if user is not None:
        tree.need_rights(box, user, parent, Right.CREATE)
    if parent["encrypted"] and size > MAX_GCM:
        raise Refusal(TOO_LARGE_FOR_GCM)
    tree.check_quota(box, parent["id"], size)


def plan(box: Sandbox, upload: Row, body: Fields, size: int) -> Plan:
    """Checks a completion with so many bytes and decides the name; changes nothing."""
    parent = tree.need_container(box, upload["parent_id"])
    user = None if upload["share_id"] else upload["user_id"]
    check_room(box, user, parent, size)
    wish = conflicts.wish_of(body)
    name = tree.check_path(box, parent["id"], body.text("fileName") or upload["name"])
    _check_keys(parent, body)
    return Plan(parent, conflicts.resolve(box, user, parent, name, wish, container=False), wish)


def _check_keys(parent: Row, body: Fields) -> None:
    keyed = body.has("fileKey") or body.has("userFileKeyList")
    if parent["encrypted"] and not keyed:
        raise Refusal(KEY_REQUIRED)
    if keyed and not parent["encrypted"]:
        raise Refusal(TARGET_NOT_ENCRYPTED)
    key = body.fields("fileKey")
    if key is not None:
        key_columns(key)


def store(box: Sandbox, upload: Row, body: Fields, decided: Plan, digest: str | None) -> int:
    """The bytes become a file; its id. An overwritten file goes to the bin and passes on its ``referenceId``."""
    user, outcome = upload["user_id"], decided.outcome
    columns: dict[str, Value] = {"size": upload["received"], "blob": upload["blob"], "hash": digest}
    columns |= {name: upload[name] for name in ("classification", "notes", "time_creation", "time_modification")}
    columns["expire_at"] = upload["expire_at"] or _room_expiry(box, decided.parent["room_id"])
    if outcome.replaced is not None:
        columns["reference_id"] = outcome.replaced["reference_id"]
    conflicts.make_way(box, user, outcome, decided.wish)
    node = tree.add(box, user, "file", decided.parent["id"], outcome.name, columns=columns)
    conflicts.hand_over_shares(box, outcome, node)
    _store_keys(box, node, user, body)
    box.db.run("UPDATE upload SET status = 'done', node_id = ? WHERE id = ?", node, upload["id"])
    tree.record(box, user, tree.need_live(box, node), "upload")
    return node


def _room_expiry(box: Sandbox, room: int) -> int | None:
    period = box.db.number("SELECT room_expiry FROM node WHERE id = ?", room)
    return now_ms() + period * 1000 if period else None


def _store_keys(box: Sandbox, node: int, user: int, body: Fields) -> None:
    own = body.fields("fileKey")
    if own is not None:
        keep_key(box, node, user, own)
    others = body.fields("userFileKeyList")
    for item in others.objects("items") if others is not None else []:
        keep_key(box, node, item.need_number("userId"), item.fields("fileKey") or Fields({}))


def keep_key(box: Sandbox, node: int, user: int, key: Fields) -> None:
    """Store a wrapped file key; an existing one of that version stays (DRACOON facts, 13)."""
    columns = key_columns(key)
    sql = "INSERT OR IGNORE INTO file_key (file_id, user_id, version, key, iv, tag) VALUES (?, ?, ?, ?, ?, ?)"
    try:
        box.db.run(sql, node, user, *columns)
    except sqlite3.IntegrityError:
        raise Refusal(USER_UNKNOWN) from None


def key_columns(key: Fields) -> tuple[str, str, str, str]:
    """Version, key, iv and tag of a wrapped file key."""
    version = key.need_text("version")
    if version not in KEY_VERSIONS:
        raise Refusal(BAD_ARGUMENT, words="The version of the file key is unknown")
    return version, key.need_text("key"), key.need_text("iv"), key.text("tag") or ""


def is_finish_due(box: Sandbox) -> bool:
    """True if an S3 upload is to become a file by now."""
    return (
        box.db.one("SELECT 1 FROM upload WHERE status = 'finishing' AND finish_at <= ? LIMIT 1", now_ms()) is not None
    )


def finish_due(box: Sandbox) -> None:
    """S3 uploads whose time has come are done, or fail with what their status will tell."""
    for upload in box.db.all("SELECT * FROM upload WHERE status = 'finishing' AND finish_at <= ?", now_ms()):
        body = Fields.parse(upload["completion"].encode())
        try:
            decided = plan(box, upload, body, upload["received"])
        except Refusal as refusal:
            fail(box, upload["id"], refusal)
            continue
        store(box, upload, body, decided, upload["hash"])


def fail(box: Sandbox, upload_id: str, refusal: Refusal) -> None:
    """The upload ends with an error."""
    box.db.run("UPDATE upload SET status = 'error', error = ? WHERE id = ?", json.dumps(refusal.body()), upload_id)
