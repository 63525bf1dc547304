"""Uploads straight to S3: presigned part URLs, the listener that takes the parts, completion, status.

(DRACOON facts, 12.3)
"""

import asyncio
import hashlib
import json
import secrets

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mountcloud.sandbox.dracoon import present, storing, tree
from mountcloud.sandbox.dracoon.calls import Call, empty, reply, sandbox_of
from mountcloud.sandbox.dracoon.downloads import static_origin
from mountcloud.sandbox.dracoon.errors import (
    BAD_ETAGS,
    CHANNEL_CLOSED,
    NOT_POSITIVE,
    PART_SIZE,
    S3_OFF,
    UPLOAD_GONE,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import Fields, now_ms
from mountcloud.sandbox.dracoon.instance import uses_s3
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row
from mountcloud.sandbox.dracoon.uploads import channel_of
from mountcloud.sandbox.dracoon.xml_errors import xml_error

MAX_PART_NUMBER = 10_000


def _open_upload(call: Call) -> Row:
    if not uses_s3(call.box):
        raise Refusal(S3_OFF)
    upload = channel_of(call)
    if not upload["direct"]:
        raise Refusal(UPLOAD_GONE)
    if upload["status"] != "transfer":
        raise Refusal(CHANNEL_CLOSED)
    return upload


def part_urls(call: Call) -> Response:
    """``POST …/s3_urls``: URLs for parts that all have exactly this size."""
    upload, body = _open_upload(call), call.body
    first, last = body.need_number("firstPartNumber"), body.need_number("lastPartNumber")
    size = body.number("size")
    if size is None or size < 0:
        raise Refusal(NOT_POSITIVE)
    if last < first or last > MAX_PART_NUMBER or (last > first and size < call.box.switches.s3_part_minimum):
        raise Refusal(PART_SIZE)
    expires = now_ms() + round(call.box.switches.s3_url_lifetime * 1000)
    urls = []
    for number in range(first, last + 1):
        token = secrets.token_hex(32)
        columns = {"token": token, "upload_id": upload["id"], "number": number, "size": size, "expires_at": expires}
        call.box.db.insert("part_url", columns)
        urls.append({"url": f"{static_origin(call)}/parts/{token}?partNumber={number}", "partNumber": number})
    return reply({"urls": urls}, 201)


async def put_part(request: Request) -> Response:
    """``PUT`` of one part on the second listener; S3 never sees a bearer token."""
    box = sandbox_of(request)
    row = box.db.one(
        "SELECT * FROM part_url JOIN upload ON upload.id = upload_id WHERE part_url.token = ?",
        request.path_params["token"],
    )
    if row is None:
        return xml_error(404, "NoSuchUpload", "The upload does not exist")
    problem = _problem(row, request)
    if problem is not None:
        return problem
    blob = box.blobs.new()
    try:
        etag = await _receive(box, blob, row["size"], request)
    except ClientDisconnect:
        etag = None
    if etag is None:
        box.blobs.remove(blob)
        return xml_error(400, "IncompleteBody", "The body has not the announced length")
    _keep_part(box, row, blob, etag)
    return Response(status_code=200, headers={"etag": f'"{etag}"'})


def _problem(row: Row, request: Request) -> Response | None:
    if row["expires_at"] <= now_ms():
        return xml_error(403, "AccessDenied", "Request has expired")
    if row["status"] != "transfer":
        return xml_error(404, "NoSuchUpload", "The upload is complete or was cancelled")
    if "authorization" in request.headers:
        return xml_error(400, "InvalidArgument", "Only one auth mechanism allowed")
    if "content-length" not in request.headers:
        return xml_error(411, "MissingContentLength", "You must provide the Content-Length HTTP header")
    if request.headers["content-length"] != str(row["size"]):
        return xml_error(403, "SignatureDoesNotMatch", "The Content-Length is not the signed one")
    return None


async def _receive(box: Sandbox, blob: str, size: int, request: Request) -> str | None:
    digest, length = hashlib.md5(usedforsecurity=False), 0
    with box.blobs.path(blob).open("wb", buffering=0) as file:
        async for piece in request.stream():
            digest.update(piece)
            length += file.write(piece)
    return digest.hexdigest() if length == size else None


def _keep_part(box: Sandbox, row: Row, blob: str, etag: str) -> None:
    with box.transaction():
        old = box.db.one("SELECT blob FROM part WHERE upload_id = ? AND number = ?", row["upload_id"], row["number"])
        if old is not None:
            box.doom(old["blob"])
        sql = "INSERT OR REPLACE INTO part (upload_id, number, size, etag, blob) VALUES (?, ?, ?, ?, ?)"
        box.db.run(sql, row["upload_id"], row["number"], row["size"], etag, blob)


async def complete(call: Call, request: Request) -> Response:
    """``PUT …/s3``: 202 without a body; the status tells the rest."""
    body = Fields.parse(await request.body())
    upload = _open_upload(call)
    parts = _checked_parts(call.box, upload, body)
    size = sum(part["size"] for part in parts)
    if not call.box.switches.s3_late_conflicts:
        storing.plan(call.box, upload, body, size)
    with call.box.transaction():
        values = {"status": "joining", "received": size, "completion": json.dumps(body.values)}
        _set(call.box, upload["id"], values)
    digest = await asyncio.to_thread(_join, call.box, upload["blob"], [part["blob"] for part in parts], size)
    with call.box.transaction():
        due = now_ms() + round(call.box.switches.s3_finish_delay * 1000)
        _set(call.box, upload["id"], {"status": "finishing", "hash": digest, "finish_at": due})
        call.box.db.run("DELETE FROM part WHERE upload_id = ?", upload["id"])
    return empty(202)


def _set(box: Sandbox, upload_id: str, values: dict[str, str | int]) -> None:
    for name, value in values.items():
        box.db.run(f"UPDATE upload SET {name} = ? WHERE id = ?", value, upload_id)  # noqa: S608 - names are ours


def _join(box: Sandbox, blob: str, parts: list[str], size: int) -> str:
    box.blobs.join(blob, parts)
    return box.blobs.seal(blob, size)


def _checked_parts(box: Sandbox, upload: Row, body: Fields) -> list[Row]:
    stored = {row["number"]: row for row in box.db.all("SELECT * FROM part WHERE upload_id = ?", upload["id"])}
    named = [(part.need_number("partNumber"), part.need_text("partEtag")) for part in body.objects("parts")]
    numbers = [number for number, _ in named]
    if not named or numbers != sorted(set(numbers)):
        raise Refusal(BAD_ETAGS)
    for number, etag in named:
        if number not in stored or stored[number]["etag"] != etag.strip('"'):
            raise Refusal(BAD_ETAGS)
    parts = [stored[number] for number in numbers]
    if any(part["size"] < box.switches.s3_part_minimum for part in parts[:-1]):
        raise Refusal(PART_SIZE)
    return parts


def status(call: Call) -> Response:
    """``GET …/uploads/{id}``: ``transfer``, ``finishing``, ``done`` with the node, or ``error`` with details."""
    upload = channel_of(call)
    shown = "finishing" if upload["status"] == "joining" else upload["status"]
    answer: dict[str, object] = {"status": shown}
    if upload["node_id"] is not None and tree.live(call.box, upload["node_id"]) is not None:
        answer["node"] = present.node_by_id(call.box, upload["user_id"], upload["node_id"])
    if upload["error"] is not None:
        answer["errorDetails"] = json.loads(upload["error"])
    return reply(answer)
