"""``/remote.php/dav/files/{user}/…`` (WebDAV facts, 2)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from starlette.responses import Response

from mountcloud.sandbox.nextcloud import conditions, storing, sync, tree
from mountcloud.sandbox.nextcloud.calls import DAV_BASE, Call, Handler, Streaming, split
from mountcloud.sandbox.nextcloud.errors import Refusal, not_found
from mountcloud.sandbox.nextcloud.multistatus import (
    Item,
    answer,
    report_name,
    sought_id,
    sought_properties,
    updates,
    wanted,
)
from mountcloud.sandbox.nextcloud.names import DAV, SABRE
from mountcloud.sandbox.nextcloud.properties import Describer, media_type, oc_id
from mountcloud.sandbox.nextcloud.storing import Incoming
from mountcloud.sandbox.nextcloud.tree import Spot
from mountcloud.sandbox.ranges import StoredBytes, range_of


def describer(call: Call) -> Describer:
    """For this account as it is now."""
    return Describer(call.box, call.account, call.base, tree.etags_of_mounts(call.box, call.account))


def check(call: Call) -> Response | None:
    """The preconditions of the request."""
    describe = describer(call)
    top = f"{DAV_BASE}/files/{call.account['id']}"

    def etag_at(address: str) -> str | None:
        path = call.path
        if address:
            absolute = unquote(urlsplit(address).path)
            if not absolute.startswith(top):
                return None
            path = split(absolute.removeprefix(top))
        elif not call.base.startswith((top, "/remote.php/webdav")):
            return None
        spot = tree.look(call.box, call.account, path)
        return None if spot is None else describe.etag(spot)

    return conditions.check(call.method, call.headers, etag_at)


def _checked(handler: Handler) -> Handler:
    def checked(call: Call) -> Response:
        return check(call) or handler(call)

    return checked


def propfind(call: Call) -> Response:
    """One node, or it and its children."""
    names = wanted(call.body)
    spot = tree.need(call.box, call.account, call.path)
    below = list(tree.children(call.box, call.account, spot)) if call.depth and spot.is_directory else []
    spot = tree.need(call.box, call.account, call.path)
    describe = describer(call)
    return answer([describe.item(each, names) for each in (spot, *below)], minimal=call.minimal)


def proppatch(call: Call) -> Response:
    """``d:lastmodified`` sets the time, which makes a new ETag; dead properties are kept."""
    spot = tree.need(call.box, call.account, call.path)
    spot.need("W" if not spot.is_directory else "N")
    storing.need_unlocked(spot.node)
    steps = updates(call.body)
    refused = [name for name, _, _ in steps if name.startswith(f"{{{DAV}}}get") or name == f"{{{DAV}}}displayname"]
    if refused:
        return answer([Item(describer(call).href(spot), {}, refused, "403 Forbidden")])
    for name, value, text in steps:
        if name == f"{{{DAV}}}lastmodified":
            _set_time(call, spot, text)
        elif value is None:
            call.box.db.run("DELETE FROM property WHERE node = ? AND name = ?", spot.node["id"], name)
        else:
            call.box.db.run("INSERT OR REPLACE INTO property VALUES (?, ?, ?)", spot.node["id"], name, value)
    return answer([Item(describer(call).href(spot), {name: "" for name, _, _ in steps})])


def _set_time(call: Call, spot: Spot, text: str) -> None:
    try:
        mtime = int(float(text))
    except ValueError:
        raise Refusal(400, "lastmodified must be a number") from None
    call.box.db.update("node", spot.node["id"], {"mtime": mtime, "etag": tree.fresh_etag()})
    if spot.node["parent"] is not None:
        tree.touch(call.box, spot.node["parent"])


def get(call: Call) -> Response:
    """A file, or a part of it."""
    spot = tree.need(call.box, call.account, call.path)
    if spot.is_directory:
        raise Refusal(501, "GET is only implemented for File objects")
    spot.need("G")
    row = spot.node
    etag = describer(call).etag(spot)
    headers = {"content-type": media_type(row["name"]), "etag": shown_etag(call, etag), "oc-etag": etag}
    headers |= {"last-modified": formatdate(row["mtime"], usegmt=True), "accept-ranges": "bytes"}
    headers |= {"content-disposition": "attachment"} | ({"oc-checksum": row["checksum"]} if row["checksum"] else {})
    fresh = call.headers.get("if-range", etag) in {etag, headers["last-modified"]}
    part = range_of(call.headers.get("range", "") if fresh else "", row["size"])
    if part is None:
        raise Refusal(416, "The start offset exceeded the size of the entity", headers={"ETag": etag})
    if part.partial:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{row['size']}"
    return StoredBytes(call.box.blobs.path(row["blob"]), part, headers)


def shown_etag(call: Call, etag: str) -> str:
    """What a compressing proxy makes of an ETag (WebDAV facts, 1, rule 3)."""
    compressed = call.box.switches.gzip_etags and "gzip" in call.headers.get("accept-encoding", "")
    return f'{etag[:-1]}-gzip"' if compressed else etag


async def put(call: Call) -> Response:
    """Content for a file; nothing of it is seen before all has come (WebDAV facts, 2: writing)."""
    with call.box.transaction():
        check(call)
        above, existing = target(call, call.path)
        storing.check_target(call.box, above, existing, call.number("content-length") or 0)
    blob = call.box.blobs.new()
    try:
        size = await receive(call, blob)
        with call.box.transaction():
            check(call)
            above, existing = target(call, call.path)
            storing.check_target(call.box, above, existing, size)
            incoming = Incoming(blob, size, call.number("x-oc-mtime"), call.headers.get("oc-checksum", ""))
            node = storing.put(call.box, above, call.path[-1], existing, incoming)
            return written(call, node, made=existing is None)
    except BaseException:
        call.box.blobs.remove(blob)
        raise


def target(call: Call, path: tuple[str, ...]) -> tuple[Spot, Spot | None]:
    """Where something is to be put: the directory, and what has the name now."""
    if call.headers.get("x-nc-webdav-automkcol") and tree.look(call.box, call.account, path[:-1]) is None:
        _make_parents(call, path[:-1])
    above = tree.parent_of(call.box, call.account, path)
    return above, tree.child(call.box, call.account, above, path[-1])


def _make_parents(call: Call, path: tuple[str, ...]) -> None:
    for count in range(1, len(path) + 1):
        if tree.look(call.box, call.account, path[:count]) is None:
            make_directory(call, path[:count])


async def receive(call: Call, blob: str) -> int:
    """Write the body to these bytes; 400 if it is shorter than announced."""
    size, announced = 0, call.number("content-length")
    with call.box.blobs.path(blob).open("wb", buffering=0) as file:
        async for piece in call.pieces():
            file.write(piece)
            size += len(piece)
            await asyncio.sleep(0)
    if announced is not None and announced != size:
        raise Refusal(400, f"Expected filesize of {announced} bytes but read and wrote {size} bytes.")
    return size


def written(call: Call, node: int, *, made: bool, mtime: bool = True) -> Response:
    """201 or 204 with what the service tells of what it has now."""
    row = tree.by_id(call.box, node)
    etag = f'"{tree.seen_etag(row, tree.etags_of_mounts(call.box, call.account))}"'
    headers = {"oc-etag": etag, "etag": etag, "oc-fileid": oc_id(call.box, node)}
    if mtime and "x-oc-mtime" in call.headers:
        headers["x-oc-mtime"] = "accepted"
    return Response(status_code=201 if made else 204, headers=headers)


def make_directory(call: Call, path: tuple[str, ...]) -> int:
    """A new directory; 405 if the name is taken."""
    above = tree.parent_of(call.box, call.account, path)
    if tree.child(call.box, call.account, above, path[-1]) is not None:
        raise Refusal(405, "The resource you tried to create already exists")
    above.need("K")
    if call.box.switches.disk_full:
        raise Refusal(507, "Disk full")
    node = tree.add(call.box, above.node["owner"], "directory", above.node["id"], path[-1])
    tree.touch(call.box, above.node["id"])
    return node


def mkcol(call: Call) -> Response:
    """Make a directory."""
    if call.body.strip():
        raise Refusal(415, "The request body for the MKCOL request must have an xml Content-Type")
    return written(call, make_directory(call, call.path), made=True)


def delete(call: Call) -> Response:
    """Into the trash bin, with everything below it."""
    storing.trash(call.box, call.account, tree.need(call.box, call.account, call.path))
    return Response(status_code=204)


def move(call: Call) -> Response:
    """Another place; what is there goes to the trash bin first (WebDAV facts, 2)."""
    source, above, path, existing = _source_and_target(call)
    storing.move(call.box, call.account, source, above, path[-1])
    return written(call, source.node["id"], made=existing is None, mtime=False)


def copy(call: Call) -> Response:
    """Another place for a copy."""
    source, above, path, existing = _source_and_target(call)
    storing.copy(call.box, source, above, path[-1], deep=call.headers.get("depth") != "0")
    made = tree.need(call.box, call.account, path)
    return written(call, made.node["id"], made=existing is None, mtime=False)


def _source_and_target(call: Call) -> tuple[Spot, Spot, tuple[str, ...], Spot | None]:
    """Checks in SabreDAV's order; the source is looked for before the target is touched (WebDAV facts, 2)."""
    path, overwrite = call.destination("files"), call.overwrite
    above = tree.parent_of(call.box, call.account, path)
    existing = tree.child(call.box, call.account, above, path[-1])
    if existing is not None and not overwrite:
        raise Refusal(412, "The destination node already exists, and the overwrite header is set to false")
    if path == call.path:
        raise Refusal(403, "Source and destination uri are identical.")
    if path[: len(call.path)] == call.path:
        raise Refusal(409, "The destination may not be part of the same subtree as the source path.")
    source = tree.look(call.box, call.account, call.path)
    if source is None:
        raise not_found("/".join(call.path))
    if existing is not None:
        if call.path[: len(path)] == path:
            raise Refusal(403, "The source cannot be moved to its parent")
        storing.trash(call.box, call.account, existing)
        above = tree.need(call.box, call.account, path[:-1])
        source = tree.need(call.box, call.account, call.path)
    return source, above, path, existing


