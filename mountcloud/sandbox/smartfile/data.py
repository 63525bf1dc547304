"""``/path/data/...``: whole files and parts of them (SmartFile facts, 6)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mountcloud.sandbox.ranges import StoredBytes, range_of
from mountcloud.sandbox.smartfile import tree
from mountcloud.sandbox.smartfile.calls import Call, admit, call_of, is_soft
from mountcloud.sandbox.smartfile.errors import Refusal, reply
from mountcloud.sandbox.smartfile.present import media_type
from mountcloud.sandbox.smartfile.tree import Spot

_PIECE = 1 << 20


def download(call: Call) -> Response:
    """A file, or a part of it where the server gives parts."""
    spot = tree.need(call.box, call.account, call.path)
    if spot.is_directory:
        raise Refusal(400, f"{spot.text} is a directory")
    spot.need("r")
    size = spot.node["size"]
    asked = call.headers.get("range", "") if call.box.switches.ranges else ""
    part = range_of(asked, size)
    if part is None:
        raise Refusal(416, "The range lies outside of the file", headers={"Content-Range": f"bytes */{size}"})
    headers = {"content-type": media_type(spot)}
    if part.partial:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    return StoredBytes(call.box.blobs.path(spot.node["blob"]), part, headers)


def upload(call: Call) -> Response:
    """Each file of the form into the directory; nothing of it is seen before the whole form has come."""
    files = [value for _, value in call.form.multi_items() if isinstance(value, UploadFile)]
    if not files:
        raise Refusal(400, "Invalid form", fields={"field_errors": {"file": ["No file was submitted."]}})
    tree.need_directory(call.box, call.account, call.path)
    stored = [_store(call, file) for file in files]
    return reply([call.present(spot) for spot in stored])


def _store(call: Call, file: UploadFile) -> Spot:
    blob = call.box.blobs.new()
    with call.box.blobs.path(blob).open("wb") as output:
        while piece := file.file.read(_PIECE):
            output.write(piece)
    # As form parsers do: what looks like a path of the client's machine is cut off.
    name = re.split(r"[/\\]", file.filename or "")[-1]
    return tree.put_file(call.box, call.account, (*call.path, name), blob)


def delete(call: Call) -> Response:
    """One file, at once."""
    spot = tree.need(call.box, call.account, call.path)
    if spot.is_directory:
        raise Refusal(400, f"{spot.text} is a directory")
    spot.need("d")
    tree.remove(call.box, spot)
    return Response(status_code=204)


async def stream(request: Request) -> Response:
    """``PUT`` is the whole file, ``PATCH`` what begins at an offset."""
    try:
        return await _stream(request)
    except Refusal as refusal:
        return refusal.answer(soft=is_soft(request, refusal))
    except ClientDisconnect:
        return Response(status_code=499)


async def _stream(request: Request) -> Response:
    account = admit(request)
    call = call_of(request, account, FormData())
    old = tree.look(call.box, account, call.path)
    tree.need_directory(call.box, account, call.path[:-1])
    blob, offset = call.box.blobs.new(), 0
    if request.method == "PATCH":
        offset = _offset(call, old)
        if old is not None:
            call.box.blobs.write(blob, call.box.blobs.path(old.node["blob"]).read_bytes(), 0)
    try:
        with call.box.blobs.path(blob).open("r+b") as file:
            file.seek(offset)
            async for piece in request.stream():
                file.write(piece)
    except ClientDisconnect:
        if call.box.switches.torn_puts:
            _put(call, blob)
        raise
    return reply(call.present(_put(call, blob)))


def _put(call: Call, blob: str) -> Spot:
    with call.box.transaction():
        return tree.put_file(call.box, call.account, call.path, blob)


def _offset(call: Call, old: Spot | None) -> int:
    """Where the bytes go; 400, 404, 412."""
    match = re.fullmatch(r"bytes=(\d+)-", call.headers.get("range", ""))
    if match is None:
        raise Refusal(400, "Range: bytes=N- is needed")
    if old is None or old.is_directory:
        raise Refusal(404, f"{tree.written(call.path)} was not found")
    since = call.headers.get("if-unmodified-since")
    if since and datetime.fromtimestamp(old.node["time"], UTC) > parsedate_to_datetime(since):
        raise Refusal(412, f"{old.text} has changed")
    if int(match[1]) > old.node["size"]:
        raise Refusal(416, "The offset lies outside of the file")
    return int(match[1])
