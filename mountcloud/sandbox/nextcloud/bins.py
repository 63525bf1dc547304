"""``/remote.php/dav/trashbin/{user}/…`` and ``/remote.php/dav/versions/{user}/…`` (WebDAV facts, 2).

Details are those of the server's own ``TrashbinPlugin`` and ``LegacyVersionsBackend`` (Nextcloud 31).
"""

from email.utils import formatdate
from pathlib import PurePosixPath
from xml.sax.saxutils import escape

from starlette.responses import Response

from mountcloud.sandbox.nextcloud import storing, tree
from mountcloud.sandbox.nextcloud.calls import DAV_BASE, Call, Handler
from mountcloud.sandbox.nextcloud.errors import Refusal, not_found
from mountcloud.sandbox.nextcloud.multistatus import Item, answer, quoted, wanted
from mountcloud.sandbox.nextcloud.names import DAV, NC, OC
from mountcloud.sandbox.nextcloud.properties import media_type
from mountcloud.sandbox.nextcloud.tree import Row
from mountcloud.sandbox.ranges import StoredBytes, range_of

_RESTORE_MARGIN = 65_536
"""Bytes that must be free besides what comes back from the trash bin."""
_TRASHED = "SELECT * FROM trashed JOIN node ON node.id = trashed.node WHERE node.parent = ?"


def _item(call: Call, name: str, has: dict[str, str]) -> Item:
    names = wanted(call.body)
    found = {each: has[each] for each in names if each in has}
    return Item(quoted(call.base + name), found, [each for each in names if each not in has])


def _collection(call: Call, name: str) -> Item:
    return _item(call, name, {f"{{{DAV}}}resourcetype": "<d:collection/>"})


def _demand(call: Call, *, there: bool) -> None:
    """An app that the administrator switched off has no addresses."""
    if not there:
        raise not_found("/".join(call.path))


def list_trash(call: Call) -> Response:
    """What can be restored."""
    _demand(call, there=call.box.switches.trash and call.path in {(), ("trash",)})
    if not call.path:
        return answer([_collection(call, name) for name in ("", "trash/", "restore/")[: 1 + 2 * call.depth]])
    rows = call.box.db.all(_TRASHED, call.account["trash"]) if call.depth else []
    items = [_collection(call, "trash/"), *(_item(call, f"trash/{row['name']}", _of_trash(call, row)) for row in rows)]
    return answer(items, minimal=call.minimal)


def _of_trash(call: Call, row: Row) -> dict[str, str]:
    directory = row["kind"] == "directory"
    return {
        f"{{{DAV}}}resourcetype": "<d:collection/>" if directory else "",
        f"{{{DAV}}}getlastmodified": formatdate(row["mtime"], usegmt=True),
        **({} if directory else {f"{{{DAV}}}getcontentlength": str(row["size"])}),
        f"{{{DAV}}}getetag": str(row["mtime"]),
        f"{{{OC}}}fileid": str(row["id"]),
        f"{{{OC}}}id": str(row["id"]),
        f"{{{OC}}}permissions": "GD",
        f"{{{OC}}}size": str(row["size"]),
        f"{{{NC}}}trashbin-filename": escape(row["original"].rpartition("/")[2]),
        f"{{{NC}}}trashbin-original-location": escape(row["original"]),
        f"{{{NC}}}trashbin-deletion-time": str(row["deleted_at"]),
    }


def _trashed(call: Call) -> Row:
    name = call.path[1] if len(call.path) == 2 and call.path[0] == "trash" else ""
    row = call.box.db.one(f"{_TRASHED} AND node.name = ?", call.account["trash"], name)
    if row is None:
        raise not_found("/".join(call.path))
    return row


def restore_trash(call: Call) -> Response:
    """A move into ``restore`` puts it where it was, under another name if that is taken."""
    if call.destination("trashbin")[:1] != ("restore",):
        raise Refusal(403, "Only into restore")
    row = _trashed(call)
    *place, name = row["original"].split("/")
    above = tree.look(call.box, call.account, place)
    if above is None or not above.is_directory or "C" not in above.permissions:
        above = tree.home(call.box, call.account)
    if 0 <= tree.available(call.box, above) < row["size"] + _RESTORE_MARGIN:
        return Response(status_code=507)
    call.box.db.run("DELETE FROM trashed WHERE node = ?", row["id"])
    free = _free_name(call, above, name)
    storing.relocate(call.box, tree.by_id(call.box, row["id"]), above.node["id"], free)
    return Response(status_code=201)


