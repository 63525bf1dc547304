"""``PUT /buckets/:id/files`` (Metadisk facts, 5)."""

import math

from starlette.requests import Request
from starlette.responses import Response

from mountcloud.sandbox.metadisk import buckets, files, present
from mountcloud.sandbox.metadisk.calls import sandbox_of
from mountcloud.sandbox.metadisk.errors import Refusal, reply
from mountcloud.sandbox.metadisk.forms import FirstFile
from mountcloud.sandbox.metadisk.shards import Cutter
from mountcloud.sandbox.metadisk.state import Sandbox


async def upload(request: Request) -> Response:
    """Store the form's first file; the entry is there once all of it came."""
    box = sandbox_of(request)
    token = buckets.use_token(box, request.headers.get("x-token", ""))
    declared = _declared(request.headers.get("x-filesize", ""))
    bucket = buckets.find(box, request.path_params["id"])
    if (token["bucket"], token["operation"]) != (bucket["id"], "PUSH"):
        raise Refusal(401, "Not authorized to store in bucket")
    cutter = Cutter(box.blobs, box.switches.shard_size, exactly=box.switches.cut_exactly)
    try:
        form = await _receive(request, cutter, declared)
        with box.transaction():
            hash_, shards = cutter.finish()
            buckets.find(box, bucket["id"])
            row = files.put(box, bucket["id"], form.name, form.mimetype, (hash_, cutter.size, shards))
            return reply(present.file(row))
    except BaseException:
        cutter.discard()
        raise


async def _receive(request: Request, cutter: Cutter, declared: float) -> FirstFile:
    """All of the body, also where it is clear before its end that it is refused: clients read no answer until then."""
    corrupted = _corrupted(sandbox_of(request))
    taken = 0

    def take(data: bytes) -> None:
        nonlocal taken
        taken += len(data)
        if taken <= declared:
            cutter.take(_altered(data) if corrupted and taken == declared else data)

    form = FirstFile(request.headers.get("content-type", ""), take)
    async for piece in request.stream():
        form.write(piece)
    if taken > declared:
        raise Refusal(400, "File size exceeds declared size")
    form.finish()
    if taken < declared:
        raise Refusal(400, "File does not match the declared size")
    return form


def _declared(text: str) -> float:
    """As JavaScript reads numbers, an empty text apart."""
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not math.isfinite(size):
        raise Refusal(400, "Missing or invalid x-filesize header sent")
    return size


def _corrupted(box: Sandbox) -> bool:
    left = box.switches.corrupt_uploads
    if left:
        with box.transaction():
            box.change_switches({"corrupt_uploads": left - 1})
    return left > 0


def _altered(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])