def report(call: Call) -> Response:
    """Files have no sync-collection; asking for it leaves an error in the server's log (WebDAV facts, 2)."""
    asked = report_name(call.body)
    if call.box.switches.sync and asked == sync.SYNC_COLLECTION:
        return sync.report(call, describer(call))
    words = f"The {asked} REPORT is not supported"
    raise Refusal(415, words, name=rf"{SABRE}\ReportNotSupported")


def search(call: Call) -> Response:
    """By file id, in the account's own files (RFC 5323; WebDAV facts, 2: change detection)."""
    node = sought_id(call.body)
    row = call.box.db.one("SELECT * FROM node WHERE id = ?", node)
    path = [] if row is None else tree.names_of(call.box, node)
    spot = tree.look(call.box, call.account, path) if path else None
    found = [spot] if spot is not None and spot.node["id"] == node else []
    describe = replace(describer(call), base=f"{DAV_BASE}/files/{call.account['id']}/")
    return answer([describe.item(each, sought_properties(call.body)) for each in found])


def options(call: Call) -> Response:
    """What can be done here."""
    headers = {"dav": "1, 3, extended-mkcol, access-control, nextcloud-checksum-update", "ms-author-via": "DAV"}
    return Response(headers=headers | {"allow": ", ".join([*HANDLERS, *STREAMS])})


_METHODS: dict[str, Callable[[Call], Response]] = {
    "PROPFIND": propfind,
    "PROPPATCH": proppatch,
    "GET": get,
    "HEAD": get,
    "MKCOL": mkcol,
    "DELETE": delete,
    "MOVE": move,
    "COPY": copy,
    "REPORT": report,
    "OPTIONS": options,
}
HANDLERS: dict[str, Handler] = {method: _checked(handler) for method, handler in _METHODS.items()}
STREAMS: dict[str, Streaming] = {"PUT": put}
