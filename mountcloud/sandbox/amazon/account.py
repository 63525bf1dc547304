"""Where the service is for a customer, and how much it holds (Amazon facts, 3 and 4)."""

from starlette.responses import Response

from mountcloud.sandbox.amazon import tree
from mountcloud.sandbox.amazon.calls import Call
from mountcloud.sandbox.amazon.errors import reply
from mountcloud.sandbox.amazon.state import now_ms

METADATA, CONTENT = "/drive/v1/", "/cdproxy/"
_KINDS = {"image": "photo", "video": "video", "text": "doc"}


def endpoint(call: Call) -> Response:
    """``GET account/endpoint``."""
    row = call.box.db.one("SELECT exists_here FROM customer WHERE id = ?", call.customer)
    addresses = {"contentUrl": f"{call.origin}{CONTENT}", "metadataUrl": f"{call.origin}{METADATA}"}
    return reply({"customerExists": bool(row and row["exists_here"]), **addresses})


def info(call: Call) -> Response:
    """``GET account/info``."""
    return reply({"termsOfUse": "1.0.0", "status": "ACTIVE"})


def quota(call: Call) -> Response:
    """``GET account/quota``."""
    total = call.box.db.number("SELECT quota FROM customer WHERE id = ?", call.customer)
    used = call.box.db.number("SELECT coalesce(sum(size), 0) FROM node WHERE customer = ?", call.customer)
    return reply({"quota": total, "available": max(total - used, 0), "lastCalculated": tree.date_text(now_ms())})


def usage(call: Call) -> Response:
    """``GET account/usage``."""
    found = {kind: {"bytes": 0, "count": 0} for kind in ("other", "doc", "photo", "video")}
    for row in call.box.db.all("SELECT * FROM node WHERE customer = ? AND md5 IS NOT NULL", call.customer):
        group = found[_KINDS.get(row["content_type"].partition("/")[0], "other")]
        group["bytes"] += row["size"]
        group["count"] += 1
    groups = {kind: {"total": each, "billable": each} for kind, each in found.items()}
    return reply({"lastCalculated": tree.date_text(now_ms()), **groups})
