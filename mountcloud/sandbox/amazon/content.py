"""Content: up as a form of two parts, down in ranges or through a signed address, or as a thumbnail.

Amazon facts, 7 and 8.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mountcloud.sandbox.amazon import nodes, tree
from mountcloud.sandbox.amazon.calls import Call, sandbox_of
from mountcloud.sandbox.amazon.errors import Refusal, bad, reply
from mountcloud.sandbox.amazon.state import now_ms
from mountcloud.sandbox.database import Value
from mountcloud.sandbox.pictures import grey_png
from mountcloud.sandbox.ranges import StoredBytes, range_of

_PIECE = 1024 * 1024
Store = Callable[[], str]
"""Makes or changes a node inside a transaction; its id."""


@dataclass(frozen=True, slots=True)
class Received:
    """The content part of a form, in a blob of its own."""

    blob: str
    size: int
    md5: str
    kind: str

    def columns(self, version: int) -> dict[str, Value]:
        """As a node has them."""
        return {
            "blob": self.blob,
            "size": self.size,
            "md5": self.md5,
            "content_type": self.kind,
            "content_version": version,
            "content_at": now_ms(),
        }


async def upload(call: Call) -> Response:
    """``POST nodes``: metadata, then content."""
    form = await _form(call)
    metadata = form.get("metadata")
    received = await _receive(call, form)
    try:
        body = json.loads(metadata) if isinstance(metadata, str) else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise bad("The part metadata is missing, or no JSON")
    if next(iter(form.keys()), "") != "metadata":
        raise bad("The part metadata must be the first")
    return await _stored(call, lambda: _add(Call(call.box, call.request, call.customer, body), received), 201)


def _add(call: Call, received: Received) -> str:
    if call.query.get("suppress") != "deduplication":
        sql = "SELECT id FROM node WHERE customer = ? AND md5 = ? AND status != 'PURGED'"
        twin = call.box.db.one(sql, call.customer, received.md5)
        if twin is not None:
            words = f"Node with the md5 {received.md5} already exists: {twin['id']}"
            raise Refusal(409, words, "MD5_ALREADY_EXISTS", {"nodeId": twin["id"]})
    _check_quota(call, received.size)
    return nodes.made(call, "FILE", **received.columns(1))


async def overwrite(call: Call) -> Response:
    """``PUT nodes/{id}/content``."""
    row = call.node()
    if row["kind"] != "FILE":
        raise bad(f"Node {row['id']} is not a file")
    received = await _receive(call, await _form(call))
    return await _stored(call, lambda: _replace(call, received), 200)


def _replace(call: Call, received: Received) -> str:
    row = call.node()
    if row["status"] != tree.AVAILABLE:
        raise Refusal(403, f"Node {row['id']} is in trash", "FORBIDDEN")
    _check_quota(call, received.size - (row["size"] or 0))
    call.box.doom(row["blob"])
    tree.change(call.box, row, **received.columns((row["content_version"] or 0) + 1))
    return str(row["id"])


def _check_quota(call: Call, more: int) -> None:
    used = call.box.db.number("SELECT coalesce(sum(size), 0) FROM node WHERE customer = ?", call.customer)
    if used + more > call.box.db.number("SELECT quota FROM customer WHERE id = ?", call.customer):
        raise Refusal(403, "The quota of the account is exceeded", "OVER_QUOTA")


async def _form(call: Call) -> FormData:
    """The parts; what comes after the last boundary is nobody's."""
    headers = call.request.headers
    if "content-length" not in headers and "chunked" not in headers.get("transfer-encoding", ""):
        raise Refusal(411, "Length required", "LENGTH_REQUIRED")
    try:
        return await call.request.form(max_part_size=_PIECE)
    except MultiPartException as broken:
        raise bad(f"Cannot read from request: {broken.message}") from None


