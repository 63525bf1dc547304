"""``/index.php/core/preview``: small pictures of pictures (Nextcloud's core API, preview)."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from mountcloud.sandbox.nextcloud import people, tree
from mountcloud.sandbox.nextcloud.calls import refuse_in_trouble, reply, sandbox_of, split
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.properties import media_type
from mountcloud.sandbox.nextcloud.state import Sandbox
from mountcloud.sandbox.nextcloud.tree import Row
from mountcloud.sandbox.pictures import grey_png

_LARGEST = 1024
_USUAL = "32"
Find = Callable[[Sandbox, Row, Request], tuple[Row | None, str]]
"""The file that is meant, and what the account may do with it."""


def preview(find: Find) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint; it answers with an empty list where there is no picture, as the server does."""

    async def endpoint(request: Request) -> Response:
        box = sandbox_of(request)
        try:
            refuse_in_trouble(box)
            account = people.authenticate(box, request.headers)
            return _picture(*find(box, account, request), request)
        except Refusal as refusal:
            return refusal.answer()

    return endpoint


def _picture(row: Row | None, allowed: str, request: Request) -> Response:
    sides = [request.query_params.get(name, _USUAL) for name in ("x", "y")]
    if not all(side.isdecimal() and int(side) for side in sides):
        return reply([], 400)
    if row is None or row["kind"] != "file" or not media_type(row["name"]).startswith("image/"):
        return reply([], 404)
    if "G" not in allowed:
        return reply([], 403)
    return Response(grey_png(min(*map(int, sides), _LARGEST)), media_type="image/png")


def of_id(box: Sandbox, account: Row, request: Request) -> tuple[Row | None, str]:
    """``/index.php/core/preview?fileId=…``."""
    number = request.query_params.get("fileId", "")
    row = box.db.one("SELECT * FROM node WHERE id = ?", int(number)) if number.isdecimal() else None
    allowed = "" if row is None else tree.allowed(box, account, row["id"])
    return (row if allowed else None), allowed


def of_path(box: Sandbox, account: Row, request: Request) -> tuple[Row | None, str]:
    """``/index.php/core/preview.png?file=…``."""
    spot = tree.look(box, account, split(request.query_params.get("file", "")))
    return (None, "") if spot is None else (spot.node, spot.allowed)
