"""Rights per room, inheritance, members, groups, activities (DRACOON facts, 18)."""

from collections.abc import Callable

import httpx
import pytest

from tests.sandbox.account import Account, fresh, login, ok, plain, refusal
from tests.sandbox.control import ALL_RIGHTS
from tests.sandbox.fixture import RunningSandbox


@pytest.fixture(scope="module")
def owner(sandbox: RunningSandbox) -> Account:
    return login(sandbox)


@pytest.fixture(scope="module")
def other(sandbox: RunningSandbox) -> Account:
    return login(sandbox, roles=())


def send(account: Account, room: int, name: str, strategy: str) -> httpx.Response:
    channel = account.post("/nodes/files/uploads", {"parentId": room, "name": name})
    if channel.is_error:
        return channel
    return plain().put(channel.json()["uploadUrl"], json={"resolutionStrategy": strategy})


def to_folder(verb: str) -> Callable[[Account, dict[str, int]], httpx.Response]:
    return lambda user, ids: user.post(f"/nodes/{ids['folder']}/{verb}_to", {"items": [{"id": ids["file"]}]})


ATTEMPTS: list[tuple[str, set[str], Callable[[Account, dict[str, int]], httpx.Response]]] = [
    ("list", {"read"}, lambda user, ids: user.get("/nodes", parent_id=ids["folder"])),
    ("get", {"read"}, lambda user, ids: user.get(f"/nodes/{ids['file']}")),
    ("download", {"read"}, lambda user, ids: user.post(f"/nodes/files/{ids['file']}/downloads")),
    ("mkdir", {"create"}, lambda user, ids: user.post("/nodes/folders", {"parentId": ids["room"], "name": "new"})),
    ("upload", {"create"}, lambda user, ids: send(user, ids["room"], "new", "fail")),
    ("overwrite", {"create", "delete"}, lambda user, ids: send(user, ids["room"], "file", "overwrite")),
    ("rename", {"change"}, lambda user, ids: user.put(f"/nodes/files/{ids['file']}", {"name": "renamed"})),
    ("times", {"change"}, lambda user, ids: user.put(f"/nodes/folders/{ids['folder']}", {"notes": "n"})),
    ("delete", {"delete"}, lambda user, ids: user.delete(f"/nodes/{ids['file']}")),
    ("move", {"read", "delete", "create"}, to_folder("move")),
    ("copy", {"read", "create"}, to_folder("copy")),
    ("sub-room", {"manage"}, lambda user, ids: user.post("/nodes/rooms", {"name": "sub", "parentId": ids["room"]})),
    ("room name", {"manage"}, lambda user, ids: user.put(f"/nodes/rooms/{ids['inner']}", {"name": "renamed"})),
    ("room delete", {"manage"}, lambda user, ids: user.delete(f"/nodes/{ids['inner']}")),
    ("members", {"manage"}, lambda user, ids: user.get(f"/nodes/rooms/{ids['room']}/users")),
    ("add member", {"manage"}, lambda user, ids: user.put(f"/nodes/rooms/{ids['room']}/users", {"items": []})),
    ("end member", {"manage"}, lambda user, ids: user.delete(f"/nodes/rooms/{ids['room']}/users", {"ids": []})),
    ("groups", {"manage"}, lambda user, ids: user.get(f"/nodes/rooms/{ids['room']}/groups")),
    ("add group", {"manage"}, lambda user, ids: user.put(f"/nodes/rooms/{ids['room']}/groups", {"items": []})),
    ("end group", {"manage"}, lambda user, ids: user.delete(f"/nodes/rooms/{ids['room']}/groups", {"ids": []})),
    ("config", {"manage"}, lambda user, ids: user.put(f"/nodes/rooms/{ids['room']}/config", {})),
    ("policies", {"manage"}, lambda user, ids: user.put(f"/nodes/rooms/{ids['room']}/policies", {})),
    ("encrypt", {"manage"}, lambda user, ids: user.put(f"/nodes/rooms/{ids['room']}/encrypt", {"isEncrypted": False})),
    ("bin", {"readRecycleBin"}, lambda user, ids: user.get(f"/nodes/{ids['room']}/deleted_nodes")),
    ("purge", {"deleteRecycleBin"}, lambda user, ids: user.delete(f"/nodes/{ids['room']}/deleted_nodes")),
    (
        "restore",
        {"restoreRecycleBin", "create"},
        lambda user, ids: user.post("/nodes/deleted_nodes/actions/restore", {"deletedNodeIds": [ids["binned"]]}),
    ),
    ("share", {"manageDownloadShare"}, lambda user, ids: user.post("/shares/downloads", {"nodeId": ids["file"]})),
    ("request", {"manageUploadShare"}, lambda user, ids: user.post("/shares/uploads", {"targetId": ids["folder"]})),
]