async def _receive(call: Call, form: FormData) -> Received:
    part = form.get("content")
    if not isinstance(part, UploadFile):
        raise bad("The part content is missing")
    blob, size, digest = call.box.blobs.new(), 0, hashlib.md5(usedforsecurity=False)
    with call.box.blobs.path(blob).open("wb") as output:
        while piece := _altered(call, await part.read(_PIECE)):
            digest.update(piece)
            size += output.write(piece)
    if not size and "chunked" in call.request.headers.get("transfer-encoding", ""):
        raise bad("Cannot complete upload")
    return Received(blob, size, digest.hexdigest(), part.content_type or "application/octet-stream")


def _altered(call: Call, piece: bytes) -> bytes:
    """The bytes of a piece, unless the switch wants others."""
    left = call.box.switches.corrupt_uploads
    if not piece or not left:
        return piece
    with call.box.transaction():
        call.box.change_switches({"corrupt_uploads": left - 1})
    return piece[:-1] + bytes([piece[-1] ^ 1])


async def _stored(call: Call, store: Store, status: int) -> Response:
    """In one transaction. If it is to look like a failure, the node may come later than the answer."""
    switches = call.box.switches
    if switches.stored_but_504 > 0:
        with call.box.transaction():
            call.box.change_switches({"stored_but_504": switches.stored_but_504 - 1})
        task = asyncio.create_task(_late(call, store, switches.stored_after))
        _LATE.add(task)
        task.add_done_callback(_LATE.discard)
        if not switches.stored_after:
            await task
        raise Refusal(504, "Gateway timeout")
    with call.box.transaction():
        node = store()
    return reply(call.present(node), status)


async def _late(call: Call, store: Store, seconds: float) -> None:
    await asyncio.sleep(seconds)
    try:
        with call.box.transaction():
            store()
    except Refusal:
        return


_LATE: set["asyncio.Task[None]"] = set()
"""Held, because the event loop holds its tasks weakly."""


async def download(call: Call) -> Response:
    """``GET nodes/{id}/content``."""
    row = call.node()
    if row["kind"] != "FILE" or row["blob"] is None:
        raise Refusal(404, f"Node {row['id']} has no content", "NO_CONTENT")
    if "viewBox" in call.query:
        return _thumbnail(row, call.query["viewBox"])
    if call.box.switches.redirect_downloads:
        with call.box.transaction():
            address = signed_address(call, row)
        return RedirectResponse(address, 302)
    return stored(call.box.blobs.path(row["blob"]), row, call.request)


def stored(path: Path, row: tree.Row, request: Request) -> Response:
    """The bytes that are asked for; 416 for a range that begins at the end or beyond."""
    size, asked = row["size"], request.headers.get("range", "")
    part = range_of(asked, size)
    if part is None:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {"Content-Type": row["content_type"], "x-amzn-RequestId": str(uuid4())}
    if part.partial:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    return StoredBytes(path, part, headers)


def signed_address(call: Call, row: tree.Row) -> str:
    """An address of the storage host that needs no log-in and lives for a while; inside a transaction."""
    token, expires = secrets.token_urlsafe(16), now_ms() + round(call.box.switches.signed_lifetime * 1000)
    call.box.db.insert("signed", {"token": token, "node": row["id"], "expires_at": expires})
    host = call.origin.rpartition(":")[0]
    return f"{host}:{call.box.signed_port}/signed/{token}"


async def signed(request: Request) -> Response:
    """``GET /signed/{token}``: a second proof of who one is makes it useless."""
    if "authorization" in request.headers:
        return Response("Only one auth mechanism allowed", 400)
    box = sandbox_of(request)
    sql = "SELECT node.* FROM signed JOIN node ON node.id = signed.node WHERE token = ? AND expires_at > ?"
    row = box.db.one(sql, request.path_params["token"], now_ms())
    return Response(status_code=403) if row is None else stored(box.blobs.path(row["blob"]), row, request)


def _thumbnail(row: tree.Row, box: str) -> Response:
    """A small grey PNG where the file is a picture or a film."""
    if not row["content_type"].startswith(("image/", "video/")):
        raise bad("There is no thumbnail of this file")
    side = max(1, min(int(box), 1024)) if box.isdecimal() else 0
    if not side:
        raise bad("viewBox must be a number")
    return Response(grey_png(side), media_type="image/png")
