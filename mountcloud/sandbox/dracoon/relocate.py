"""Delete, move and copy (DRACOON facts, 10)."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import branch, conflicts, present, tree
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.conflicts import Wish
from mountcloud.sandbox.dracoon.errors import (
    COPIED_ONTO_ITSELF,
    DIFFERENT_PARENTS,
    FORBIDDEN,
    INTO_OWN_CHILD,
    MISSING_FIELD,
    MOVED_ONTO_ITSELF,
    NO_KEY_FOR_TRANSFER,
    ROOM_TRANSFER,
    SOURCE_UNKNOWN,
    TARGET_ENCRYPTED,
    TARGET_IS_FILE,
    TARGET_NOT_ENCRYPTED,
    TARGET_UNKNOWN,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import Fields
from mountcloud.sandbox.dracoon.filekeys import lacks_key
from mountcloud.sandbox.dracoon.names import name_key
from mountcloud.sandbox.dracoon.nodes_write import metadata
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.tree import Row


def delete_node(call: Call) -> Response:
    """``DELETE /nodes/{id}``: recursive without asking."""
    _delete(call, [tree.need_live(call.box, call.id())])
    return empty()


def delete_nodes(call: Call) -> Response:
    """``DELETE /nodes``: several of one parent."""
    ids = call.body.numbers("nodeIds")
    if not ids:
        raise Refusal(MISSING_FIELD, words="nodeIds is missing")
    _delete(call, [tree.need_live(call.box, node) for node in ids])
    return empty()


def _delete(call: Call, rows: Sequence[Row]) -> None:
    if len({row["parent_id"] for row in rows}) > 1:
        raise Refusal(DIFFERENT_PARENTS)
    for row in rows:
        if row["type"] == "room":
            if not tree.superior_rights(call.box, call.user, row) & (Right.MANAGE | Right.DELETE):
                raise Refusal(FORBIDDEN)
        else:
            tree.need_rights(call.box, call.user, row, Right.DELETE)
    for row in rows:
        tree.remove(call.box, call.user, row)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A checked request to move or copy."""

    target: Row
    items: list[tuple[Row, Fields]]
    wish: Wish


def move_nodes(call: Call) -> Response:
    """``POST /nodes/{target}/move_to``: the nodes keep their ids."""
    transfer = _transfer(call, Right.READ | Right.DELETE)
    for row, item in transfer.items:
        if row["parent_id"] == transfer.target["id"]:
            raise Refusal(MOVED_ONTO_ITSELF)
        _move(call, transfer, row, item)
    return reply(present.node_by_id(call.box, call.user, transfer.target["id"]))


def copy_nodes(call: Call) -> Response:
    """``POST /nodes/{target}/copy_to``: new ids, same file keys."""
    transfer = _transfer(call, Right.READ)
    for row, item in transfer.items:
        if row["parent_id"] == transfer.target["id"] and item.text("name") in {None, row["name"]}:
            raise Refusal(COPIED_ONTO_ITSELF)
        _copy(call, transfer, row, item)
    return reply(present.node_by_id(call.box, call.user, transfer.target["id"]), 201)


def _transfer(call: Call, needed: Right) -> Transfer:
    target = tree.need_live(call.box, call.id(), TARGET_UNKNOWN)
    if target["type"] == "file":
        raise Refusal(TARGET_IS_FILE)
    items = _items(call)
    for row, _ in items:
        tree.need_rights(call.box, call.user, row, needed)
        _check_pair(call, target, row)
    tree.need_rights(call.box, call.user, target, Right.CREATE)
    return Transfer(target, items, conflicts.wish_of(call.body))


def _items(call: Call) -> list[tuple[Row, Fields]]:
    named = call.body.objects("items") or [Fields({"id": node}) for node in call.body.numbers("nodeIds")]
    if not named:
        raise Refusal(MISSING_FIELD, words="items is missing")
    items = [(tree.need_live(call.box, item.need_number("id"), SOURCE_UNKNOWN), item) for item in named]
    if len({row["parent_id"] for row, _ in items}) > 1:
        raise Refusal(DIFFERENT_PARENTS)
    return items


def _check_pair(call: Call, target: Row, row: Row) -> None:
    if row["type"] == "room":
        raise Refusal(ROOM_TRANSFER)
    if row["id"] in {above["id"] for above in tree.ancestors(call.box, target["id"])}:
        raise Refusal(INTO_OWN_CHILD)
    if row["encrypted"] and not target["encrypted"]:
        raise Refusal(TARGET_NOT_ENCRYPTED)
    if target["encrypted"] and not row["encrypted"]:
        raise Refusal(TARGET_ENCRYPTED)
    if row["encrypted"] and lacks_key(call.box, call.user, tree.subtree(call.box, row["id"])):
        raise Refusal(NO_KEY_FOR_TRANSFER)


def _move(call: Call, transfer: Transfer, row: Row, item: Fields) -> None:
    box, user, target = call.box, call.user, transfer.target
    if row["room_id"] != target["room_id"]:
        tree.check_quota(box, target["id"], row["size"])
    name = tree.check_path(box, target["id"], item.text("name") or row["name"])
    container = row["type"] != "file"
    outcome = conflicts.resolve(box, user, target, name, transfer.wish, container=container)
    conflicts.make_way(box, user, outcome, transfer.wish)
    tree.attach(box, row["id"], -1)
    branch.below_changed(box, row["parent_id"])
    for node in tree.subtree(box, row["id"]):
        box.db.update("node", node, {"room_id": target["room_id"]})
    place: dict[str, Value] = {"parent_id": target["id"], "name": outcome.name, "name_key": name_key(outcome.name)}
    box.db.update("node", row["id"], place | metadata(item))
    tree.attach(box, row["id"], 1)
    moved = tree.need_live(box, row["id"])
    tree.change(box, user, moved, {"name": outcome.name})
    conflicts.hand_over_shares(box, outcome, row["id"])
    tree.record(box, user, moved, "move")


def _copy(call: Call, transfer: Transfer, row: Row, item: Fields) -> None:
    box, user, target = call.box, call.user, transfer.target
    tree.check_quota(box, target["id"], row["size"])
    name = tree.check_path(box, target["id"], item.text("name") or row["name"])
    container = row["type"] != "file"
    outcome = conflicts.resolve(box, user, target, name, transfer.wish, container=container)
    conflicts.make_way(box, user, outcome, transfer.wish)
    columns = metadata(item)
    if outcome.replaced is not None:
        columns["reference_id"] = outcome.replaced["reference_id"]
    node = _duplicate(call, row, target["id"], outcome.name, columns)
    conflicts.hand_over_shares(box, outcome, node)
    tree.record(box, user, tree.need_live(box, node), "copy")


def _duplicate(call: Call, row: Row, parent: int, name: str, columns: dict[str, Value]) -> int:
    box = call.box
    kept = ("blob", "hash", "notes", "classification", "time_creation", "time_modification", "expire_at")
    values: dict[str, Value] = {column: row[column] for column in kept}
    if row["type"] == "file":
        values["size"] = row["size"]
    node = tree.add(box, call.user, row["type"], parent, name, columns=values | columns)
    sql = "INSERT INTO file_key SELECT ?, user_id, version, key, iv, tag FROM file_key WHERE file_id = ?"
    box.db.run(sql, node, row["id"])
    if row["type"] != "file":
        for child in box.db.all("SELECT * FROM node WHERE parent_id = ? AND deleted_at IS NULL", row["id"]):
            _duplicate(call, child, node, child["name"], {})
    return node
