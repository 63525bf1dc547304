"""The sync-collection report (RFC 6578) as SabreDAV words it, for files.

Nextcloud itself has it for calendars and address books only; other servers on SabreDAV have it for files, so it is here
behind the switch ``sync``. The log is kept by triggers (``schema.py``), so that no change goes past it.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from starlette.responses import Response

from mountcloud.sandbox.nextcloud import tree
from mountcloud.sandbox.nextcloud.calls import Call
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.multistatus import Item, answer, parsed
from mountcloud.sandbox.nextcloud.names import DAV, SABRE
from mountcloud.sandbox.nextcloud.properties import SYNC_PREFIX, Describer, newest_change
from mountcloud.sandbox.nextcloud.state import Sandbox

SYNC_COLLECTION = f"{{{DAV}}}sync-collection"
_CHANGED_SLOTS = """
SELECT parent, name, max(seq) AS seq, max(placed) AS placed FROM sync_log WHERE seq > ?
GROUP BY parent, name ORDER BY seq
"""
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a report wants: changes since ``since`` (None: all there is), below the collection or directly in it."""

    since: int | None
    deep: bool
    limit: int
    names: tuple[str, ...]


def report(call: Call, describe: Describer) -> Response:
    """What changed below a collection since a token, in pages of at most ``limit`` names (RFC 6578, 3.2 to 3.6)."""
    asked = _asked(call)
    top = tree.need(call.box, call.account, call.path)
    if asked.since is None:
        found = dict.fromkeys(_below(call, call.path, top.node["id"]), 0)
        return _answer(call, describe, asked, found)
    found, last = _changed(call, asked)
    return _answer(call, describe, asked, found, last)


def _asked(call: Call) -> _Asked:
    body = parsed(call.body, "sync-collection")
    if call.headers.get("depth", "0") != "0":
        raise Refusal(400, "The depth of a sync-collection report must be 0")
    level = (body.findtext(f"{{{DAV}}}sync-level") or "").strip()
    if level not in {"1", "infinite"}:
        raise Refusal(400, "sync-level must be 1 or infinite")
    prop = body.find(f"{{{DAV}}}prop")
    names = tuple(each.tag for each in prop) if prop is not None else ()
    limits = [call.box.switches.sync_page, _limit(body)]
    limit = min((each for each in limits if each), default=0)
    return _Asked(_since(call.box, (body.findtext(f"{{{DAV}}}sync-token") or "").strip()), level != "1", limit, names)


def _limit(body: Element) -> int:
    return int(body.findtext(f"{{{DAV}}}limit/{{{DAV}}}nresults") or 0)


def _since(box: Sandbox, text: str) -> int | None:
    if not text:
        return None
    number = text.removeprefix(SYNC_PREFIX)
    if number == text or not number.isdigit() or not box.switches.sync_floor <= int(number) <= newest_change(box):
        raise Refusal(
            403, "Invalid or unknown sync token", name=rf"{SABRE}\InvalidSyncToken", inner="<d:valid-sync-token/>"
        )
    return int(number)


def _changed(call: Call, asked: _Asked) -> tuple[dict[Path, int], int | None]:
    """Paths with the last change of each; and where the page ends, if it is not the last."""
    found: dict[Path, int] = {}
    for slot in call.box.db.all(_CHANGED_SLOTS, asked.since):
        if asked.limit and len(found) >= asked.limit:
            return found, max(found.values())
        for path in _paths(call, asked, slot["parent"], slot["name"], placed=bool(slot["placed"])):
            found.setdefault(path, slot["seq"])
    return found, None


def _paths(call: Call, asked: _Asked, parent: int, name: str, *, placed: bool) -> list[Path]:
    """The slot, and where a directory was put into it, all that came along (RFC 6578, 3.5.1)."""
    above = _path_of(call, parent)
    if above is None or above[: len(call.path)] != call.path or not (asked.deep or above == call.path):
        return []
    path = (*above, name)
    spot = tree.look(call.box, call.account, path) if placed and asked.deep else None
    return [path, *(_below(call, path, spot.node["id"]) if spot is not None else [])]


def _path_of(call: Call, node: int) -> Path | None:
    """Where a directory is below the account's home now, None if it is not there any more."""
    names: list[str] = []
    row = call.box.db.one("SELECT * FROM node WHERE id = ?", node)
    while row is not None and row["id"] != call.account["home"]:
        names.insert(0, row["name"])
        row = None if row["parent"] is None else tree.by_id(call.box, row["parent"])
    return None if row is None else tuple(names)


def _below(call: Call, path: Path, node: int) -> list[Path]:
    rows = call.box.db.all("SELECT * FROM node WHERE parent = ? ORDER BY id", node)
    return [each for row in rows for each in [(*path, row["name"]), *_below(call, (*path, row["name"]), row["id"])]]


def _answer(
    call: Call, describe: Describer, asked: _Asked, found: dict[Path, int], last: int | None = None
) -> Response:
    new = describe.sync_token() if last is None else f"{SYNC_PREFIX}{last}"
    items = [_item(call, describe, asked, path) for path in found]
    mounts = call.box.db.all("SELECT * FROM mount WHERE account = ?", call.account["id"]) if asked.deep else []
    for mount in mounts:
        above = _path_of(call, mount["parent"]) or ()
        href = describe.address((*above, mount["name"]), directory=True)
        items.append(Item(href, {}, status="403 Forbidden", error="<d:sync-traversal-supported/>"))
    if last is not None:
        href = describe.address(call.path, directory=True)
        inner = "<d:number-of-matches-within-limits/>"
        items.append(Item(href, {}, status="507 Insufficient Storage", error=inner))
    return answer(items, minimal=call.minimal, sync_token=new or "")


def _item(call: Call, describe: Describer, asked: _Asked, path: Path) -> Item:
    spot = tree.look(call.box, call.account, path)
    if spot is None:
        return Item(describe.address(path, directory=False), {}, status="404 Not Found")
    return describe.item(spot, asked.names)
