"""The tree: finding, adding, binning and destroying nodes, with the sums that containers keep."""

import sqlite3
from collections.abc import Iterable

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import branch
from mountcloud.sandbox.dracoon.errors import (
    CONTAINER_UNKNOWN,
    CUSTOMER_QUOTA,
    DISK_FULL,
    FORBIDDEN,
    NODE_UNKNOWN,
    PATH_TOO_LONG,
    ROOM_QUOTA,
    Code,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import now_ms
from mountcloud.sandbox.dracoon.names import check_name, media_type, name_key, same_name
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.state import Sandbox

Row = sqlite3.Row
MAX_PATH = 4096
_UP = (
    "WITH RECURSIVE up (id, parent_id, name, type, quota, depth) AS ("
    " SELECT id, parent_id, name, type, quota, 0 FROM node WHERE id = ?1 UNION ALL"
    " SELECT node.id, node.parent_id, node.name, node.type, node.quota, depth + 1"
    " FROM node JOIN up ON node.id = up.parent_id)"
)
_DOWN = (
    "WITH RECURSIVE down (id) AS ("
    " SELECT ?1 UNION ALL SELECT node.id FROM node JOIN down ON node.parent_id = down.id WHERE node.deleted_at IS NULL)"
)


def live(box: Sandbox, node: int) -> Row | None:
    """A node that is not deleted."""
    return box.db.one("SELECT * FROM node_view WHERE id = ? AND deleted_at IS NULL", node)


def need_live(box: Sandbox, node: int, code: Code = NODE_UNKNOWN) -> Row:
    """The same, or a refusal."""
    row = live(box, node)
    if row is None:
        raise Refusal(code)
    return row


def need_container(box: Sandbox, node: int) -> Row:
    """A room or folder, or a refusal."""
    row = need_live(box, node, CONTAINER_UNKNOWN)
    if row["type"] == "file":
        raise Refusal(CONTAINER_UNKNOWN)
    return row


def need_rights(box: Sandbox, user: int, row: Row, rights: Right) -> None:
    """Refuses with a bare 403 unless the user has all these rights in the node's room."""
    if rights not in box.access.rights(user, row["room_id"]):
        raise Refusal(FORBIDDEN)


def superior_rights(box: Sandbox, user: int, room: Row) -> Right:
    """Rights over a room itself: those in the room above, or in itself at the top (DRACOON facts, 18)."""
    return box.access.rights(user, room["parent_id"] or room["id"])


def ancestors(box: Sandbox, node: int) -> list[Row]:
    """The node and everything above it, from the top down."""
    return box.db.all(f"{_UP} SELECT * FROM up ORDER BY depth DESC", node)  # noqa: S608 - constant text


def path_of(box: Sandbox, container: int) -> str:
    """``/a/b/``, and ``/`` for the root."""
    return "/" + "".join(f"{row['name']}/" for row in ancestors(box, container))


def subtree(box: Sandbox, node: int) -> list[int]:
    """Ids of a node and of everything below it that is not deleted."""
    return [row["id"] for row in box.db.all(f"{_DOWN} SELECT id FROM down", node)]  # noqa: S608 - constant text


def clash(box: Sandbox, parent: int, name: str) -> Row | None:
    """The node that holds this name in the container."""
    sql = "SELECT * FROM node_view WHERE parent_id = ? AND name_key = ? AND deleted_at IS NULL"
    strict = box.switches.case_sensitive_names
    for row in box.db.all(sql, parent, name_key(name)):
        if same_name(row["name"], name, case_sensitive=strict):
            return row
    return None


def check_path(box: Sandbox, parent: int, name: str) -> str:
    """The name if it may be used in this container."""
    check_name(name)
    if len(path_of(box, parent)) + len(name) > MAX_PATH:
        raise Refusal(PATH_TOO_LONG)
    return name


def add(box: Sandbox, user: int, kind: str, parent: int, name: str, *, columns: dict[str, Value]) -> int:
    """A new node; ``columns`` go before the defaults. The caller has checked name and rights."""
    above = box.db.one("SELECT room_id, encrypted FROM node WHERE id = ?", parent)
    node, now = box.db.next("id"), now_ms()
    values: dict[str, Value] = {
        "id": node,
        "reference_id": node,
        "type": kind,
        "name": name,
        "name_key": name_key(name),
        "parent_id": parent,
        "room_id": node if kind == "room" or above is None else above["room_id"],
        "encrypted": 0 if above is None else above["encrypted"],
        "branch_version": 0,
        "created_at": now,
        "created_by": user,
        "updated_at": now,
        "updated_by": user,
        "time_creation": now,
        "time_modification": now,
        "media_type": media_type(name) if kind == "file" else None,
    }
    box.db.insert("node", values | {column: value for column, value in columns.items() if value is not None})
    attach(box, node, 1)
    branch.changed(box, node, parent)
    return node


def attach(box: Sandbox, node: int, sign: int) -> None:
    """Add a node to (or take it from) the sums of the containers above it."""
    row = box.db.one("SELECT parent_id, type, size FROM node WHERE id = ?", node)
    if row is None or row["parent_id"] == 0:
        return
    column = {"room": "cnt_rooms", "folder": "cnt_folders", "file": "cnt_files"}[row["type"]]
    box.db.run(f"UPDATE node SET {column} = {column} + ? WHERE id = ?", sign, row["parent_id"])  # noqa: S608 - names are ours
    sql = f"{_UP} UPDATE node SET size = size + ?2 WHERE id IN (SELECT id FROM up)"  # noqa: S608 - constant text
    box.db.run(sql, row["parent_id"], sign * row["size"])


def change(box: Sandbox, user: int, row: Row, columns: dict[str, Value]) -> None:
    """Change a node's own columns; a new name is checked by the caller."""
    now: dict[str, Value] = {"updated_at": now_ms(), "updated_by": user}
    name = columns.get("name")
    if isinstance(name, str):
        now["name_key"] = name_key(name)
        now["media_type"] = media_type(name) if row["type"] == "file" else None
    box.db.update("node", row["id"], columns | now)
    branch.changed(box, row["id"], row["parent_id"])


def remove(box: Sandbox, user: int, row: Row, *, keep_shares: bool = False) -> None:
    """Files and folders go to the bin, rooms are gone for good (DRACOON facts, 10.1)."""
    record(box, user, row, "delete")
    attach(box, row["id"], -1)
    branch.below_changed(box, row["parent_id"])
    if row["type"] == "room":
        _destroy_room(box, row["id"])
        return
    path = path_of(box, row["parent_id"])
    for node in subtree(box, row["id"]):
        values = {"deleted_at": now_ms(), "deleted_by": user, "deleted_with": row["id"], "deleted_path": path}
        box.db.update("node", node, values)
        if not keep_shares:
            box.db.run("DELETE FROM share WHERE node_id = ?", node)


def _destroy_room(box: Sandbox, room: int) -> None:
    rooms = [
        node for node in subtree(box, room) if box.db.one("SELECT 1 FROM node WHERE id = ? AND type = 'room'", node)
    ]
    for inner in rooms:
        destroy(box, [row["id"] for row in box.db.all("SELECT id FROM node WHERE room_id = ?", inner)])
    box.access.forget()


def destroy(box: Sandbox, nodes: Iterable[int]) -> None:
    """Rows and bytes are gone for good; sums are the caller's matter."""
    for node in nodes:
        row = box.db.one("DELETE FROM node WHERE id = ? RETURNING blob", node)
        if row is not None:
            box.doom(row["blob"])


def record(box: Sandbox, user: int, row: Row, operation: str) -> None:
    """One line in the room's activities (DRACOON facts, 17)."""
    values: dict[str, Value] = {"time": now_ms(), "user_id": user, "room_id": row["room_id"], "operation": operation}
    values |= {"object_id": row["id"], "object_type": row["type"], "object_name": row["name"]}
    box.db.insert("event", values)


def check_quota(box: Sandbox, container: int, extra: int) -> None:
    """Refuses so many more bytes if a room above, the customer or the disk has not the space.

    (DRACOON facts, 5, 12.1)
    """
    if box.switches.disk_full:
        raise Refusal(DISK_FULL)
    for row in ancestors(box, container):
        if row["type"] == "room" and row["quota"] and room_usage(box, row["id"]) + extra > row["quota"]:
            raise Refusal(ROOM_QUOTA)
    limit = box.switches.space_limit
    if limit >= 0 and customer_usage(box) + extra > limit:
        raise Refusal(CUSTOMER_QUOTA)


def room_usage(box: Sandbox, room: int) -> int:
    """Bytes below a room, recycle bins included."""
    sql = (
        f"{_DOWN} SELECT coalesce(sum(size), 0) FROM node WHERE type = 'file' AND room_id IN"  # noqa: S608 - constant text
        " (SELECT down.id FROM down JOIN node AS room ON room.id = down.id WHERE room.type = 'room')"
    )
    return box.db.number(sql, room)


def customer_usage(box: Sandbox) -> int:
    """Bytes of all files, recycle bins included."""
    return box.db.number("SELECT coalesce(sum(size), 0) FROM node WHERE type = 'file'")


def is_expired(box: Sandbox) -> bool:
    """True if a file's expiry date has come."""
    sql = "SELECT 1 FROM node WHERE expire_at <= ? AND deleted_at IS NULL LIMIT 1"
    return box.db.one(sql, now_ms()) is not None


def remove_expired(box: Sandbox) -> None:
    """Files whose expiry date has come go to the bin."""
    for row in box.db.all("SELECT * FROM node WHERE expire_at <= ? AND deleted_at IS NULL", now_ms()):
        remove(box, row["updated_by"], row)
