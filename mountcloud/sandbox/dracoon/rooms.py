"""Create and change rooms (DRACOON facts, 9, 18)."""

from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import branch, present, tree
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.errors import (
    ADMIN_NEEDED,
    BAD_ARGUMENT,
    CONTAINER_UNKNOWN,
    ENCRYPTION_OFF,
    FORBIDDEN,
    GROUP_UNKNOWN,
    NOT_TOP_LEVEL,
    ROOM_HAS_FILES,
    ROOM_HAS_SHARES,
    ROOM_IN_BIN,
    TOP_LEVEL_INHERITS,
    USER_UNKNOWN,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import Fields
from mountcloud.sandbox.dracoon.nodes_write import metadata, refuse_taken, renaming
from mountcloud.sandbox.dracoon.permissions import ROOM_MANAGER, Right
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

ACCEPTANCES = ("autoallow", "pending")
MAX_RETENTION = 9999


def need_room(call: Call, room: int) -> Row:
    """A room, or a refusal."""
    row = tree.need_live(call.box, room, CONTAINER_UNKNOWN)
    if row["type"] != "room":
        raise Refusal(CONTAINER_UNKNOWN)
    return row


def managed_room(call: Call) -> Row:
    """The room in the address, which the caller must manage."""
    row = need_room(call, call.id())
    tree.need_rights(call.box, call.user, row, Right.MANAGE)
    return row


def create_room(call: Call) -> Response:
    """``POST /nodes/rooms``: below a room that one manages, or at the top for Room Managers."""
    box, body = call.box, call.body
    name, parent = body.need_text("name"), _place(call)
    tree.check_path(box, parent, name)
    refuse_taken(call, parent, name)
    inherit = body.flag("inheritPermissions", default=parent != 0 and not _has_admins(body))
    if not parent and inherit:
        raise Refusal(TOP_LEVEL_INHERITS)
    if not inherit and not _has_admins(body):
        raise Refusal(ADMIN_NEEDED)
    columns = metadata(body) | _settings(body) | {"inherit": int(inherit)}
    room = tree.add(box, call.user, "room", parent, name, columns=columns)
    _set_admins(box, room, body)
    box.access.forget()
    tree.record(box, call.user, tree.need_live(box, room), "create")
    return reply(present.node_by_id(box, call.user, room), 201)


def _place(call: Call) -> int:
    parent = call.body.number("parentId")
    if parent is None:
        if call.caller is None or ROOM_MANAGER not in call.caller.roles:
            raise Refusal(FORBIDDEN)
        return 0
    row = need_room(call, parent)
    tree.need_rights(call.box, call.user, row, Right.MANAGE)
    return parent


def _has_admins(body: Fields) -> bool:
    return bool(body.array("adminIds") or body.array("adminGroupIds"))


def _settings(body: Fields) -> dict[str, Value]:
    columns: dict[str, Value] = {}
    for name, column in (("quota", "quota"), ("recycleBinRetentionPeriod", "retention")):
        number = body.number(name)
        if number is not None:
            columns[column] = number
            if number < 0 or (column == "retention" and number > MAX_RETENTION):
                raise Refusal(BAD_ARGUMENT, words=f"{name} is out of range")
    if body.has("hasActivitiesLog"):
        columns["activities"] = int(body.flag("hasActivitiesLog"))
    acceptance = body.text("newGroupMemberAcceptance")
    if acceptance is not None:
        columns["acceptance"] = acceptance
        if acceptance not in ACCEPTANCES:
            raise Refusal(BAD_ARGUMENT, words="newGroupMemberAcceptance is invalid")
    return columns


def _set_admins(box: Sandbox, room: int, body: Fields) -> None:
    for user in body.numbers("adminIds"):
        set_member(box, room, user, Right.ALL)
    for group in body.numbers("adminGroupIds"):
        set_group(box, room, group, Right.ALL, "autoallow")


def set_member(box: Sandbox, room: int, user: int, rights: Right) -> None:
    """Give a user these rights in a room."""
    if box.user(user) is None:
        raise Refusal(USER_UNKNOWN)
    box.db.run("INSERT OR REPLACE INTO room_user VALUES (?, ?, ?)", room, user, int(rights))
    box.access.forget()


def set_group(box: Sandbox, room: int, group: int, rights: Right, acceptance: str) -> None:
    """Give a group these rights in a room."""
    if box.db.one("SELECT 1 FROM user_group WHERE id = ?", group) is None:
        raise Refusal(GROUP_UNKNOWN)
    box.db.run("INSERT OR REPLACE INTO room_group VALUES (?, ?, ?, ?)", room, group, int(rights), acceptance)
    box.access.forget()


def update_room(call: Call) -> Response:
    """``PUT /nodes/rooms/{id}``: name, notes, quota, times; needs ``manage`` in the superior room."""
    row = need_room(call, call.id())
    if Right.MANAGE not in tree.superior_rights(call.box, call.user, row):
        raise Refusal(FORBIDDEN)
    columns = metadata(call.body) | _settings(Fields({"quota": call.body.number("quota")})) | renaming(call, row)
    tree.change(call.box, call.user, row, columns)
    return reply(present.node_by_id(call.box, call.user, row["id"]))


def configure_room(call: Call) -> Response:
    """``PUT /nodes/rooms/{id}/config``."""
    row, box, body = managed_room(call), call.box, call.body
    columns = metadata(Fields({"classification": body.number("classification")})) | _settings(body)
    columns.pop("quota", None)
    if body.has("inheritPermissions"):
        columns["inherit"] = int(body.flag("inheritPermissions"))
        _check_inheritance(call, row)
    tree.change(box, call.user, row, columns)
    _set_admins(box, row["id"], body)
    box.access.forget()
    return reply(present.node_by_id(box, call.user, row["id"]))


def _check_inheritance(call: Call, row: Row) -> None:
    if call.body.flag("inheritPermissions"):
        if not row["parent_id"]:
            raise Refusal(TOP_LEVEL_INHERITS)
        return
    if row["inherit"] and call.body.flag("takeOverPermissions"):
        for user, rights in call.box.access.members(row["id"]).items():
            set_member(call.box, row["id"], user, rights)
    elif row["inherit"] and not _has_admins(call.body):
        raise Refusal(ADMIN_NEEDED)


def encrypt_room(call: Call) -> Response:
    """``PUT /nodes/rooms/{id}/encrypt``: only an empty room at the top, without bin and shares."""
    row, box = managed_room(call), call.box
    wanted = call.body.flag("isEncrypted")
    if wanted and not box.switches.crypto_enabled:
        raise Refusal(ENCRYPTION_OFF)
    if bool(row["encrypted"]) != wanted:
        _check_empty(box, row)
        tree.change(box, call.user, row, {"encrypted": int(wanted)})
    return reply(present.node_by_id(box, call.user, row["id"]))


def _check_empty(box: Sandbox, row: Row) -> None:
    if row["parent_id"]:
        raise Refusal(NOT_TOP_LEVEL)
    if row["cnt_rooms"] or row["cnt_folders"] or row["cnt_files"]:
        raise Refusal(ROOM_HAS_FILES)
    if box.db.one("SELECT 1 FROM node WHERE room_id = ? AND deleted_at IS NOT NULL", row["id"]) is not None:
        raise Refusal(ROOM_IN_BIN)
    if row["cnt_upload_shares"] or row["cnt_download_shares"]:
        raise Refusal(ROOM_HAS_SHARES)


def set_policies(call: Call) -> Response:
    """``PUT /nodes/rooms/{id}/policies``."""
    row = managed_room(call)
    columns: dict[str, Value] = {}
    period = call.body.number("defaultExpirationPeriod")
    if period is not None:
        columns["room_expiry"] = period
    if call.body.has("virusProtectionEnabled"):
        columns["virus_protection"] = int(call.body.flag("virusProtectionEnabled"))
    call.box.db.update("node", row["id"], columns)
    branch.changed(call.box, row["id"], row["parent_id"])
    return empty()


def get_policies(call: Call) -> Response:
    """``GET /nodes/rooms/{id}/policies``."""
    row = managed_room(call)
    enabled = bool(row["virus_protection"])
    return reply({"defaultExpirationPeriod": row["room_expiry"], "isVirusProtectionEnabled": enabled})
