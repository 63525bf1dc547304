"""Wrapped file keys and their distribution (DRACOON facts, 13)."""

import json
from dataclasses import dataclass

from starlette.responses import Response

from mountcloud.sandbox.dracoon import tree
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.errors import (
    FILE_UNKNOWN,
    FORBIDDEN,
    NO_FILE_KEY,
    NO_KEY_PAIR_FOR_FILE,
    TARGET_NOT_ENCRYPTED,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import Fields
from mountcloud.sandbox.dracoon.keypairs import FILE_KEY_VERSIONS, pairs_of, public_container
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.query import page_of
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.storing import keep_key
from mountcloud.sandbox.dracoon.tree import Row

MAX_MISSING = 100
DISTRIBUTORS = (Right.MANAGE, Right.READ, Right.MANAGE_DOWNLOAD_SHARE)


@dataclass(frozen=True, slots=True)
class Missing:
    """A user who cannot open a file yet."""

    file: int
    user: int


def user_file_key(call: Call) -> Response:
    """``GET /nodes/files/{id}/user_file_key``: my key, of a version, else the preferred one."""
    row = tree.need_live(call.box, call.id(), FILE_UNKNOWN)
    tree.need_rights(call.box, call.user, row, Right.READ)
    if not pairs_of(call.box, call.user):
        raise Refusal(NO_KEY_PAIR_FOR_FILE)
    asked = call.query.get("version")
    for key in _keys_of(call.box, row["id"], call.user):
        if asked is None or key["version"] in {asked, FILE_KEY_VERSIONS.get(asked)}:
            return reply(_key_json(key))
    raise Refusal(NO_FILE_KEY)


def set_file_keys(call: Call) -> Response:
    """``POST /nodes/files/keys``: keys for others; existing ones are kept."""
    for item in call.body.objects("items"):
        row = tree.need_live(call.box, item.need_number("fileId"), FILE_UNKNOWN)
        if row["type"] != "file":
            raise Refusal(FILE_UNKNOWN)
        if not _may_distribute(call, row["room_id"]):
            raise Refusal(FORBIDDEN)
        if not row["encrypted"]:
            raise Refusal(TARGET_NOT_ENCRYPTED)
        keep_key(call.box, row["id"], item.need_number("userId"), item.fields("fileKey") or Fields({}))
    return empty()


def missing_file_keys(call: Call) -> Response:
    """``GET /nodes/missingFileKeys``: who lacks keys that the caller could make; at most 100 a request."""
    page = page_of(call, MAX_MISSING)
    use_key = call.query.get("use_key")
    # The sandbox keeps no rescue keys: for those, nothing is ever missing.
    make = {None: _missing, "previous_user_key": _not_yet_rewrapped}.get(use_key)
    missing = [] if make is None else make(call)
    wanted = missing[page.offset : page.offset + page.limit]
    items = [{"userId": item.user, "fileId": item.file} for item in wanted]
    answer = page.range(len(missing)) | {"items": items}
    return reply(answer | {"users": _users(call.box, wanted), "files": _files(call, wanted)})


def _may_distribute(call: Call, room: int) -> bool:
    return any(right in call.rights(room) for right in DISTRIBUTORS)


def _missing(call: Call) -> list[Missing]:
    found, only = [], call.number("user_id", 0)
    holders: dict[int, list[int]] = {}
    for file in _my_files(call):
        room = file["room_id"]
        if room not in holders:
            holders[room] = _entitled(call, room)
        keyed = {
            row["user_id"] for row in call.box.db.all("SELECT user_id FROM file_key WHERE file_id = ?", file["id"])
        }
        found += [Missing(file["id"], user) for user in holders[room] if user not in keyed and only in {0, user}]
    return found


def _entitled(call: Call, room: int) -> list[int]:
    if not _may_distribute(call, room):
        return []
    members = call.box.access.members(room)
    return sorted(user for user, right in members.items() if Right.READ in right and pairs_of(call.box, user))


def _my_files(call: Call) -> list[Row]:
    sql = (
        "SELECT DISTINCT node.id, node.room_id FROM node JOIN file_key ON file_id = node.id"
        " WHERE user_id = ?1 AND encrypted AND deleted_at IS NULL"
        " AND (?2 = 0 OR node.id = ?2) AND (?3 = 0 OR room_id = ?3) ORDER BY node.id"
    )
    return call.box.db.all(sql, call.user, call.number("file_id", 0), call.number("room_id", 0))


def _not_yet_rewrapped(call: Call) -> list[Missing]:
    versions = [FILE_KEY_VERSIONS[row["version"]] for row in pairs_of(call.box, call.user)]
    if not versions:
        return []
    has = "SELECT 1 FROM file_key WHERE file_id = ? AND user_id = ? AND version = ?"
    files = [row["id"] for row in _my_files(call) if call.box.db.one(has, row["id"], call.user, versions[0]) is None]
    return [Missing(file, call.user) for file in files]


def _users(box: Sandbox, missing: list[Missing]) -> list[dict[str, object]]:
    users = sorted({item.user for item in missing})
    pairs = [(user, row) for user in users for row in pairs_of(box, user)]
    return [{"id": user, "publicKeyContainer": public_container(row)} for user, row in pairs]


def _files(call: Call, missing: list[Missing]) -> list[dict[str, object]]:
    files = sorted({item.file for item in missing})
    keys = [(file, key) for file in files for key in _keys_of(call.box, file, call.user)]
    return [{"id": file, "fileKeyContainer": _key_json(key)} for file, key in keys]


def _keys_of(box: Sandbox, file: int, user: int) -> list[Row]:
    return box.db.all("SELECT * FROM file_key WHERE file_id = ? AND user_id = ? ORDER BY version = 'A'", file, user)


def _key_json(key: Row) -> dict[str, object]:
    return {name: key[name] for name in ("key", "iv", "version", "tag")}


def lacks_key(box: Sandbox, user: int, nodes: list[int]) -> bool:
    """True if an encrypted file among these nodes has no key for the user."""
    sql = (
        "SELECT 1 FROM node WHERE id IN (SELECT value FROM json_each(?)) AND type = 'file' AND encrypted"
        " AND NOT EXISTS (SELECT 1 FROM file_key WHERE file_id = node.id AND user_id = ?) LIMIT 1"
    )
    return box.db.one(sql, json.dumps(nodes), user) is not None