def _free_name(call: Call, above: tree.Spot, name: str) -> str:
    path = PurePosixPath(name)
    others = (f"{path.stem} (restored{number}){path.suffix}" for number in ("", *(f" {n}" for n in range(2, 1000))))
    return next(each for each in (name, *others) if tree.child(call.box, call.account, above, each) is None)


def purge(call: Call) -> Response:
    """One item for ever, or all."""
    rows = call.box.db.all(_TRASHED, call.account["trash"]) if call.path == ("trash",) else [_trashed(call)]
    for row in rows:
        storing.destroy(call.box, tree.by_id(call.box, row["id"]))
    return Response(status_code=204)


def _file(call: Call, letters: str = "") -> Row:
    """The file whose versions are asked for; 403 without these rights to it."""
    name = call.path[1] if len(call.path) > 1 and call.path[0] == "versions" else ""
    row = call.box.db.one("SELECT * FROM node WHERE id = ? AND kind = 'file'", int(name)) if name.isdecimal() else None
    allowed = "" if row is None else tree.allowed(call.box, call.account, row["id"])
    if row is None or not allowed or not call.box.switches.versions:
        raise not_found("/".join(call.path))
    if any(each not in allowed for each in letters):
        raise Refusal(403, "You cannot restore this version because you do not have update permissions")
    return row


def _versions(call: Call, node: Row) -> list[Row]:
    return call.box.db.all("SELECT * FROM version WHERE node = ? ORDER BY stamp", node["id"])


def list_versions(call: Call) -> Response:
    """The contents of a file, by their times: older ones, and the present one as well (since Nextcloud 26)."""
    if call.path in {(), ("versions",)}:
        _demand(call, there=call.box.switches.versions)
        names = ("versions/",) if call.path else ("", "versions/", "restore/")[: 1 + 2 * call.depth]
        return answer([_collection(call, name) for name in names])
    node = _file(call)
    top = f"versions/{node['id']}/"
    sizes = {row["stamp"]: row["size"] for row in _versions(call, node)} | {node["mtime"]: node["size"]}
    found = sorted(sizes.items()) if call.depth else []
    items = [_item(call, f"{top}{stamp}", _of_version(node, stamp, size)) for stamp, size in found]
    return answer([_collection(call, top), *items], minimal=call.minimal)


def _of_version(node: Row, stamp: int, size: int) -> dict[str, str]:
    return {
        f"{{{DAV}}}resourcetype": "",
        f"{{{DAV}}}getcontentlength": str(size),
        f"{{{DAV}}}getcontenttype": media_type(node["name"]),
        f"{{{DAV}}}getlastmodified": formatdate(stamp, usegmt=True),
        f"{{{DAV}}}getetag": str(stamp),
    }


def _version(call: Call, node: Row) -> Row:
    for row in _versions(call, node):
        if call.path[2:] == (str(row["stamp"]),):
            return row
    raise not_found("/".join(call.path))


def get_version(call: Call) -> Response:
    """An older content."""
    row = _version(call, _file(call))
    part = range_of(call.headers.get("range", ""), row["size"])
    if part is None:
        raise Refusal(416, "The start offset exceeded the size of the entity")
    headers = {"etag": f'"{row["stamp"]}"'}
    if part.partial:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{row['size']}"
    return StoredBytes(call.box.blobs.path(row["blob"]), part, headers)


def restore_version(call: Call) -> Response:
    """A move into ``restore`` makes it the present content; the file keeps its id."""
    if call.destination("versions")[:1] != ("restore",):
        raise Refusal(403, "Only into restore")
    node = _file(call, "W")
    storing.need_unlocked(node)
    storing.restore_version(call.box, node, _version(call, node))
    return Response(status_code=201)


def delete_version(call: Call) -> Response:
    """Forget an older content."""
    node = _file(call, "D")
    row = _version(call, node)
    call.box.db.run("DELETE FROM version WHERE node = ? AND stamp = ?", node["id"], row["stamp"])
    call.box.doom(row["blob"])
    return Response(status_code=204)


TRASH_BASE, VERSIONS_BASE = f"{DAV_BASE}/trashbin/{{user}}/", f"{DAV_BASE}/versions/{{user}}/"
TRASH: dict[str, Handler] = {"PROPFIND": list_trash, "MOVE": restore_trash, "DELETE": purge}
VERSIONS: dict[str, Handler] = {
    "PROPFIND": list_versions,
    "GET": get_version,
    "HEAD": get_version,
    "MOVE": restore_version,
    "DELETE": delete_version,
}
