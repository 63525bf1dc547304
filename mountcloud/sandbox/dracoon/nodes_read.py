"""List, look up and search (DRACOON facts, 8)."""

import json
from collections.abc import Sequence

from starlette.responses import Response

from mountcloud.sandbox.dracoon import present, tree
from mountcloud.sandbox.dracoon.calls import Call, reply
from mountcloud.sandbox.dracoon.errors import BAD_FILTER, FORBIDDEN, MISSING_FIELD, NODE_UNKNOWN, NOT_POSITIVE, Refusal
from mountcloud.sandbox.dracoon.fields import now_ms
from mountcloud.sandbox.dracoon.names import name_key
from mountcloud.sandbox.dracoon.permissions import NAMES, ROOM_MANAGER, Right
from mountcloud.sandbox.dracoon.query import Clause, Field, clause_of, filters_of, order_of, page_of
from mountcloud.sandbox.dracoon.tree import Row

_RANGE = ("ge", "le")
_EXTENSION = "lower(replace(name, rtrim(name, replace(name, '.', '')), ''))"
_BOTH = {
    "type": Field("type", ("eq",)),
    "perm": Field("", ("eq",)),
    "childPerm": Field("", ("eq",)),
    "encrypted": Field("encrypted", ("eq",), "flag"),
    "branchVersion": Field("branch_version", _RANGE, "number"),
    "timestampCreation": Field("time_creation", _RANGE, "date"),
    "timestampModification": Field("time_modification", _RANGE, "date"),
}
LIST_FILTERS = _BOTH | {"name": Field("name_key", ("cn", "eq"), "key")}
SEARCH_FILTERS = _BOTH | {
    "fileType": Field(_EXTENSION, ("cn", "eq"), "key"),
    "classification": Field("classification", ("eq",), "number"),
    "createdBy": Field("(SELECT user_name FROM user WHERE user.id = created_by)", ("cn", "eq")),
    "createdById": Field("created_by", ("eq",), "number"),
    "createdAt": Field("created_at", _RANGE, "date"),
    "updatedBy": Field("(SELECT user_name FROM user WHERE user.id = updated_by)", ("cn", "eq")),
    "updatedById": Field("updated_by", ("eq",), "number"),
    "updatedAt": Field("updated_at", _RANGE, "date"),
    "expireAt": Field("expire_at", _RANGE, "date"),
    "size": Field("size", _RANGE, "number"),
    "isFavorite": Field("", ("eq",), "flag"),
    "parentPath": Field("place.path", ("cn", "eq")),
}
LIST_SORTS = {
    "name": "name_key",
    "createdAt": "created_at",
    "createdBy": "created_by",
    "updatedAt": "updated_at",
    "updatedBy": "updated_by",
    "fileType": _EXTENSION,
    "classification": "classification",
    "size": "size",
    "cntDeletedVersions": "(SELECT count(*) FROM node AS old WHERE old.reference_id = node.reference_id)",
    "timestampCreation": "time_creation",
    "timestampModification": "time_modification",
}
SEARCH_SORTS = LIST_SORTS | {"type": "type", "parentPath": "place.path"}
# Rooms, folders, files: the alphabet happens to have them backwards.
TYPE_FIRST = "type DESC"
_PLACES = """
WITH RECURSIVE place (id, depth, path) AS (
    SELECT ?, 0, ? UNION ALL
    SELECT node.id, place.depth + 1, place.path || node.name || '/' FROM node JOIN place ON node.parent_id = place.id
    WHERE node.type <> 'file' AND node.deleted_at IS NULL AND (? < 0 OR place.depth < ?))
SELECT node.id FROM node JOIN place ON node.parent_id = place.id
"""


def list_nodes(call: Call) -> Response:
    """``GET /nodes``: the children of a container."""
    parent = call.number("parent_id", 0)
    if parent:
        row = tree.need_container(call.box, parent)
        if not present.readable(call.box, call.user, row):
            raise Refusal(FORBIDDEN)
    everything = call.query.get("room_manager") == "true" and _is_room_manager(call)
    clauses = [Clause("parent_id = ? AND deleted_at IS NULL", (parent,)), _visible(call, everything=everything)]
    clauses += _conditions(call, LIST_FILTERS)
    order = order_of(call, LIST_SORTS, TYPE_FIRST, "name:asc")
    return _answer(call, Clause("SELECT id FROM node"), clauses, order)