@pytest.mark.parametrize(("needed", "attempt"), [case[1:] for case in ATTEMPTS], ids=[case[0] for case in ATTEMPTS])
def test_each_right(owner: Account, other: Account, needed: set[str], attempt: Callable[..., httpx.Response]) -> None:
    room = owner.room()
    ids = {"room": room, "folder": owner.folder(room), "inner": owner.room(parent=room)}
    ids |= {name: int(owner.file(room, name)["id"]) for name in ("file", "binned")}
    owner.delete(f"/nodes/{ids['binned']}")
    for missing in needed:
        owner.server.control.set_rights(
            room, other.id, tuple(set(ALL_RIGHTS) - {missing, "manage", "delete"} | needed - {missing})
        )
        answer = attempt(other, ids)
        assert (answer.status_code, answer.json().get("errorCode")) == (403, None), missing
    owner.server.control.set_rights(room, other.id, tuple(needed))
    owner.server.control.set_rights(ids["inner"], other.id, tuple(needed))
    assert attempt(other, ids).is_success


def test_inheritance(owner: Account, other: Account) -> None:
    top = owner.room()
    inner = ok(owner.post("/nodes/rooms", {"name": "inner", "parentId": top}))["id"]
    apart = owner.room(parent=top)
    owner.server.control.set_rights(top, other.id, ("read",))
    file = owner.file(inner)["id"]
    assert other.node(file)["permissions"]["read"] is True
    assert refusal(other.get("/nodes", parent_id=apart)) == (403, None)
    assert other.names(top) == ["inner"]
    stop = {"inheritPermissions": False, "takeOverPermissions": True}
    assert ok(owner.put(f"/nodes/rooms/{inner}/config", stop))["inheritPermissions"] is False
    owner.server.control.end_membership(top, other.id)
    assert other.node(file)["id"] == file
    assert other.node(top)["isBrowsable"] is True
    assert refusal(owner.put(f"/nodes/rooms/{top}/config", {"inheritPermissions": True})) == (400, -40017)
    resumed = ok(owner.put(f"/nodes/rooms/{inner}/config", {"inheritPermissions": True}))
    assert resumed["authParentId"] == top
    assert refusal(other.get(f"/nodes/{file}")) == (403, None)
    assert refusal(owner.put(f"/nodes/rooms/{inner}/config", {"inheritPermissions": False})) == (400, -40006)


def test_rooms_on_the_way_are_browsable_but_not_readable(owner: Account, other: Account) -> None:
    top = owner.room()
    owner.file(top, "hidden.txt")
    owner.room(parent=top, name="closed")
    inner = owner.room(parent=top, name="open")
    owner.server.control.set_rights(inner, other.id, ("read",))
    node = next(node for node in ok(other.get("/nodes"))["items"] if node["id"] == top)
    assert (node["isBrowsable"], node["permissions"]["read"]) == (True, False)
    assert other.names(top) == ["open"]


def test_members(owner: Account, other: Account) -> None:
    room = owner.room()
    permissions = {name: name == "read" for name in ALL_RIGHTS}
    item = {"id": other.id, "permissions": permissions}
    assert owner.put(f"/nodes/rooms/{room}/users", {"items": [item]}).status_code == 204
    users = ok(owner.get(f"/nodes/rooms/{room}/users"))["items"]
    assert {user["userInfo"]["id"]: user["permissions"]["manage"] for user in users} == {
        owner.id: True,
        other.id: False,
    }
    assert other.node(room)["permissions"] == permissions
    assert owner.delete(f"/nodes/rooms/{room}/users", {"ids": [other.id]}).status_code == 204
    assert refusal(other.get(f"/nodes/{room}")) == (403, None)
    assert refusal(owner.put(f"/nodes/rooms/{room}/users", {"items": [item | {"id": 999_999_999}]})) == (404, -70501)


def test_groups(owner: Account, other: Account) -> None:
    room = owner.room()
    group = owner.server.control.add_group(fresh("group"), (other.id,))
    item = {"id": group, "permissions": {"read": True}}
    assert owner.put(f"/nodes/rooms/{room}/groups", {"items": [item]}).status_code == 204
    assert [found["id"] for found in ok(owner.get(f"/nodes/rooms/{room}/groups"))["items"]] == [group]
    assert other.node(room)["permissions"]["read"] is True
    assert owner.delete(f"/nodes/rooms/{room}/groups", {"ids": [group]}).status_code == 204
    assert refusal(other.get(f"/nodes/{room}")) == (403, None)
    assert refusal(owner.put(f"/nodes/rooms/{room}/groups", {"items": [item | {"id": 999_999_999}]})) == (404, -30000)
    made = ok(owner.post("/nodes/rooms", {"name": fresh("room"), "adminGroupIds": [group]}))
    assert other.node(made["id"])["permissions"]["manage"] is True


def test_losing_rights_takes_effect_at_once(owner: Account, other: Account) -> None:
    room = owner.room()
    owner.server.control.set_rights(room, other.id, ("read", "create"))
    assert other.file(room)
    owner.server.control.set_rights(room, other.id, ("read",))
    assert refusal(other.post("/nodes/files/uploads", {"parentId": room, "name": "a"})) == (403, None)


def test_activities(owner: Account, other: Account) -> None:
    room = owner.room()
    file = owner.file(room, "a")["id"]
    owner.delete(f"/nodes/{file}")
    events = ok(owner.get(f"/nodes/rooms/{room}/events"))["items"]
    assert [(event["operationName"], event["objectId1"]) for event in events] == [("delete", file), ("upload", file)]
    assert refusal(other.get(f"/nodes/rooms/{room}/events")) == (403, None)
