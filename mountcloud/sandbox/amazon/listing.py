"""Listings: filtered, in pages, and a while behind the truth if the switch says so (Amazon facts, 6)."""

import base64
import json
import time
from collections.abc import Sequence

from starlette.responses import Response

from mountcloud.sandbox.amazon import filters, tree
from mountcloud.sandbox.amazon.calls import Call
from mountcloud.sandbox.amazon.errors import bad, reply
from mountcloud.sandbox.amazon.filters import Shown


def list_nodes(call: Call) -> Response:
    """``GET nodes``."""
    _, named = filters.parse(call.query.get("filters", ""))
    if "parents" in named:
        rows = tree.children(call.box, named["parents"])
    else:
        rows = call.box.db.all("SELECT * FROM node WHERE customer = ? ORDER BY number", call.customer)
    rows = [row for row in rows if row["customer"] == call.customer]
    return _listed(call, rows, "", {tree.AVAILABLE})


def list_children(call: Call) -> Response:
    """``GET nodes/{id}/children``."""
    folder = call.node()
    return _listed(call, tree.children(call.box, folder["id"]), folder["id"], {tree.AVAILABLE})


def list_trash(call: Call) -> Response:
    """``GET trash``."""
    sql = "SELECT * FROM node WHERE customer = ? AND status = 'TRASH' ORDER BY number"
    return _listed(call, call.box.db.all(sql, call.customer), "", {tree.TRASH})


def _listed(call: Call, rows: Sequence[tree.Row], parent: str, status: set[str]) -> Response:
    accepts, named = filters.parse(call.query.get("filters", ""))
    shown = {row["id"]: tree.present(call.box, row) for row in rows}
    _go_back(call, shown)
    found = [
        node
        for node in shown.values()
        if accepts(node)
        and ("status" in named or node["status"] in status)
        and (not parent or parent in _parents(node))
    ]
    if "sort" in call.query:
        found = filters.sort(found, call.query["sort"])
    return reply(_page(call, found))


def _go_back(call: Call, shown: dict[str, Shown]) -> None:
    """Undo what happened within the lag, the last first."""
    since = time.monotonic() - call.box.switches.listing_lag
    for past in reversed(call.box.past):
        if past.at < since:
            return
        if past.customer == call.customer:
            shown.pop(past.node, None)
            if past.before is not None:
                shown[past.node] = past.before


def _parents(node: Shown) -> Sequence[object]:
    found = node["parents"]
    return found if isinstance(found, list) else []


def _page(call: Call, found: Sequence[Shown]) -> Shown:
    most = call.box.switches.page_size
    try:
        limit = max(1, min(int(call.query.get("limit", most)), most))
    except ValueError:
        raise bad("limit must be a number") from None
    start = _start(call, found)
    page: Shown = {"count": len(found), "data": list(found[start : start + limit])}
    if start + limit < len(found):
        last = found[start + limit - 1]["id"]
        token = [last, start + limit, time.time() + call.box.switches.page_token_lifetime, _question(call)]
        page["nextToken"] = base64.urlsafe_b64encode(json.dumps(token).encode()).decode()
    return page


def _question(call: Call) -> list[str]:
    """What must stay the same from page to page."""
    return [call.request.url.path, *(call.query.get(name, "") for name in ("filters", "sort", "limit"))]


def _start(call: Call, found: Sequence[Shown]) -> int:
    """Where the page begins: after the last node of the page before, wherever that is by now."""
    text = call.query.get("startToken")
    if not text:
        return 0
    try:
        last, position, expires, question = json.loads(base64.urlsafe_b64decode(text))
    except (ValueError, TypeError):
        raise bad("Invalid next token") from None
    if question != _question(call):
        raise bad("The next token is for another request")
    if expires < time.time():
        raise bad("The next token has expired")
    after = next((number for number, node in enumerate(found) if node["id"] == last), None)
    return int(position) if after is None else after + 1
