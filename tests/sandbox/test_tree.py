"""Folders, files and rooms: create, change, names, times (DRACOON facts, 7, 9, 19)."""

import pytest

from tests.sandbox.account import Account, login, ok, refusal
from tests.sandbox.fixture import RunningSandbox

TIME = "2020-02-03T04:05:06.789Z"


@pytest.fixture(scope="module")
def account(sandbox: RunningSandbox) -> Account:
    return login(sandbox)


@pytest.fixture(scope="module")
def room(account: Account) -> int:
    return account.room()


def test_a_folder(account: Account) -> None:
    room = account.room(name="Room of folders")
    body = {"parentId": room, "name": "Ordner ä", "notes": "n", "timestampModification": TIME, "classification": 3}
    answer = account.post("/nodes/folders", body)
    node = answer.json()
    assert answer.status_code == 201
    assert (node["type"], node["name"], node["parentId"]) == ("folder", "Ordner ä", room)
    assert node["parentPath"] == "/Room of folders/"
    assert (node["timestampModification"], node["notes"], node["classification"]) == (TIME, "n", 3)
    assert node["permissions"]["manage"] is True
    assert (node["cntFiles"], node["size"], node["isEncrypted"]) == (0, 0, False)
    assert account.node(node["id"]) == node


def test_a_file(account: Account, room: int) -> None:
    channel = account.channel(room, "report.txt", timestampModification="2021-01-01T00:00:00", size=7)
    url = channel["uploadUrl"]
    account.http.post(url, content=b"content", headers={"content-range": "bytes 0-6/7"})
    node = ok(account.http.put(url, json={"resolutionStrategy": "fail"}))
    assert (node["type"], node["size"], node["hash"]) == ("file", 7, "9a0364b9e99bb480dd25e1f0284c8555")
    assert (node["fileType"], node["mediaType"]) == ("txt", "text/plain")
    assert node["timestampModification"] == "2021-01-01T00:00:00.000Z"
    assert node["referenceId"] == node["id"]
    assert node["virusProtectionInfo"]["verdict"] == "CLEAN"


def test_containers_sum_up(account: Account) -> None:
    room = account.room()
    folder = account.folder(room)
    inner = account.folder(folder)
    account.file(inner, data=b"12345")
    counts = [(node["cntFolders"], node["cntFiles"], node["size"]) for node in map(account.node, (room, folder, inner))]
    assert counts == [(1, 0, 5), (1, 0, 5), (0, 1, 5)]
    assert account.delete(f"/nodes/{inner}").status_code == 204
    assert (account.node(folder)["cntFolders"], account.node(room)["size"]) == (0, 0)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (name, -40755)
        for name in ("a/b", "a\\b", "a:b", "a|b", "a?", "a*", '"', "<", ">", "", " ", ".", "..", "a.", "-a")
    ]
    + [(name, -40755) for name in ("CON", "nul.txt", "com1", "LPT9.tar.gz", "a\x01b", "a\nb")]
    + [("x" * 151, -80007)],
)
def test_refused_names(account: Account, room: int, name: str, code: int) -> None:
    assert refusal(account.post("/nodes/folders", {"parentId": room, "name": name})) == (400, code)
    folder = account.folder(room)
    assert refusal(account.put(f"/nodes/folders/{folder}", {"name": name})) == (400, code)
    assert refusal(account.post("/nodes/files/uploads", {"parentId": room, "name": name})) == (400, code)


@pytest.mark.parametrize("name", ["x" * 150, ".hidden", "~$doc", "CONSOLE", "a b", "日本", "COM10", "a'b&c"])
def test_allowed_names(account: Account, room: int, name: str) -> None:
    assert account.node(account.folder(room, name))["name"] == name


@pytest.mark.parametrize(("taken", "wanted"), [("Name", "name"), ("Ärger", "A\u0308rger"), ("Straße", "STRASSE")])
def test_names_clash_without_case_and_form(calm_sandbox: RunningSandbox, taken: str, wanted: str) -> None:
    account = login(calm_sandbox)
    room = account.room()
    account.folder(room, taken)
    assert refusal(account.post("/nodes/folders", {"parentId": room, "name": wanted})) == (409, -41001)


