"""Download and upload shares of the account (DRACOON facts, 15)."""

import json
import secrets

from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import tree
from mountcloud.sandbox.dracoon.accounts import password_hash
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.errors import (
    FORBIDDEN,
    REQUEST_UNKNOWN,
    SHARE_NEEDS_KEY,
    SHARE_OF_CONTAINER,
    SHARE_PASSWORD,
    SHARE_PLAIN_KEY,
    SHARE_UNKNOWN,
    TARGET_IS_FILE,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import Fields, date_text, now_ms
from mountcloud.sandbox.dracoon.nodes_write import expiry
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.query import Field, clause_of, filters_of, slice_of
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

_SETTINGS = (
    "notes",
    "internalNotes",
    "showCreatorName",
    "showCreatorUsername",
    "notifyCreator",
    "maxDownloads",
    "filesExpiryPeriod",
    "maxSlots",
    "maxSize",
    "showUploadedFiles",
)
_CREATOR = "(SELECT user_name FROM user WHERE user.id = created_by)"
_FILTERS = {
    "name": Field("lower(name)", ("cn", "eq"), "key"),
    "createdAt": Field("created_at", ("ge", "le"), "date"),
    "createdBy": Field(_CREATOR, ("cn", "eq")),
    "createdById": Field("created_by", ("eq",), "number"),
    "accessKey": Field("access_key", ("cn", "eq")),
    "nodeId": Field("node_id", ("eq",), "number"),
    "targetId": Field("node_id", ("eq",), "number"),
}
_RIGHTS = {"download": Right.MANAGE_DOWNLOAD_SHARE, "upload": Right.MANAGE_UPLOAD_SHARE}


def _kind(call: Call) -> str:
    return "upload" if "/shares/uploads" in call.address else "download"


def create_download_share(call: Call) -> Response:
    """``POST /shares/downloads``."""
    node = tree.need_live(call.box, call.body.need_number("nodeId"))
    tree.need_rights(call.box, call.user, node, Right.MANAGE_DOWNLOAD_SHARE)
    _check_keys(node, call.body)
    return reply(_json(call, _create(call, "download", node)), 201)


def _check_keys(node: Row, body: Fields) -> None:
    keyed = body.has("fileKey") or body.has("keyPair")
    if not node["encrypted"]:
        if keyed:
            raise Refusal(SHARE_PLAIN_KEY)
        return
    if node["type"] != "file":
        raise Refusal(SHARE_OF_CONTAINER)
    if body.has("password"):
        raise Refusal(SHARE_PASSWORD)
    if not (body.has("fileKey") and body.has("keyPair")):
        raise Refusal(SHARE_NEEDS_KEY)


def create_upload_share(call: Call) -> Response:
    """``POST /shares/uploads``: a request for files."""
    node = tree.need_live(call.box, call.body.need_number("targetId"))
    if node["type"] == "file":
        raise Refusal(TARGET_IS_FILE)
    tree.need_rights(call.box, call.user, node, Right.MANAGE_UPLOAD_SHARE)
    return reply(_json(call, _create(call, "upload", node)), 201)


def _create(call: Call, kind: str, node: Row) -> Row:
    body, now, share = call.body, now_ms(), call.box.db.next("id")
    settings = {name: body.values[name] for name in (*_SETTINGS, "fileKey", "keyPair") if body.has(name)}
    columns: dict[str, Value] = {
        "id": share,
        "kind": kind,
        "node_id": node["id"],
        "access_key": secrets.token_urlsafe(24),
    }
    columns |= {"name": body.text("name") or node["name"], "settings": json.dumps(settings)}
    columns |= {"created_at": now, "created_by": call.user, "updated_at": now, "updated_by": call.user}
    call.box.db.insert("share", columns | _password(body) | expiry(body))
    return _need(call, share)


def _password(body: Fields) -> dict[str, Value]:
    password = body.text("password")
    if password is None:
        return {}
    salt = secrets.token_bytes(16)
    return {"salt": salt, "password": password_hash(password, salt)}


def _need(call: Call, share: int) -> Row:
    row = call.box.db.one("SELECT * FROM share WHERE id = ?", share)
    if row is None:
        raise Refusal(SHARE_UNKNOWN)
    return row


def _own(call: Call, share: int) -> Row:
    row, kind = _need(call, share), _kind(call)
    if row["kind"] != kind:
        raise Refusal(REQUEST_UNKNOWN if kind == "upload" else SHARE_UNKNOWN)
    node = tree.need_live(call.box, row["node_id"])
    if _RIGHTS[kind] not in call.rights(node["room_id"]):
        raise Refusal(FORBIDDEN)
    return row


def list_shares(call: Call) -> Response:
    """``GET /shares/downloads`` and ``/shares/uploads``: those that the caller may manage."""
    clauses = [clause_of(_FILTERS[name], operator, values) for name, operator, values in filters_of(call, _FILTERS)]
    where = "".join(f" AND {clause.sql}" for clause in clauses)
    kind = _kind(call)
    rooms = call.box.access.rooms_with(call.user, _RIGHTS[kind])
    arguments = [value for clause in clauses for value in clause.arguments]
    rows = call.box.db.all(f"SELECT * FROM share WHERE kind = ?{where} ORDER BY id", kind, *arguments)  # noqa: S608 - names are ours
    shown = [row for row in rows if _room_of(call.box, row["node_id"]) in rooms]
    return reply(slice_of(call, [_json(call, row) for row in shown]))


def _room_of(box: Sandbox, node: int) -> int:
    return box.db.number("SELECT room_id FROM node WHERE id = ?", node)


def get_share(call: Call) -> Response:
    """``GET`` of one share."""
    return reply(_json(call, _own(call, call.id())))


def update_share(call: Call) -> Response:
    """``PUT`` of one share: name, password, expiry and settings."""
    row, body = _own(call, call.id()), call.body
    settings = json.loads(row["settings"]) | {name: body.values[name] for name in _SETTINGS if body.has(name)}
    columns: dict[str, Value] = {"settings": json.dumps(settings), "updated_at": now_ms(), "updated_by": call.user}
    name = body.text("name")
    if name is not None:
        columns["name"] = name
    if body.flag("resetPassword"):
        columns |= {"salt": None, "password": None}
    call.box.db.update("share", row["id"], columns | _password(body) | expiry(body))
    return reply(_json(call, _own(call, row["id"])))


def delete_share(call: Call) -> Response:
    """``DELETE`` of one share."""
    call.box.db.run("DELETE FROM share WHERE id = ?", _own(call, call.id())["id"])
    return empty()


def delete_shares(call: Call) -> Response:
    """``DELETE`` of several."""
    for share in call.body.numbers("shareIds"):
        call.box.db.run("DELETE FROM share WHERE id = ?", _own(call, share)["id"])
    return empty()


def _json(call: Call, row: Row) -> dict[str, object]:
    box, settings = call.box, json.loads(row["settings"])
    node = tree.need_live(box, row["node_id"])
    path = tree.path_of(box, node["parent_id"]) + node["name"]
    share: dict[str, object] = {name: settings[name] for name in _SETTINGS if name in settings}
    share |= {
        "id": row["id"],
        "name": row["name"],
        "accessKey": row["access_key"],
        "isEncrypted": bool(node["encrypted"]),
    }
    share |= {"createdAt": date_text(row["created_at"]), "createdBy": box.person(row["created_by"])}
    share |= {"updatedAt": date_text(row["updated_at"]), "updatedBy": box.person(row["updated_by"])}
    share["isProtected"] = row["password"] is not None or "keyPair" in settings
    share["dataUrl"] = f"{call.host}/public/{row['kind']}-shares/{row['access_key']}"
    if row["expire_at"] is not None:
        share["expireAt"] = date_text(row["expire_at"])
    if row["kind"] == "download":
        return share | {"nodeId": node["id"], "nodePath": path, "nodeType": node["type"], "cntDownloads": row["used"]}
    counts = {"cntFiles": row["files"], "cntUploads": row["used"]}
    return share | {"targetId": node["id"], "targetPath": path, "targetType": node["type"]} | counts
