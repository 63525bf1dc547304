"""Download URLs and the bytes behind them (DRACOON facts, 11)."""

import secrets
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import tree
from mountcloud.sandbox.dracoon.calls import Call, refused, reply, sandbox_of
from mountcloud.sandbox.dracoon.errors import (
    BAD_TRANSFER_TOKEN,
    FILE_UNKNOWN,
    MALICIOUS,
    NO_KEY_PAIR_FOR_FILE,
    VIRUS_SCAN_RUNNING,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import now_ms
from mountcloud.sandbox.dracoon.keypairs import pairs_of
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row
from mountcloud.sandbox.dracoon.xml_errors import xml_error
from mountcloud.sandbox.ranges import StoredBytes, range_of

_VERDICTS = {"IN_PROGRESS": VIRUS_SCAN_RUNNING, "NOT_SCANNING": VIRUS_SCAN_RUNNING, "MALICIOUS": MALICIOUS}


def create_download(call: Call) -> Response:
    """``POST /nodes/files/{id}/downloads``: a URL that works without authentication for a while."""
    row = tree.need_live(call.box, call.id(), FILE_UNKNOWN)
    if row["type"] != "file" or row["visible_at"] > now_ms():
        raise Refusal(FILE_UNKNOWN)
    tree.need_rights(call.box, call.user, row, Right.READ)
    if row["encrypted"] and not pairs_of(call.box, call.user):
        raise Refusal(NO_KEY_PAIR_FOR_FILE)
    if row["verdict"] in _VERDICTS:
        raise Refusal(_VERDICTS[row["verdict"]])
    token = new_download(call.box, row["id"], call.user)
    return reply({"downloadUrl": download_url(call, token, row["blob"]), "token": token})


def new_download(box: Sandbox, node: int, user: int | None) -> str:
    """A token for the stored bytes of a file, with the lifetime and the count of uses that the switches say."""
    token, switches = secrets.token_hex(32), box.switches
    box.db.run("DELETE FROM download WHERE expires_at < ?", now_ms() - 86_400_000)
    columns: dict[str, Value] = {"token": token, "node_id": node, "user_id": user, "uses": switches.download_uses}
    box.db.insert("download", columns | {"expires_at": now_ms() + round(switches.download_lifetime * 1000)})
    return token


def download_url(call: Call, token: str, blob: str) -> str:
    """On the API host, on the second listener, or where the switches say that somebody offers the stored bytes."""
    if call.box.switches.downloads_at:
        return f"{call.box.switches.downloads_at}/{call.box.blobs.place(blob)}"
    if call.box.switches.static_downloads:
        return f"{static_origin(call)}/objects/{token}"
    return f"{call.host}/api/v4/downloads/{token}"


def static_origin(call: Call) -> str:
    """The second listener, under the host name that the client uses."""
    host = call.host.partition("://")[2].rpartition(":")[0] or "127.0.0.1"
    return f"http://{host}:{call.box.static_port}"


async def download(request: Request) -> Response:
    """``GET`` and ``HEAD /downloads/{token}`` on the API host."""
    try:
        return serve(sandbox_of(request), request)
    except Refusal as refusal:
        answer = refused(refusal)
        answer.headers["content-type"] = "application/octet-stream"
        return answer


async def static_download(request: Request) -> Response:
    """The same on the second listener, with errors in the style of S3."""
    try:
        return serve(sandbox_of(request), request)
    except Refusal as refusal:
        if refusal.code is BAD_TRANSFER_TOKEN:
            return xml_error(403, "AccessDenied", "Request has expired")
        return xml_error(404, "NoSuchKey", "The specified key does not exist")


def serve(box: Sandbox, request: Request) -> Response:
    """Whole or in part; raises ``Refusal`` if the token does not count any more."""
    row = _node_of(box, request.path_params["token"], count=request.method == "GET")
    size = row["size"]
    headers = {"accept-ranges": "bytes", "content-type": "application/octet-stream", "etag": f'"{row["hash"]}"'}
    headers["last-modified"] = formatdate(row["created_at"] / 1000, usegmt=True)
    wanted = range_of(request.headers.get("range", ""), size)
    if wanted is None:
        return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
    if wanted.partial:
        headers["content-range"] = f"bytes {wanted.start}-{wanted.end - 1}/{size}"
    return StoredBytes(box.blobs.path(row["blob"]), wanted, headers)


def _node_of(box: Sandbox, token: str, *, count: bool) -> Row:
    with box.transaction():
        row = box.db.one("SELECT * FROM download WHERE token = ?", token)
        if row is None or row["expires_at"] <= now_ms() or row["uses"] == 0:
            raise Refusal(BAD_TRANSFER_TOKEN)
        if count and row["uses"] > 0:
            box.db.run("UPDATE download SET uses = uses - 1 WHERE token = ?", token)
        node = tree.live(box, row["node_id"])
        if node is None:
            raise Refusal(FILE_UNKNOWN)
        if count:
            box.db.run("UPDATE node SET accessed_at = ? WHERE id = ?", now_ms(), node["id"])
        return node
