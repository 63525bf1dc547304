"""``/ping``, ``/whoami``, ``/right`` and ``/path/info`` (SmartFile facts, 3 and 5)."""

from starlette.responses import Response

from mountcloud.sandbox.smartfile import tree
from mountcloud.sandbox.smartfile.calls import Call
from mountcloud.sandbox.smartfile.errors import Refusal, reply
from mountcloud.sandbox.smartfile.tree import Spot

_PER_PAGE = 100
_TRUE = {"true", "on", "1", "yes"}


def ping(_: Call) -> Response:
    """Is anybody there?"""
    return reply({"ping": "pong"})


def whoami(call: Call) -> Response:
    """Who asks."""
    return reply({"username": call.account["username"], "email": "", "name": call.account["username"]})


def rights(_: Call) -> Response:
    """What rights there are."""
    return reply([{"name": name, "description": f"May {name}"} for name in ("list", "read", "write", "remove")])


def show(call: Call) -> Response:
    """A node, with ``children`` one page of what is in it."""
    spot = tree.need(call.box, call.account, call.path)
    node = call.present(spot)
    if call.query.get("children", "").lower() in _TRUE and spot.is_directory:
        spot.need("l")
        node |= _page(call, spot)
    return reply(node)


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal() or not int(text):
        raise Refusal(400, "Invalid query", fields={"field_errors": {name: ["Enter a whole number."]}})
    return int(text)


def _page(call: Call, directory: Spot) -> dict[str, object]:
    per_page = min(_number(call, "limit", _PER_PAGE), call.box.switches.page_limit)
    page = _number(call, "page", 1)
    inside = tree.children(call.box, directory)
    pages = max(1, -(-len(inside) // per_page))
    if page > pages:
        raise Refusal(404, "There is no such page")
    chosen = inside[(page - 1) * per_page : page * per_page]
    children = [_thin(call, call.present(each)) for each in chosen]
    return {"children": children, "page": page, "pages": pages, "total": len(inside), "per_page": per_page}


def _thin(call: Call, node: dict[str, object]) -> dict[str, object]:
    """With ``fields``, nothing but these."""
    getlist = getattr(call.query, "getlist", None)
    wanted = set(getlist("fields")) if getlist else set()
    return {name: value for name, value in node.items() if name in wanted} if wanted else node


def change(call: Call) -> Response:
    """``attributes=key=value``: custom attributes."""
    spot = tree.need(call.box, call.account, call.path)
    spot.need("w")
    for text in call.texts("attributes"):
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise Refusal(400, "Invalid form", fields={"field_errors": {"attributes": ["key=value is needed"]}})
        call.box.db.run("INSERT OR REPLACE INTO attribute VALUES (?, ?, ?)", spot.node["id"], key, value)
    return reply(call.present(tree.need(call.box, call.account, call.path)))
