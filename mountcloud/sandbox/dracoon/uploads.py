"""Upload channels and the classic way through the API host (DRACOON facts, 12.1, 12.2)."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import present, storing, tree
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.errors import (
    BAD_ARGUMENT,
    BAD_RANGE_HEADER,
    BAD_TRANSFER_TOKEN,
    CHANNEL_CLOSED,
    S3_ENFORCED,
    S3_OFF,
    UPLOAD_UNKNOWN,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import Fields, now_ms
from mountcloud.sandbox.dracoon.instance import enforces_s3, uses_s3
from mountcloud.sandbox.dracoon.nodes_write import expiry, metadata
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_PIECE = 1024 * 1024


def open_channel(call: Call) -> Response:
    """``POST /nodes/files/uploads``. The name conflict is decided at completion, not here."""
    parent = tree.need_container(call.box, call.body.need_number("parentId"))
    size = call.body.number("size")
    storing.check_room(call.box, call.user, parent, size or 0)
    upload_id, token = new_channel(call, parent["id"], call.user, None)
    url = f"{call.host}/api/v4/uploads/{token}"
    return reply({"uploadId": upload_id, "uploadUrl": url, "token": token}, 201)


def new_channel(call: Call, parent: int, owner: int, share: int | None) -> tuple[str, str]:
    """Id and token of a new channel for what the body describes."""
    box, body = call.box, call.body
    direct = body.flag("directS3Upload")
    if direct and not uses_s3(box):
        raise Refusal(S3_OFF)
    if not direct and enforces_s3(box):
        raise Refusal(S3_ENFORCED)
    name = tree.check_path(box, parent, body.need_text("name"))
    _forget_old(box)
    upload_id, token = secrets.token_hex(8), secrets.token_hex(32)
    columns: dict[str, Value] = {
        "id": upload_id,
        "token": token,
        "user_id": owner,
        "share_id": share,
        "parent_id": parent,
    }
    columns |= {"name": name, "size": body.number("size"), "direct": int(direct), "created_at": now_ms()}
    box.db.insert("upload", columns | metadata(body) | expiry(body) | {"blob": box.blobs.new()})
    return upload_id, token


def _forget_old(box: Sandbox) -> None:
    limit = now_ms() - round(box.switches.upload_lifetime * 1000)
    for upload in box.db.all("SELECT * FROM upload WHERE created_at < ?", limit):
        discard(box, upload)


def discard(box: Sandbox, upload: Row) -> None:
    """Forget a channel and the bytes that became no file."""
    box.doom(upload["blob"])
    for part in box.db.all("SELECT blob FROM part WHERE upload_id = ?", upload["id"]):
        box.doom(part["blob"])
    box.db.run("DELETE FROM upload WHERE id = ?", upload["id"])


def channel_of(call: Call) -> Row:
    """The channel in the address: by its id for its owner, or by its token or share for everybody who has that."""
    if "token" in call.path:
        row = call.box.db.one("SELECT * FROM upload WHERE token = ?", call.path["token"])
        if row is None or row["created_at"] + round(call.box.switches.upload_lifetime * 1000) <= now_ms():
            raise Refusal(BAD_TRANSFER_TOKEN)
        return row
    row = call.box.db.one("SELECT * FROM upload WHERE id = ?", call.path["upload"])
    if row is None or not _is_owner(call, row):
        raise Refusal(UPLOAD_UNKNOWN)
    return row


def _is_owner(call: Call, upload: Row) -> bool:
    if "access_key" not in call.path:
        return upload["share_id"] is None and bool(upload["user_id"] == call.user)
    share = call.box.db.one("SELECT id FROM share WHERE access_key = ?", call.path["access_key"])
    return share is not None and bool(share["id"] == upload["share_id"])


def cancel(call: Call) -> Response:
    """``DELETE`` of a channel."""
    upload = channel_of(call)
    if upload["status"] not in {"transfer", "error"}:
        raise Refusal(CHANNEL_CLOSED)
    discard(call.box, upload)
    return empty()


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a chunk goes: by the start in the Content-Range, since clients disagree on its end."""

    start: int
    total: int | None


def slot_of(header: str | None, received: int) -> Slot:
    """From the header; without one the chunk is appended."""
    if header is None:
        return Slot(received, None)
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None or int(match.group(1)) > received:
        raise Refusal(BAD_RANGE_HEADER)
    return Slot(int(match.group(1)), None if match.group(3) == "*" else int(match.group(3)))


async def receive_chunk(call: Call, request: Request) -> Response:
    """``POST`` of one chunk, raw or as a multipart form with a part named ``file``."""
    upload = channel_of(call)
    if upload["status"] != "transfer" or upload["direct"]:
        raise Refusal(CHANNEL_CLOSED)
    slot = slot_of(request.headers.get("content-range"), upload["received"])
    length, digest = await _write(call.box, upload["blob"], slot.start, _pieces(request))
    end = slot.start + length
    if slot.total is not None and end > slot.total:
        raise Refusal(BAD_RANGE_HEADER)
    with call.box.transaction():
        sql = "UPDATE upload SET received = max(received, ?), total = coalesce(?, total) WHERE id = ? AND status = ?"
        if not call.box.db.run(sql, end, slot.total, upload["id"], "transfer"):
            raise Refusal(CHANNEL_CLOSED)
    return reply({"size": length, "hash": digest}, 201)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        async for piece in request.stream():
            yield piece
        return
    async with request.form() as form:
        part = form.get("file")
        if not isinstance(part, UploadFile):
            raise Refusal(BAD_ARGUMENT, words="the form has no part named file")
        while piece := await part.read(_PIECE):
            yield piece


async def _write(box: Sandbox, blob: str, start: int, pieces: AsyncIterator[bytes]) -> tuple[int, str]:
    digest, length = hashlib.md5(usedforsecurity=False), 0
    with box.blobs.path(blob).open("r+b", buffering=0) as file:
        file.seek(start)
        async for piece in pieces:
            digest.update(piece)
            length += file.write(piece)
    return length, digest.hexdigest()


async def complete(call: Call, request: Request) -> Response:
    """``PUT`` of a channel: the bytes become a file. 202 while storage is still catching up, else 201."""
    body = Fields.parse(await request.body())
    upload = channel_of(call)
    _check_complete(upload)
    storing.plan(call.box, upload, body, upload["received"])
    digest = await asyncio.to_thread(call.box.blobs.seal, upload["blob"], upload["received"])
    with call.box.transaction():
        upload = channel_of(call)
        _check_complete(upload)
        decided = storing.plan(call.box, upload, body, upload["received"])
        node = storing.store(call.box, upload, body, decided, digest)
        if upload["share_id"] is not None:
            return empty(201)
        return _completed(call.box, upload["user_id"], node)


def _check_complete(upload: Row) -> None:
    if upload["status"] != "transfer" or upload["direct"]:
        raise Refusal(CHANNEL_CLOSED)
    if upload["total"] not in {None, upload["received"]}:
        raise Refusal(BAD_RANGE_HEADER, words="fewer bytes came than were announced")


def _completed(box: Sandbox, user: int, node: int) -> Response:
    answer = present.node_by_id(box, user, node)
    window = box.switches.complete_window
    if not window:
        return reply(answer, 201)
    box.db.run("UPDATE node SET visible_at = ? WHERE id = ?", now_ms() + round(window * 1000), node)
    answer.pop("hash")
    return reply(answer, 202)