def test_the_case_rule_can_be_switched(calm_sandbox: RunningSandbox) -> None:
    account = login(calm_sandbox)
    room = account.room()
    account.folder(room, "Ärger")
    calm_sandbox.control.set(case_sensitive_names=True)
    account.folder(room, "ärger")
    assert refusal(account.post("/nodes/folders", {"parentId": room, "name": "A\u0308rger"})) == (409, -41001)


def test_a_conflict_names_the_node(account: Account, room: int) -> None:
    taken = account.folder(room, "Taken")
    answer = account.post("/nodes/folders", {"parentId": room, "name": "Taken"})
    assert answer.json()["errorInfos"]["conflictNodes"][0]["nodeId"] == taken


def test_rename(account: Account, room: int) -> None:
    folder, file = account.folder(room, "before"), account.file(room, "before.txt")
    renamed = ok(account.put(f"/nodes/folders/{folder}", {"name": "after"}))
    assert (renamed["id"], renamed["name"]) == (folder, "after")
    changed = ok(account.put(f"/nodes/files/{file['id']}", {"name": "after.pdf"}))
    assert (changed["id"], changed["mediaType"], changed["hash"]) == (file["id"], "application/pdf", file["hash"])
    assert changed["timestampModification"] == file["timestampModification"]
    assert ok(account.put(f"/nodes/folders/{folder}", {"name": "AFTER"}))["name"] == "AFTER"
    assert refusal(account.put(f"/nodes/folders/{folder}", {"name": "After.pdf"})) == (409, -41001)


def test_set_times(account: Account, room: int) -> None:
    file, folder = account.file(room)["id"], account.folder(room)
    for path in (f"/nodes/files/{file}", f"/nodes/folders/{folder}"):
        changed = ok(account.put(path, {"timestampModification": TIME, "timestampCreation": "1999-01-01T00:00:00Z"}))
        assert changed["timestampModification"] == TIME
        assert changed["timestampCreation"] == "1999-01-01T00:00:00.000Z"


def test_a_folder_does_not_notice_its_children(account: Account, room: int) -> None:
    folder = account.folder(room)
    before = account.node(folder)
    file = account.file(folder)
    account.delete(f"/nodes/{file['id']}")
    after = account.node(folder)
    for member in ("updatedAt", "timestampModification"):
        assert after[member] == before[member]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/nodes/folders", {"name": "x"}, (400, -80005)),
        ("/nodes/folders", {"parentId": 10**9, "name": "x"}, (404, -40000)),
        ("/nodes/folders", {"parentId": 0, "name": "x"}, (400, -80001)),
        ("/nodes/folders", {"parentId": "1", "name": "x"}, (400, -80000)),
        ("/nodes/rooms", {"name": "x"}, (400, -40006)),
        ("/nodes/rooms", {"name": "x", "inheritPermissions": True}, (400, -40017)),
        ("/nodes/rooms", {"name": "x", "adminIds": [10**9]}, (404, -70501)),
        ("/nodes/rooms", {"name": "x", "adminGroupIds": [10**9]}, (404, -30000)),
    ],
)
def test_refused_creations(account: Account, path: str, body: object, expected: tuple[int, int]) -> None:
    assert refusal(account.post(path, body)) == expected


def test_a_file_is_no_container(account: Account, room: int) -> None:
    file = account.file(room)["id"]
    assert refusal(account.post("/nodes/folders", {"parentId": file, "name": "x"})) == (404, -40000)
    assert refusal(account.get("/nodes", parent_id=file)) == (404, -40000)
    assert refusal(account.put(f"/nodes/folders/{file}", {"name": "x"})) == (404, -41000)


def test_metadata_limits(account: Account, room: int) -> None:
    folder = account.folder(room)
    assert refusal(account.put(f"/nodes/folders/{folder}", {"notes": "x" * 256})) == (400, -80007)
    assert refusal(account.put(f"/nodes/folders/{folder}", {"classification": 5})) == (400, -80000)
    assert refusal(account.put(f"/nodes/folders/{folder}", {"timestampModification": "yesterday"})) == (400, -80000)


