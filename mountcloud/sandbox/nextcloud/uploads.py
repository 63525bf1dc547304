"""``/remote.php/dav/uploads/{user}/{upload}/…``: chunked upload, version 2 (WebDAV facts, 2).

Stricter than a server without object storage: the rules of the documented protocol hold for everyone here.
"""

import time
from email.utils import formatdate

from starlette.responses import Response

from mountcloud.sandbox.nextcloud import files, storing, tree
from mountcloud.sandbox.nextcloud.calls import Call, Handler, Streaming
from mountcloud.sandbox.nextcloud.errors import Refusal, not_found
from mountcloud.sandbox.nextcloud.multistatus import Item, answer, quoted, wanted
from mountcloud.sandbox.nextcloud.names import DAV
from mountcloud.sandbox.nextcloud.state import Sandbox
from mountcloud.sandbox.nextcloud.storing import Incoming
from mountcloud.sandbox.nextcloud.tree import Row

MOST_CHUNKS, LARGEST = 10_000, 5 * 1024**3


def expire(box: Sandbox, age: float) -> int:
    """Forget uploads that have been idle for so many seconds; their count."""
    old = box.db.all("SELECT * FROM upload WHERE active_at <= ?", time.time() - age)
    for row in old:
        _forget(box, row)
    return len(old)


def _forget(box: Sandbox, upload: Row) -> None:
    for chunk in _chunks(box, upload):
        box.blobs.remove(chunk["blob"])
    box.db.run("DELETE FROM upload WHERE id = ?", upload["id"])


def _chunks(box: Sandbox, upload: Row) -> list[Row]:
    return box.db.all("SELECT * FROM chunk WHERE upload = ? ORDER BY number", upload["id"])


def _upload(call: Call) -> Row:
    expire(call.box, call.box.switches.upload_lifetime)
    sql = "SELECT * FROM upload WHERE account = ? AND name = ?"
    row = call.box.db.one(sql, call.account["id"], call.path[0] if call.path else "")
    if row is None:
        raise not_found("/".join(call.path))
    return row


def _same_destination(call: Call, upload: Row) -> None:
    if "destination" not in call.headers or "/".join(call.destination("files")) != upload["destination"]:
        raise Refusal(412, "Missing metadata for chunked upload: the Destination header is not that of the beginning")


def mkcol(call: Call) -> Response:
    """Begin an upload."""
    if len(call.path) != 1:
        raise Refusal(403, "Permission denied to create a folder here")
    path = call.destination("files")
    tree.parent_of(call.box, call.account, path)
    columns = {"account": call.account["id"], "name": call.path[0], "destination": "/".join(path)}
    if call.box.db.one("SELECT 1 FROM upload WHERE account = ? AND name = ?", call.account["id"], call.path[0]):
        raise Refusal(405, "The resource you tried to create already exists")
    call.box.db.insert("upload", {**columns, "active_at": time.time()})
    return Response(status_code=201)


async def put(call: Call) -> Response:
    """One chunk; the same number again replaces it."""
    with call.box.transaction():
        upload, number = _upload(call), _number(call)
        _same_destination(call, upload)
        _check_quota(call, upload, call.number("oc-total-length") or call.number("content-length") or 0)
    blob = call.box.blobs.new()
    try:
        size = await files.receive(call, blob)
        if size > LARGEST:
            raise Refusal(400, "The chunk is too large")
        with call.box.transaction():
            _keep(call, _upload(call), number, size, blob)
    except BaseException:
        call.box.blobs.remove(blob)
        raise
    return Response(status_code=201, headers={"oc-etag": f'"{blob[:13]}"', "etag": f'"{blob[:13]}"'})


def _number(call: Call) -> int:
    name = call.path[1] if len(call.path) == 2 else ""
    if not name.isdecimal() or not 1 <= int(name) <= MOST_CHUNKS:
        raise Refusal(400, "Invalid chunk name, must be numeric between 1 and 10000")
    return int(name)


def _check_quota(call: Call, upload: Row, size: int) -> None:
    above, existing = files.target(call, tuple(upload["destination"].split("/")))
    storing.check_target(call.box, above, existing, size)