def search(call: Call) -> Response:
    """``GET /nodes/search``: by name with ``*`` as wildcard, below a container, so many levels deep (-1 = all)."""
    pattern = call.query.get("search_string")
    if not pattern:
        raise Refusal(MISSING_FIELD, words="search_string is missing")
    parent, depth = call.number("parent_id", 0), call.number("depth_level", 0)
    if parent and not present.readable(call.box, call.user, tree.need_container(call.box, parent)):
        raise Refusal(FORBIDDEN)
    places = Clause(_PLACES, (parent, tree.path_of(call.box, parent), depth, depth))
    like = name_key(pattern).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    clauses = [Clause("deleted_at IS NULL AND name_key LIKE ? ESCAPE '\\'", (like,)), _visible(call, everything=False)]
    clauses += _conditions(call, SEARCH_FILTERS)
    return _answer(call, places, clauses, order_of(call, SEARCH_SORTS, "", "name:asc").replace(", id", ", node.id"))


def get_node(call: Call) -> Response:
    """``GET /nodes/{id}``."""
    row = readable_node(call, call.id())
    return reply(present.node_json(call.box, call.user, row, detail=True))


def parents(call: Call) -> Response:
    """``GET /nodes/{id}/parents``: from the top down, without the node itself."""
    row = readable_node(call, call.id())
    items = [
        {"id": above["id"], "name": above["name"], "type": above["type"], "parentId": above["parent_id"]}
        for above in tree.ancestors(call.box, row["parent_id"])
    ]
    return reply({"items": items})


def readable_node(call: Call, node: int) -> Row:
    """A node that the caller may see; 404 while storage is still catching up with it."""
    if node <= 0:
        raise Refusal(NOT_POSITIVE)
    row = tree.need_live(call.box, node)
    if row["visible_at"] > now_ms():
        raise Refusal(NODE_UNKNOWN)
    if not present.readable(call.box, call.user, row):
        raise Refusal(FORBIDDEN)
    return row


def _is_room_manager(call: Call) -> bool:
    return call.caller is not None and ROOM_MANAGER in call.caller.roles


def _visible(call: Call, *, everything: bool) -> Clause:
    if everything:
        return Clause("1")
    rooms = json.dumps(sorted(call.box.access.visible(call.user)))
    read = json.dumps(sorted(call.box.access.rooms_with(call.user, Right.READ)))
    sql = (
        "((type = 'room' AND node.id IN (SELECT value FROM json_each(?)))"
        " OR room_id IN (SELECT value FROM json_each(?)))"
    )
    return Clause(sql, (rooms, read))


def _conditions(call: Call, known: dict[str, Field]) -> list[Clause]:
    clauses = []
    for name, operator, values in filters_of(call, known):
        if name in {"perm", "childPerm"}:
            clauses.append(_permitted(call, values))
        elif name == "isFavorite":
            sql = "(node.id IN (SELECT node_id FROM favorite WHERE user_id = ?)) = ?"
            clauses.append(Clause(sql, (call.user, int(values[0].lower() == "true"))))
        else:
            clauses.append(clause_of(known[name], operator, values))
    return clauses


def _permitted(call: Call, names: Sequence[str]) -> Clause:
    wanted = Right.NONE
    for name in names:
        if name not in NAMES:
            raise Refusal(BAD_FILTER, words="the permission is unknown")
        wanted |= NAMES[name]
    rooms = json.dumps(sorted(call.box.access.rooms_with(call.user, wanted)))
    return Clause("room_id IN (SELECT value FROM json_each(?))", (rooms,))


def _answer(call: Call, source: Clause, clauses: Sequence[Clause], order: str) -> Response:
    page = page_of(call)
    sql = f"{source.sql} WHERE {' AND '.join(clause.sql for clause in clauses)}"
    arguments = [value for clause in (source, *clauses) for value in clause.arguments]
    total = call.box.db.number(f"SELECT count(*) FROM ({sql})", *arguments)  # noqa: S608 - names are ours
    found = call.box.db.all(f"{sql} {order} LIMIT ? OFFSET ?", *arguments, page.limit, page.offset)
    rows = rows_in_order(call, [row["id"] for row in found])
    return reply(page.range(total) | {"items": present.nodes_json(call.box, call.user, rows)})


def rows_in_order(call: Call, ids: Sequence[int]) -> list[Row]:
    """Nodes in the order of their ids in the list."""
    found = call.box.db.all(
        "SELECT * FROM node_view WHERE id IN (SELECT value FROM json_each(?))", json.dumps(list(ids))
    )
    rows = {row["id"]: row for row in found}
    return [rows[node] for node in ids]
