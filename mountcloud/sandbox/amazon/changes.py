"""The change feed: lines of JSON with a checkpoint each (Amazon facts, 13)."""

import json
import re
from collections.abc import Iterator
from uuid import uuid4

from starlette.responses import Response, StreamingResponse

from mountcloud.sandbox.amazon import tree
from mountcloud.sandbox.amazon.calls import Call
from mountcloud.sandbox.amazon.errors import bad
from mountcloud.sandbox.amazon.state import Sandbox

_CHECKPOINT = re.compile(r"CP-(\d+)-(\d+)")
EPOCH = "changes epoch"
"""Raised by one, it makes every checkpoint that was given out unusable."""


def changes(call: Call) -> Response:
    """``POST changes``."""
    since = _since(call.box, call.body.get("checkpoint"))
    lines = list(_lines(call, since))
    switches = call.box.switches
    if switches.cut_changes > 0:
        call.box.change_switches({"cut_changes": switches.cut_changes - 1})
        lines = lines[: switches.cut_after]
    else:
        lines.append({"end": True})
    text = [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines]
    headers = {"x-amzn-RequestId": str(uuid4())}
    return StreamingResponse(iter([b"\n", *text]), 200, headers, "application/json")


def _since(box: Sandbox, checkpoint: object) -> int | None:
    """The journal's number of a checkpoint, None for one that is of no use."""
    match = _CHECKPOINT.fullmatch(checkpoint) if isinstance(checkpoint, str) else None
    if match is None or int(match.group(1)) != box.fact(EPOCH, 0):
        return None
    return int(match.group(2))


def _number(call: Call, name: str, default: int) -> int:
    value = call.body.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise bad(f"{name} must be a positive number")
    return value


def _lines(call: Call, since: int | None) -> Iterator[dict[str, object]]:
    """Whole lines until ``maxNodes`` is reached; one without nodes where nothing is new."""
    size = _number(call, "chunkSize", call.box.switches.chunk_size)
    most = _number(call, "maxNodes", 1 << 60)
    purged = call.body.get("includePurged") == "true"
    sql = (
        "SELECT node, max(number) AS last FROM journal WHERE customer = ? AND number > ? GROUP BY node ORDER BY last"
        " LIMIT ?"
    )
    touched = call.box.db.all(sql, call.customer, since or 0, most + size)
    told, end = 0, since or 0
    for start in range(0, max(len(touched), 1), size):
        rows = touched[start : start + size]
        end = rows[-1]["last"] if rows else end
        nodes = [shown for row in rows if (shown := _shown(call, row["node"], purged=purged)) is not None]
        if call.box.switches.reverse_changes:
            nodes.reverse()
        yield {
            "checkpoint": f"CP-{call.box.fact(EPOCH, 0)}-{end}",
            "reset": since is None and start == 0,
            "nodes": nodes,
            "statusCode": 200,
        }
        told += len(rows)
        if told >= most:
            return


def _shown(call: Call, node: str, *, purged: bool) -> dict[str, object] | None:
    row = tree.get(call.box, call.customer, node)
    if row is not None:
        return tree.present(call.box, row)
    return {"id": node, "status": tree.PURGED} if purged else None