def _keep(call: Call, upload: Row, number: int, size: int, blob: str) -> None:
    sql = "SELECT blob FROM chunk WHERE upload = ? AND number = ?"
    old = call.box.db.one(sql, upload["id"], number)
    if old is not None:
        call.box.doom(old["blob"])
    values = (upload["id"], number, call.path[1], size, blob)
    call.box.db.run("INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?, ?)", *values)
    call.box.db.run("UPDATE upload SET active_at = ? WHERE id = ?", time.time(), upload["id"])


def propfind(call: Call) -> Response:
    """Which chunks are there, by which an upload is taken up again; the file to be is among them."""
    names = wanted(call.body)
    if not call.path:
        rows = call.box.db.all("SELECT * FROM upload WHERE account = ?", call.account["id"])
        entries = [("", None), *((row["name"] + "/", None) for row in rows if call.depth)]
        return answer([_item(call, *each, names) for each in entries], minimal=call.minimal)
    upload = _upload(call)
    chunks = _chunks(call.box, upload)
    top = upload["name"] + "/"
    below = [(f"{top}{row['name']}", row["size"]) for row in chunks]
    below.append((f"{top}.file", sum(row["size"] for row in chunks)))
    found = [(top, None), *(below if call.depth else [])]
    return answer([_item(call, *each, names) for each in found], minimal=call.minimal)


def _item(call: Call, name: str, size: int | None, names: tuple[str, ...]) -> Item:
    has = {f"{{{DAV}}}resourcetype": "<d:collection/>" if size is None else ""}
    has[f"{{{DAV}}}getlastmodified"] = formatdate(usegmt=True)
    has |= {} if size is None else {f"{{{DAV}}}getcontentlength": str(size)}
    found = {each: has[each] for each in names if each in has}
    return Item(quoted(call.base + name), found, [each for each in names if each not in has])


def move(call: Call) -> Response:
    """Put the chunks together at the destination; an existing file keeps its id and gets a version."""
    upload = _upload(call)
    if call.path[1:] != (".file",):
        raise Refusal(403, "Only the whole file can be moved out of an upload")
    path, overwrite = call.destination("files"), call.overwrite
    _same_destination(call, upload)
    above, existing = files.target(call, path)
    if existing is not None and not overwrite:
        raise Refusal(412, "The destination node already exists, and the overwrite header is set to false")
    files.check(call)
    chunks = _checked_chunks(call, upload)
    size = sum(row["size"] for row in chunks)
    storing.check_target(call.box, above, existing, size)
    blob = call.box.blobs.new()
    call.box.blobs.join(blob, [row["blob"] for row in chunks])
    call.box.db.run("DELETE FROM upload WHERE id = ?", upload["id"])
    incoming = Incoming(blob, size, call.number("x-oc-mtime"), call.headers.get("oc-checksum", ""))
    node = storing.put(call.box, above, path[-1], existing, incoming)
    return files.written(call, node, made=existing is None)


def _checked_chunks(call: Call, upload: Row) -> list[Row]:
    chunks = _chunks(call.box, upload)
    if any(row["size"] < call.box.switches.chunk_minimum for row in chunks[:-1]):
        raise Refusal(400, "EntityTooSmall: a chunk is smaller than the minimum allowed size")
    total, size = call.number("oc-total-length"), sum(row["size"] for row in chunks)
    if total is not None and total != size:
        raise Refusal(400, f"Chunks on server do not sum up to {total} but to {size} bytes")
    return chunks


def delete(call: Call) -> Response:
    """Give the upload up."""
    _forget(call.box, _upload(call))
    return Response(status_code=204)


def get(_: Call) -> Response:
    """Chunks cannot be read back."""
    raise Refusal(405, "Reading intermediate uploads is not allowed")


HANDLERS: dict[str, Handler] = {"MKCOL": mkcol, "PROPFIND": propfind, "MOVE": move, "DELETE": delete, "GET": get}
STREAMS: dict[str, Streaming] = {"PUT": put}