def test_bulk_change_and_expiry(account: Account, room: int) -> None:
    files = [account.file(room)["id"] for _ in range(2)]
    expiration = {"enableExpiration": True, "expireAt": "2999-01-01T00:00:00Z"}
    body = {"objectIds": files, "classification": 4, "expiration": expiration}
    assert account.put("/nodes/files", body).status_code == 204
    assert [account.node(file)["classification"] for file in files] == [4, 4]
    assert account.node(files[0])["expireAt"] == "2999-01-01T00:00:00.000Z"
    assert refusal(account.put("/nodes/files", {"objectIds": list(range(1, 202))})) == (400, -80063)
    past = {"enableExpiration": True, "expireAt": "1999-01-01T00:00:00Z"}
    assert refusal(account.put(f"/nodes/files/{files[0]}", {"expiration": past})) == (400, -80006)
    assert "expireAt" not in ok(account.put(f"/nodes/files/{files[0]}", {"expiration": {"enableExpiration": False}}))


def test_rooms(account: Account) -> None:
    made = ok(account.post("/nodes/rooms", {"name": "Room with quota", "adminIds": [account.id], "quota": 5000}))
    assert (made["type"], made["parentPath"], made["quota"], made["isBrowsable"]) == ("room", "/", 5000, True)
    assert "parentId" not in made
    inner = ok(account.post("/nodes/rooms", {"name": "Inner", "parentId": made["id"]}))
    assert (inner["parentId"], inner["inheritPermissions"], inner["authParentId"]) == (made["id"], True, made["id"])
    renamed = ok(account.put(f"/nodes/rooms/{inner['id']}", {"name": "Renamed", "timestampModification": TIME}))
    assert (renamed["name"], renamed["timestampModification"]) == ("Renamed", TIME)
    config = ok(account.put(f"/nodes/rooms/{made['id']}/config", {"recycleBinRetentionPeriod": 30}))
    assert config["recycleBinRetentionPeriod"] == 30
    assert account.put(f"/nodes/rooms/{made['id']}/policies", {"defaultExpirationPeriod": 60}).status_code == 204
    assert ok(account.get(f"/nodes/rooms/{made['id']}/policies"))["defaultExpirationPeriod"] == 60
    assert "expireAt" in account.file(made["id"])


def test_only_room_managers_make_top_rooms(sandbox: RunningSandbox) -> None:
    nobody = login(sandbox, roles=())
    assert refusal(nobody.post("/nodes/rooms", {"name": "Mine", "adminIds": [nobody.id]})) == (403, None)


def test_encrypting_a_room(account: Account) -> None:
    room = account.room()
    file = account.file(room)["id"]
    encrypt = {"isEncrypted": True}
    assert refusal(account.put(f"/nodes/rooms/{room}/encrypt", encrypt)) == (400, -40003)
    account.delete(f"/nodes/{file}")
    assert refusal(account.put(f"/nodes/rooms/{room}/encrypt", encrypt)) == (400, -40008)
    account.delete(f"/nodes/{room}/deleted_nodes")
    assert ok(account.put(f"/nodes/rooms/{room}/encrypt", encrypt))["isEncrypted"] is True
    inner = account.room(parent=room)
    assert account.node(inner)["isEncrypted"] is True
    assert refusal(account.put(f"/nodes/rooms/{inner}/encrypt", {"isEncrypted": False})) == (400, -40012)


def test_deleted_rooms_are_gone_for_good(account: Account) -> None:
    room = account.room()
    file = account.file(account.folder(room))["id"]
    binned = account.file(room)["id"]
    account.delete(f"/nodes/{binned}")
    assert account.delete(f"/nodes/{room}").status_code == 204
    assert refusal(account.get(f"/nodes/{file}")) == (404, -41000)
    assert refusal(account.get(f"/nodes/deleted_nodes/{binned}")) == (404, -41100)
