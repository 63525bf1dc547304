"""``/path/sync/...``: only what differs travels (SmartFile facts, 11)."""

import os
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import BinaryIO, Protocol

from starlette.datastructures import UploadFile
from starlette.responses import Response

from mountcloud.crypt.librsync import DeltaJob, PatchJob, SignatureJob, is_available
from mountcloud.model.errors import Corrupt
from mountcloud.sandbox.smartfile import tree
from mountcloud.sandbox.smartfile.calls import Call
from mountcloud.sandbox.smartfile.errors import Refusal, reply
from mountcloud.sandbox.smartfile.tree import Spot

_PIECE = 1 << 20
_BLOCK = 2048


class _Job(Protocol):
    def update(self, data: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


def _file(call: Call, letter: str) -> tuple[Spot, FilePath]:
    if not call.box.switches.sync or not is_available():
        raise Refusal(404, "There is no such address")
    spot = tree.need(call.box, call.account, call.path)
    if spot.is_directory:
        raise Refusal(400, f"{spot.text} is a directory")
    spot.need(letter)
    return spot, call.box.blobs.path(spot.node["blob"])


def _done(job: _Job, source: BinaryIO) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield job.update(piece)
    yield job.finish()


def _part(call: Call, name: str) -> BinaryIO | bytes:
    """A part of the form, with a filename or without; 400."""
    value = call.form.get(name)
    if value is None:
        raise Refusal(400, "Invalid form", fields={"field_errors": {name: ["This field is required."]}})
    return value.file if isinstance(value, UploadFile) else value.encode("latin-1")


def _bytes(part: BinaryIO | bytes) -> bytes:
    return part if isinstance(part, bytes) else part.read()


def signature(call: Call) -> Response:
    """Of the server's file."""
    _, path = _file(call, "r")
    block = call.query.get("block_size", str(_BLOCK))
    if not block.isdecimal() or not int(block):
        raise Refusal(400, "Invalid query", fields={"field_errors": {"block_size": ["Enter a whole number."]}})
    with path.open("rb") as file:
        body = b"".join(_done(SignatureJob(int(block)), file))
    return Response(body, media_type="application/octet-stream")


def delta(call: Call) -> Response:
    """What makes the server's file of the client's."""
    _, path = _file(call, "r")
    try:
        job = DeltaJob(_bytes(_part(call, "signature")))
        with path.open("rb") as file:
            body = b"".join(_done(job, file))
    except Corrupt as problem:
        raise Refusal(400, str(problem)) from None
    return Response(body, media_type="application/octet-stream")


def patch(call: Call) -> Response:
    """The server's file becomes what the delta makes of it, all or nothing."""
    spot, path = _file(call, "w")
    blob = call.box.blobs.new()
    with path.open("rb") as old, call.box.blobs.path(blob).open("wb") as new:
        job = PatchJob(lambda size, offset: os.pread(old.fileno(), size, offset))
        try:
            new.write(job.update(_bytes(_part(call, "delta"))))
            new.write(job.finish())
        except Corrupt as problem:
            raise Refusal(400, str(problem)) from None
    if call.box.switches.wrong_patches:
        call.box.switches.wrong_patches -= 1
        call.box.blobs.write(blob, b"\0wrong", 0)
    return reply(call.present(tree.put_file(call.box, call.account, spot.path, blob)))
