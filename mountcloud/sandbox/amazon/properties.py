"""Properties of an app on a node, with their limits (Amazon facts, 10)."""

from starlette.responses import Response

from mountcloud.sandbox.amazon import tree
from mountcloud.sandbox.amazon.calls import Call
from mountcloud.sandbox.amazon.errors import Refusal, bad, reply

_MOST_CHARACTERS = 500
_MOST_KEYS = 10


def put(call: Call) -> Response:
    """``PUT nodes/{id}/properties/{owner}/{key}``."""
    row, owner, key = call.node(), call.id("owner"), call.id("key")
    value = call.body.get("value")
    keep(call, row["id"], owner, key, value)
    tree.change(call.box, row)
    return reply(_one(call, key, str(value)), 201)


def keep(call: Call, node: str, owner: str, key: str, value: object) -> None:
    """Write one down; 400 over the limits."""
    if not isinstance(value, str) or len(value) > _MOST_CHARACTERS:
        raise bad(f"A value has at most {_MOST_CHARACTERS} characters")
    held = tree.properties(call.box, node, owner).get(owner, {})
    if key not in held and len(held) >= _MOST_KEYS:
        raise bad(f"An owner has at most {_MOST_KEYS} properties")
    call.box.db.run("INSERT OR REPLACE INTO property VALUES (?, ?, ?, ?)", node, owner, key, value)


def keep_all(call: Call, node: str, found: object) -> None:
    """Those that come with a new node."""
    for owner, pairs in found.items() if isinstance(found, dict) else ():
        for key, value in pairs.items() if isinstance(pairs, dict) else ():
            keep(call, node, owner, key, value)


def list_all(call: Call) -> Response:
    """``GET nodes/{id}/properties/{owner}``."""
    found = tree.properties(call.box, call.node()["id"], call.id("owner")).get(call.id("owner"), {})
    return reply({"count": len(found), "data": found})


def get(call: Call) -> Response:
    """``GET nodes/{id}/properties/{owner}/{key}``."""
    found = tree.properties(call.box, call.node()["id"], call.id("owner")).get(call.id("owner"), {})
    if call.id("key") not in found:
        raise Refusal(404, "No such property", "PROPERTY_NOT_FOUND")
    return reply(_one(call, call.id("key"), found[call.id("key")]))


def delete(call: Call) -> Response:
    """``DELETE nodes/{id}/properties/{owner}/{key}``."""
    row = call.node()
    sql = "DELETE FROM property WHERE node = ? AND owner = ? AND key = ?"
    if not call.box.db.run(sql, row["id"], call.id("owner"), call.id("key")):
        raise Refusal(404, "No such property", "PROPERTY_NOT_FOUND")
    tree.change(call.box, row)
    return Response(status_code=204)


def _one(call: Call, key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value, "location": f"{call.origin}{call.request.url.path}"}
