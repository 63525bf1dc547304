"""``/buckets/:id/files``: lists, removal, and pointers to the farmers (Metadisk facts, 4 to 6)."""

from starlette.responses import Response

from mountcloud.sandbox.metadisk import buckets, present
from mountcloud.sandbox.metadisk.calls import Call
from mountcloud.sandbox.metadisk.errors import Refusal, reply
from mountcloud.sandbox.metadisk.identity import authenticate
from mountcloud.sandbox.metadisk.present import Row
from mountcloud.sandbox.metadisk.shards import Shard
from mountcloud.sandbox.metadisk.state import Sandbox

_LOST = {"contract": "Failed to find the shard contract", "farmer": "Could not find the farmer"}


def find(box: Sandbox, bucket: str, hash_: str) -> Row | None:
    """A file's row."""
    return box.db.one("SELECT * FROM file WHERE bucket = ? AND hash = ?", bucket, hash_)


def put(box: Sandbox, bucket: str, name: str, mimetype: str, content: tuple[str, int, list[Shard]]) -> Row:
    """Store an entry; one with the same content gets this name instead of its own. ``content``: hash, size, shards."""
    hash_, size, shards = content
    drop(box, find(box, bucket, hash_))
    box.db.insert("file", {"bucket": bucket, "hash": hash_, "name": name, "mimetype": mimetype, "size": size})
    row = find(box, bucket, hash_)
    assert row is not None
    for position, shard in enumerate(shards):
        values = {"file": row["id"], "position": position, "hash": shard.hash}
        box.db.insert("shard", {**values, "size": shard.size, "blob": shard.blob})
    return row


def drop(box: Sandbox, row: Row | None) -> None:
    """Remove an entry, if there is one."""
    if row is not None:
        box.doom(*(shard["blob"] for shard in shards_of(box, row)))
        box.db.run("DELETE FROM file WHERE id = ?", row["id"])


def shards_of(box: Sandbox, row: Row) -> list[Row]:
    """In order."""
    return box.db.all("SELECT * FROM shard WHERE file = ? ORDER BY position", row["id"])


def show_all(call: Call) -> Response:
    """``GET /buckets/:id/files``."""
    bucket = buckets.own(call, authenticate(call).user)
    rows = call.box.db.all("SELECT * FROM file WHERE bucket = ? ORDER BY id", bucket["id"])
    if call.box.switches.reverse_listings:
        rows.reverse()
    return reply([present.file(row) for row in rows])


def remove(call: Call) -> Response:
    """``DELETE /buckets/:id/files/:hash``."""
    bucket = buckets.own(call, authenticate(call).user)
    row = find(call.box, bucket["id"], call.part("hash"))
    if row is None:
        raise Refusal(404, "File not found")
    with call.box.transaction():
        drop(call.box, row)
    return Response(status_code=204)


def pointers(call: Call) -> Response:
    """``GET /buckets/:id/files/:hash``: a channel for each shard."""
    token = buckets.use_token(call.box, call.header("x-token"))
    bucket = buckets.find(call.box, call.part("id"))
    if (token["bucket"], token["operation"]) != (bucket["id"], "PULL"):
        raise Refusal(401, "Not authorized to retrieve from bucket")
    row = find(call.box, bucket["id"], call.part("hash"))
    if row is None:
        raise Refusal(404, "The requested file was not found")
    shards, trouble = shards_of(call.box, row), call.box.switches.pointer_trouble
    if shards and trouble:
        raise Refusal(404 if trouble in _LOST else 500, _LOST.get(trouble, trouble))
    return reply([_pointer(call, shard) for shard in shards])


def _pointer(call: Call, shard: Row) -> dict[str, object]:
    host = call.request.url.hostname or "127.0.0.1"
    written = f"[{host}]" if ":" in host else host
    token = call.box.open_channel(shard["hash"], shard["blob"])
    channel = f"ws://{written}:{call.box.farmer_port}"
    return {"hash": shard["hash"], "token": token, "operation": "PULL", "channel": channel}
