"""What somebody without an account does with a share (DRACOON facts, 15)."""

import base64
import binascii
import hmac
import json

from starlette.responses import Response

from mountcloud.sandbox.dracoon import tree
from mountcloud.sandbox.dracoon.accounts import password_hash
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.downloads import download_url, new_download
from mountcloud.sandbox.dracoon.errors import (
    REQUEST_UNKNOWN,
    REQUEST_USED_UP,
    SHARE_OF_CONTAINER,
    SHARE_QUOTA,
    SHARE_UNKNOWN,
    SHARE_USED_UP,
    SHARE_WRONG_PASSWORD,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import date_text, now_ms
from mountcloud.sandbox.dracoon.keypairs import pairs_of, public_container
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.storing import check_room
from mountcloud.sandbox.dracoon.tree import Row
from mountcloud.sandbox.dracoon.uploads import new_channel


def _share(call: Call, kind: str) -> tuple[Row, Row]:
    row = call.box.db.one("SELECT * FROM share WHERE access_key = ? AND kind = ?", call.path["access_key"], kind)
    node = None if row is None else tree.live(call.box, row["node_id"])
    if row is None or node is None:
        raise Refusal(SHARE_UNKNOWN if kind == "download" else REQUEST_UNKNOWN)
    return row, node


def _check_usable(row: Row, limit: str) -> None:
    most = json.loads(row["settings"]).get(limit)
    expired = row["expire_at"] is not None and row["expire_at"] <= now_ms()
    if expired or (most is not None and row["used"] >= most):
        raise Refusal(SHARE_USED_UP if row["kind"] == "download" else REQUEST_USED_UP)


def _check_password(row: Row, password: str | None) -> None:
    if row["password"] is None:
        return
    if not hmac.compare_digest(password_hash(password or "", row["salt"]), row["password"]):
        raise Refusal(SHARE_WRONG_PASSWORD)


def show_download(call: Call) -> Response:
    """``GET``: what there is to download; for encrypted files with the keys, locked with the share's password."""
    row, node = _share(call, "download")
    settings = json.loads(row["settings"])
    answer: dict[str, object] = {"name": row["name"], "fileName": node["name"], "size": node["size"]}
    answer |= {"createdAt": date_text(row["created_at"]), "isEncrypted": bool(node["encrypted"])}
    answer |= {
        "isProtected": row["password"] is not None,
        "hasDownloadLimit": "maxDownloads" in settings,
        "limitReached": False,
    }
    if "keyPair" in settings:
        answer |= {"fileKey": settings["fileKey"], "privateKeyContainer": settings["keyPair"]["privateKeyContainer"]}
    return reply(answer)


def check_password(call: Call) -> Response:
    """``HEAD …?password=``."""
    row, _ = _share(call, "download")
    _check_password(row, call.query.get("password"))
    return empty()


def open_download(call: Call) -> Response:
    """``POST``: a download URL."""
    row, node = _share(call, "download")
    _check_usable(row, "maxDownloads")
    _check_password(row, call.body.text("password"))
    if node["type"] != "file":
        raise Refusal(SHARE_OF_CONTAINER)
    call.box.db.run("UPDATE share SET used = used + 1 WHERE id = ?", row["id"])
    token = new_download(call.box, node["id"], None)
    return reply({"downloadUrl": download_url(call, token, node["blob"])}, 201)


def show_upload(call: Call) -> Response:
    """``GET``: what is asked for, and the public keys of those who will read it."""
    row, node = _share(call, "upload")
    _check_password(row, _header_password(call))
    answer: dict[str, object] = {"name": row["name"], "createdAt": date_text(row["created_at"])}
    answer |= {"isProtected": row["password"] is not None, "isEncrypted": bool(node["encrypted"])}
    if node["encrypted"]:
        answer["userUserPublicKeyList"] = {"items": _recipients(call, node)}
    return reply(answer)


def _header_password(call: Call) -> str | None:
    try:
        return base64.b64decode(call.headers.get("x-sds-share-password", ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(SHARE_WRONG_PASSWORD) from None


def _recipients(call: Call, node: Row) -> list[dict[str, object]]:
    members = call.box.access.members(node["room_id"])
    readers = sorted(user for user, right in members.items() if Right.READ in right)
    pairs = [(user, pair) for user in readers for pair in pairs_of(call.box, user)]
    return [{"id": user, "publicKeyContainer": public_container(pair)} for user, pair in pairs]


def open_channel(call: Call) -> Response:
    """``POST``: a channel, as for members; the files belong to the one who made the share."""
    row, node = _share(call, "upload")
    _check_usable(row, "maxSlots")
    _check_password(row, call.body.text("password"))
    size, most = call.body.number("size") or 0, json.loads(row["settings"]).get("maxSize")
    if most is not None and size > most:
        raise Refusal(SHARE_QUOTA)
    check_room(call.box, None, node, size)
    upload_id, token = new_channel(call, node["id"], row["created_by"], row["id"])
    call.box.db.run("UPDATE share SET used = used + 1, files = files + 1 WHERE id = ?", row["id"])
    return reply({"uploadId": upload_id, "uploadUrl": f"{call.host}/api/v4/uploads/{token}", "token": token}, 201)
