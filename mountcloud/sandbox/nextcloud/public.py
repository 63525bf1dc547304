"""What strangers do with a link: ``/index.php/s/{token}/download`` and ``/public.php/dav/files/{token}/…``.

The second takes any user name and the password of the link, as the manual's WebDAV page has it since Nextcloud 29.
"""

from datetime import UTC, datetime
from pathlib import PurePosixPath

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mountcloud.sandbox.nextcloud import people, storing, tree
from mountcloud.sandbox.nextcloud.calls import refuse_in_trouble, sandbox_of, split
from mountcloud.sandbox.nextcloud.errors import Refusal, not_found
from mountcloud.sandbox.nextcloud.sharing import CREATE, READ
from mountcloud.sandbox.nextcloud.state import Sandbox
from mountcloud.sandbox.nextcloud.storing import Incoming
from mountcloud.sandbox.nextcloud.tree import Row, Spot
from mountcloud.sandbox.ranges import StoredBytes, range_of


async def download(request: Request) -> Response:
    """The file, for who has the link; one with a password leads to the page that asks for it."""
    box = sandbox_of(request)
    try:
        refuse_in_trouble(box)
        link = _link(box, request)
        if link["password"]:
            return RedirectResponse(f"/index.php/s/{link['token']}/authenticate/showShare", 303)
        return _content(box, link, (), request)
    except Refusal as refusal:
        return refusal.answer()


async def dav(request: Request) -> Response:
    """``GET`` of what is shared or is below it, ``PUT`` where strangers may write."""
    box = sandbox_of(request)
    try:
        refuse_in_trouble(box)
        link = _link(box, request)
        if link["password"] and people.credentials(request.headers)[1] != link["password"]:
            raise Refusal(401, "Wrong password", headers={"WWW-Authenticate": 'Basic realm="Nextcloud"'})
        path = split(request.path_params.get("path", ""))
        if request.method == "PUT":
            return _put(box, link, path, await request.body())
        return _content(box, link, path, request)
    except Refusal as refusal:
        return refusal.answer()


def _link(box: Sandbox, request: Request) -> Row:
    row = box.db.one("SELECT * FROM link WHERE token = ?", request.path_params["token"])
    if row is None or (row["expires"] and row["expires"] <= datetime.now(UTC).date().isoformat()):
        raise not_found("share")
    return row


def _shared(box: Sandbox, link: Row) -> Spot:
    return Spot(tree.by_id(box, link["node"]), (), tree.ALL, "")


def _content(box: Sandbox, link: Row, path: tuple[str, ...], request: Request) -> Response:
    account = people.account(box, link["account"])
    spot: Spot | None = _shared(box, link)
    for name in path:
        spot = tree.child(box, account, spot, name) if spot is not None and spot.is_directory else None
    if spot is None or spot.is_directory or not link["permissions"] & READ:
        raise not_found("/".join(path))
    part = range_of(request.headers.get("range", ""), spot.node["size"])
    if part is None:
        raise Refusal(416, "The start offset exceeded the size of the entity")
    return StoredBytes(box.blobs.path(spot.node["blob"]), part, {"content-disposition": "attachment"})


def _put(box: Sandbox, link: Row, path: tuple[str, ...], data: bytes) -> Response:
    """Into the directory itself; a name that is taken gets a number, as nobody may see what is there."""
    above = _shared(box, link)
    if not link["permissions"] & CREATE or not above.is_directory or len(path) != 1:
        raise Refusal(403, "No permission to write here")
    account, name = people.account(box, link["account"]), PurePosixPath(path[0])
    names = (path[0], *(f"{name.stem} ({number}){name.suffix}" for number in range(2, 1000)))
    free = next(each for each in names if tree.child(box, account, above, each) is None)
    with box.transaction():
        tree.check_room(box, above, len(data))
        blob = box.blobs.new()
        box.blobs.write(blob, data, 0)
        storing.put(box, above, free, None, Incoming(blob, len(data)))
    return Response(status_code=201)
