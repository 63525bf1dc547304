"""Create and change folders and files (DRACOON facts, 9)."""

from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import present, tree
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.errors import (
    BAD_ARGUMENT,
    BAD_EXPIRY,
    FILE_UNKNOWN,
    MISSING_FIELD,
    NODE_UNKNOWN,
    TOO_LONG,
    TOO_MANY_ITEMS,
    Refusal,
    name_conflict,
)
from mountcloud.sandbox.dracoon.fields import Fields, now_ms
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.tree import Row

MAX_NOTES = 255
MAX_BULK = 200


def metadata(body: Fields) -> dict[str, Value]:
    """Notes, classification and the client's times, as columns; only those given."""
    columns: dict[str, Value] = {}
    notes, classification = body.text("notes"), body.number("classification")
    if notes is not None:
        if len(notes) > MAX_NOTES:
            raise Refusal(TOO_LONG, words="notes are too long")
        columns["notes"] = notes
    if classification is not None:
        if not 1 <= classification <= 4:
            raise Refusal(BAD_ARGUMENT, words="classification is 1 to 4")
        columns["classification"] = classification
    for name, column in (("timestampCreation", "time_creation"), ("timestampModification", "time_modification")):
        if body.has(name):
            columns[column] = body.date(name)
    return columns


def expiry(body: Fields) -> dict[str, Value]:
    """The column of an ``expiration`` object; nothing if there is none."""
    expiration = body.fields("expiration")
    if expiration is None:
        return {}
    if not expiration.flag("enableExpiration"):
        return {"expire_at": None}
    moment = expiration.date("expireAt")
    if moment is None or moment <= now_ms():
        raise Refusal(BAD_EXPIRY)
    return {"expire_at": moment}


def create_folder(call: Call) -> Response:
    """``POST /nodes/folders``."""
    body, box = call.body, call.box
    name = body.need_text("name")
    parent = tree.need_container(box, body.need_number("parentId"))
    tree.need_rights(box, call.user, parent, Right.CREATE)
    tree.check_path(box, parent["id"], name)
    refuse_taken(call, parent["id"], name)
    node = tree.add(box, call.user, "folder", parent["id"], name, columns=metadata(body))
    tree.record(box, call.user, tree.need_live(box, node), "create")
    return reply(present.node_by_id(box, call.user, node), 201)


def update_folder(call: Call) -> Response:
    """``PUT /nodes/folders/{id}``."""
    return _update(call, "folder", {})


def update_file(call: Call) -> Response:
    """``PUT /nodes/files/{id}``."""
    return _update(call, "file", expiry(call.body))


def _update(call: Call, kind: str, extra: dict[str, Value]) -> Response:
    row = tree.need_live(call.box, call.id(), FILE_UNKNOWN if kind == "file" else NODE_UNKNOWN)
    if row["type"] != kind:
        raise Refusal(FILE_UNKNOWN if kind == "file" else NODE_UNKNOWN)
    tree.need_rights(call.box, call.user, row, Right.CHANGE)
    tree.change(call.box, call.user, row, metadata(call.body) | extra | renaming(call, row))
    return reply(present.node_by_id(call.box, call.user, row["id"], detail=True))


def renaming(call: Call, row: Row) -> dict[str, Value]:
    """The column of a new name, after its checks; nothing if none is given."""
    name = call.body.text("name")
    if name is None:
        return {}
    tree.check_path(call.box, row["parent_id"], name)
    refuse_taken(call, row["parent_id"], name, itself=row["id"])
    return {"name": name}


def refuse_taken(call: Call, parent: int, name: str, itself: int = 0) -> None:
    """409 if another node of the container has this name."""
    taken = tree.clash(call.box, parent, name)
    if taken is not None and taken["id"] != itself:
        raise name_conflict([(taken["id"], taken["name"])])


def update_files(call: Call) -> Response:
    """``PUT /nodes/files``: classification and expiry of up to 200 files."""
    ids = call.body.numbers("objectIds")
    if not ids:
        raise Refusal(MISSING_FIELD, words="objectIds is missing")
    if len(ids) > MAX_BULK:
        raise Refusal(TOO_MANY_ITEMS)
    columns = metadata(Fields({"classification": call.body.number("classification")})) | expiry(call.body)
    for node in ids:
        row = tree.need_live(call.box, node, FILE_UNKNOWN)
        tree.need_rights(call.box, call.user, row, Right.CHANGE)
        tree.change(call.box, call.user, row, columns)
    return empty()
