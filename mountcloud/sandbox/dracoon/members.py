"""Members of rooms, and the activities of a room (DRACOON facts, 9, 17)."""

from starlette.responses import Response

from mountcloud.sandbox.dracoon import query
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.fields import date_text
from mountcloud.sandbox.dracoon.keypairs import pairs_of, public_container
from mountcloud.sandbox.dracoon.permissions import Right, rights_json, rights_of
from mountcloud.sandbox.dracoon.rooms import managed_room, need_room, set_group, set_member
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import need_rights


def list_users(call: Call) -> Response:
    """``GET /nodes/rooms/{id}/users``."""
    members = call.box.access.members(managed_room(call)["id"])
    return reply(query.slice_of(call, [_room_user(call.box, user, rights) for user, rights in sorted(members.items())]))


def _room_user(box: Sandbox, user: int, rights: Right) -> dict[str, object]:
    item: dict[str, object] = {"userInfo": box.person(user), "isGranted": True, "permissions": rights_json(rights)}
    for pair in pairs_of(box, user)[:1]:
        item["publicKeyContainer"] = public_container(pair)
    return item


def set_users(call: Call) -> Response:
    """``PUT /nodes/rooms/{id}/users``: add users or change their permissions."""
    room = managed_room(call)
    for item in call.body.objects("items"):
        set_member(call.box, room["id"], item.need_number("id"), rights_of(item.fields("permissions")))
    return empty()


def remove_users(call: Call) -> Response:
    """``DELETE /nodes/rooms/{id}/users``."""
    room = managed_room(call)
    for user in call.body.numbers("ids"):
        call.box.db.run("DELETE FROM room_user WHERE room_id = ? AND user_id = ?", room["id"], user)
    call.box.access.forget()
    return empty()


def list_groups(call: Call) -> Response:
    """``GET /nodes/rooms/{id}/groups``."""
    room = call.box.access.member_room(managed_room(call)["id"])
    sql = "SELECT * FROM room_group JOIN user_group ON user_group.id = group_id WHERE room_id = ? ORDER BY name"
    items = []
    for row in call.box.db.all(sql, room):
        permissions = rights_json(Right(row["rights"]))
        item = {"id": row["group_id"], "name": row["name"], "isGranted": True, "permissions": permissions}
        items.append(item | {"newGroupMemberAcceptance": row["acceptance"]})
    return reply(query.slice_of(call, items))


def set_groups(call: Call) -> Response:
    """``PUT /nodes/rooms/{id}/groups``."""
    room = managed_room(call)
    for item in call.body.objects("items"):
        acceptance = item.text("newGroupMemberAcceptance") or "autoallow"
        set_group(call.box, room["id"], item.need_number("id"), rights_of(item.fields("permissions")), acceptance)
    return empty()


def remove_groups(call: Call) -> Response:
    """``DELETE /nodes/rooms/{id}/groups``."""
    room = managed_room(call)
    for group in call.body.numbers("ids"):
        call.box.db.run("DELETE FROM room_group WHERE room_id = ? AND group_id = ?", room["id"], group)
    call.box.access.forget()
    return empty()


def list_events(call: Call) -> Response:
    """``GET /nodes/rooms/{id}/events``: newest first; of this room alone."""
    room = need_room(call, call.id())
    need_rights(call.box, call.user, room, Right.READ)
    rows = call.box.db.all("SELECT * FROM event WHERE room_id = ? ORDER BY id DESC", room["id"])
    items = []
    for row in rows:
        actor = call.box.user(row["user_id"])
        name = "" if actor is None else actor.user_name
        item = {
            "id": row["id"],
            "time": date_text(row["time"]),
            "userId": row["user_id"],
            "userName": name,
            "status": 0,
        }
        item |= {
            "operationName": row["operation"],
            "message": f"{row['operation']} {row['object_type']} {row['object_name']}",
        }
        items.append(item | {"objectId1": row["object_id"], "objectName1": row["object_name"]})
    return reply(query.slice_of(call, items))
