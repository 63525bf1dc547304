"""The recycle bin of a room, versions, and restoring (DRACOON facts, 14)."""

from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import branch, conflicts, tree
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.conflicts import Wish
from mountcloud.sandbox.dracoon.errors import (
    DELETED_UNKNOWN,
    FILE_UNKNOWN,
    FORBIDDEN,
    MISSING_FIELD,
    OTHER_ROOM,
    TARGET_ENCRYPTED,
    TARGET_IS_FILE,
    TARGET_UNKNOWN,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import date_text
from mountcloud.sandbox.dracoon.names import name_key
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.query import Field, Fieldset, clause_of, filters_of, order_of, page_of, slice_of
from mountcloud.sandbox.dracoon.rooms import need_room
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

_TOPS = "SELECT * FROM node WHERE deleted_with = id"
_SUMMARY = """
SELECT * FROM (
    SELECT max(id) AS id, parent_id, deleted_path, name, name_key, type, count(*) AS versions,
        min(deleted_at) AS first_deleted, max(deleted_at) AS last_deleted,
        max(time_creation) AS time_creation, max(time_modification) AS time_modification
    FROM node WHERE room_id = ? AND deleted_with = id GROUP BY parent_id, name_key, type)
"""
_SUMMARY_FILTERS = {
    "type": Field("type", ("eq",)),
    "name": Field("name_key", ("cn",), "key"),
    "parentPath": Field("deleted_path", ("cn",)),
    "timestampCreation": Field("time_creation", ("ge", "le"), "date"),
    "timestampModification": Field("time_modification", ("ge", "le"), "date"),
}
_SUMMARY_SORTS = {
    "name": "name_key",
    "cntVersions": "versions",
    "firstDeletedAt": "first_deleted",
    "lastDeletedAt": "last_deleted",
    "parentPath": "deleted_path",
    "timestampCreation": "time_creation",
    "timestampModification": "time_modification",
}
_VERSION_SORTS = {
    "expireAt": "expire_at",
    "accessedAt": "accessed_at",
    "size": "size",
    "classification": "classification",
    "createdAt": "created_at",
    "createdBy": "created_by",
    "updatedAt": "updated_at",
    "updatedBy": "updated_by",
    "deletedAt": "deleted_at",
    "deletedBy": "deleted_by",
}


def _conditions(call: Call, known: Fieldset) -> tuple[str, list[Value]]:
    clauses = [clause_of(known[name], operator, values) for name, operator, values in filters_of(call, known)]
    sql = "".join(f" AND {clause.sql}" for clause in clauses)
    return sql, [value for clause in clauses for value in clause.arguments]


def list_bin(call: Call) -> Response:
    """``GET /nodes/{roomId}/deleted_nodes``: one summary for each name and place."""
    room = need_room(call, call.id())
    tree.need_rights(call.box, call.user, room, Right.READ_RECYCLE_BIN)
    extra, arguments = _conditions(call, _SUMMARY_FILTERS)
    order = order_of(call, _SUMMARY_SORTS, "", "name:asc")
    rows = call.box.db.all(f"{_SUMMARY} WHERE 1{extra} {order}", room["id"], *arguments)
    return reply(slice_of(call, [_summary(row) for row in rows]))


def _summary(row: Row) -> dict[str, object]:
    return {
        "parentId": row["parent_id"],
        "parentPath": row["deleted_path"],
        "name": row["name"],
        "type": row["type"],
        "cntVersions": row["versions"],
        "firstDeletedAt": date_text(row["first_deleted"]),
        "lastDeletedAt": date_text(row["last_deleted"]),
        "lastDeletedNodeId": row["id"],
        "timestampCreation": date_text(row["time_creation"]),
        "timestampModification": date_text(row["time_modification"]),
    }


def list_deleted_versions(call: Call) -> Response:
    """``GET /nodes/{parentId}/deleted_nodes/versions``: the deleted nodes of one name."""
    parent = tree.need_container(call.box, call.id())
    tree.need_rights(call.box, call.user, parent, Right.READ_RECYCLE_BIN)
    kind, name = call.query.get("type"), call.query.get("name")
    if kind is None or name is None:
        raise Refusal(MISSING_FIELD, words="type and name are mandatory")
    order = order_of(call, _VERSION_SORTS, "", "deletedAt:desc")
    sql = f"{_TOPS} AND parent_id = ? AND type = ? AND name_key = ? {order}"
    rows = call.box.db.all(sql, parent["id"], kind, name_key(name))
    return reply(slice_of(call, [_deleted(call.box, row) for row in rows]))


def get_deleted(call: Call) -> Response:
    """``GET /nodes/deleted_nodes/{id}``."""
    row = _need_deleted(call, call.id(), Right.READ_RECYCLE_BIN)
    return reply(_deleted(call.box, row))


def _need_deleted(call: Call, node: int, rights: Right) -> Row:
    row = call.box.db.one(f"{_TOPS} AND id = ?", node)
    if row is None:
        raise Refusal(DELETED_UNKNOWN)
    tree.need_rights(call.box, call.user, row, rights)
    return row


def _deleted(box: Sandbox, row: Row) -> dict[str, object]:
    node: dict[str, object] = {
        "id": row["id"],
        "referenceId": row["reference_id"],
        "parentId": row["parent_id"],
        "parentPath": row["deleted_path"],
        "type": row["type"],
        "name": row["name"],
        "isEncrypted": bool(row["encrypted"]),
        "size": row["size"],
        "classification": row["classification"],
    }
    for name, column in (("createdAt", "created_at"), ("updatedAt", "updated_at"), ("deletedAt", "deleted_at")):
        node[name] = date_text(row[column])
    for name, column in (("expireAt", "expire_at"), ("accessedAt", "accessed_at")):
        if row[column] is not None:
            node[name] = date_text(row[column])
    for name, column in (("createdBy", "created_by"), ("updatedBy", "updated_by"), ("deletedBy", "deleted_by")):
        node[name] = box.person(row[column])
    return node


def restore(call: Call) -> Response:
    """``POST /nodes/deleted_nodes/actions/restore``: the nodes get their old ids back."""
    wish, box = conflicts.wish_of(call.body), call.box
    for node in _named(call):
        row = _need_deleted(call, node, Right.RESTORE_RECYCLE_BIN)
        parent = tree.need_live(box, call.body.number("parentId") or row["parent_id"], TARGET_UNKNOWN)
        _check_target(call, row, parent)
        _restore(call, row, parent, wish)
    return empty()


def _named(call: Call) -> list[int]:
    ids = call.body.numbers("deletedNodeIds")
    if not ids:
        raise Refusal(MISSING_FIELD, words="deletedNodeIds is missing")
    return ids


def _check_target(call: Call, row: Row, parent: Row) -> None:
    if parent["type"] == "file":
        raise Refusal(TARGET_IS_FILE)
    tree.need_rights(call.box, call.user, parent, Right.CREATE)
    if row["encrypted"] and parent["room_id"] != row["room_id"]:
        raise Refusal(OTHER_ROOM)
    if parent["encrypted"] and not row["encrypted"]:
        raise Refusal(TARGET_ENCRYPTED)


def _restore(call: Call, row: Row, parent: Row, wish: Wish) -> None:
    box = call.box
    container = row["type"] != "file"
    outcome = conflicts.resolve(box, call.user, parent, row["name"], wish, container=container)
    conflicts.make_way(box, call.user, outcome, wish)
    sql = (
        "UPDATE node SET deleted_at = NULL, deleted_by = NULL, deleted_with = NULL, room_id = ? WHERE deleted_with = ?"
    )
    box.db.run(sql, parent["room_id"], row["id"])
    box.db.update(
        "node", row["id"], {"parent_id": parent["id"], "name": outcome.name, "name_key": name_key(outcome.name)}
    )
    tree.attach(box, row["id"], 1)
    branch.changed(box, row["id"], parent["id"])
    conflicts.hand_over_shares(box, outcome, row["id"])
    tree.record(box, call.user, tree.need_live(box, row["id"]), "restore")


def purge(call: Call) -> Response:
    """``DELETE /nodes/deleted_nodes``: for ever."""
    for node in _named(call):
        _purge(call.box, _need_deleted(call, node, Right.DELETE_RECYCLE_BIN))
    return empty()


def empty_bin(call: Call) -> Response:
    """``DELETE /nodes/{roomId}/deleted_nodes``."""
    room = need_room(call, call.id())
    tree.need_rights(call.box, call.user, room, Right.DELETE_RECYCLE_BIN)
    for row in call.box.db.all(f"{_TOPS} AND room_id = ?", room["id"]):
        _purge(call.box, row)
    return empty()


def _purge(box: Sandbox, row: Row) -> None:
    tree.destroy(box, [inner["id"] for inner in box.db.all("SELECT id FROM node WHERE deleted_with = ?", row["id"])])


def versions(call: Call) -> Response:
    """``GET /nodes/files/versions/{referenceId}``: all versions of a file, the current one included."""
    page = page_of(call)
    rows = call.box.db.all("SELECT * FROM node WHERE reference_id = ? AND type = 'file' ORDER BY id DESC", call.id())
    if not rows:
        raise Refusal(FILE_UNKNOWN)
    for row in rows:
        if Right.READ not in call.rights(row["room_id"]):
            raise Refusal(FORBIDDEN)
    items = [
        {
            "id": row["id"],
            "referenceId": row["reference_id"],
            "parentId": row["parent_id"],
            "name": row["name"],
            "deleted": row["deleted_at"] is not None,
        }
        for row in rows
    ]
    return reply(page.range(len(items)) | {"items": items[page.offset : page.offset + page.limit]})
