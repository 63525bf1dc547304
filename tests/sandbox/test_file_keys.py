"""Wrapped file keys and who lacks them (DRACOON facts, 13)."""

import pytest

from tests.sandbox.account import FILE_KEY, PRIVATE, PUBLIC, Account, login, ok, refusal
from tests.sandbox.fixture import RunningSandbox

OLD_KEY = FILE_KEY | {"version": "A"}


@pytest.fixture
def owner(sandbox: RunningSandbox) -> Account:
    return login(sandbox, key_pair=True)


@pytest.fixture
def room(owner: Account) -> int:
    return owner.room(encrypted=True)


def member(owner: Account, room: int, *rights: str, key_pair: bool = True) -> Account:
    other = login(owner.server, key_pair=key_pair)
    owner.server.control.set_rights(room, other.id, rights or ("read",))
    return other


def missing(account: Account, **params: str | int) -> list[tuple[int, int]]:
    return [(item["userId"], item["fileId"]) for item in ok(account.get("/nodes/missingFileKeys", **params))["items"]]


def test_distribution(owner: Account, room: int) -> None:
    other = member(owner, room)
    file = owner.file(room, fileKey=FILE_KEY)["id"]
    assert refusal(other.get(f"/nodes/files/{file}/user_file_key")) == (404, -40761)
    assert other.node(file)["encryptionInfo"]["userKeyState"] == "pending"
    found = ok(owner.get("/nodes/missingFileKeys", file_id=file))
    assert found["items"] == [{"userId": other.id, "fileId": file}]
    assert found["range"]["total"] == 1
    assert [(user["id"], user["publicKeyContainer"]["publicKey"]) for user in found["users"]] == [
        (other.id, PUBLIC["publicKey"])
    ]
    assert found["files"] == [{"id": file, "fileKeyContainer": FILE_KEY}]
    key = FILE_KEY | {"key": "b3RoZXI="}
    item = {"userId": other.id, "fileId": file, "fileKey": key}
    assert owner.post("/nodes/files/keys", {"items": [item]}).status_code == 204
    assert ok(other.get(f"/nodes/files/{file}/user_file_key")) == key
    assert missing(owner) == []
    assert owner.post("/nodes/files/keys", {"items": [item | {"fileKey": FILE_KEY}]}).status_code == 204
    assert ok(other.get(f"/nodes/files/{file}/user_file_key")) == key


def test_only_entitled_members_with_a_key_pair_count(owner: Account, room: int) -> None:
    member(owner, room, key_pair=False)
    member(owner, room, "create")
    file = owner.file(room, fileKey=FILE_KEY)["id"]
    assert missing(owner, file_id=file) == []
    reader = member(owner, room)
    assert missing(owner, file_id=file) == missing(owner, room_id=room) == missing(owner, user_id=reader.id)
    assert missing(owner, file_id=file) == [(reader.id, file)]
    assert missing(reader) == []
    assert missing(owner, room_id=owner.room(encrypted=True)) == []
    assert missing(owner, user_id=owner.id) == []


def test_at_most_100_a_request(owner: Account, room: int) -> None:
    for number in range(101):
        owner.file(room, f"f{number}", b"", fileKey=FILE_KEY)
    member(owner, room)
    found = ok(owner.get("/nodes/missingFileKeys", limit=500))
    assert (len(found["items"]), found["range"]["total"], found["range"]["limit"]) == (100, 101, 100)


def test_versions_of_my_key(owner: Account, room: int) -> None:
    file = owner.file(room, fileKey=FILE_KEY)["id"]
    owner.post("/nodes/files/keys", {"items": [{"userId": owner.id, "fileId": file, "fileKey": OLD_KEY}]})
    for params, key in [({}, FILE_KEY), ({"version": "A"}, OLD_KEY), ({"version": "RSA-4096/AES-256-GCM"}, FILE_KEY)]:
        assert ok(owner.get(f"/nodes/files/{file}/user_file_key", **params)) == key
    assert refusal(owner.get(f"/nodes/files/{file}/user_file_key", version="B")) == (404, -40761)


def test_wrapping_anew_for_a_new_key_pair(sandbox: RunningSandbox) -> None:
    account = login(sandbox)
    old = [container | {"version": "A"} for container in (PRIVATE, PUBLIC)]
    sandbox.control.set_key_pair(account.id, old[0], old[1])
    file = account.file(account.room(encrypted=True), fileKey=OLD_KEY)["id"]
    assert missing(account, use_key="previous_user_key") == []
    sandbox.control.set_key_pair(account.id, PRIVATE, PUBLIC)
    assert missing(account, use_key="previous_user_key") == [(account.id, file)]
    assert missing(account, use_key="room_rescue_key") == []
    account.post("/nodes/files/keys", {"items": [{"userId": account.id, "fileId": file, "fileKey": FILE_KEY}]})
    assert missing(account, use_key="previous_user_key") == []
    assert account.delete("/user/account/keypair", None).status_code == 204
    assert ok(account.get(f"/nodes/files/{file}/user_file_key")) == FILE_KEY


def test_deleting_the_only_key_pair_destroys_files(owner: Account, room: int) -> None:
    other = member(owner, room)
    shared, alone = (owner.file(room, data=b"12345", fileKey=FILE_KEY)["id"] for _ in range(2))
    owner.post("/nodes/files/keys", {"items": [{"userId": other.id, "fileId": shared, "fileKey": FILE_KEY}]})
    assert owner.delete("/user/account/keypair").status_code == 204
    assert refusal(other.get(f"/nodes/{alone}")) == (404, -41000)
    assert other.node(room)["size"] == 5
    assert ok(other.get(f"/nodes/files/{shared}/user_file_key")) == FILE_KEY
    assert refusal(owner.get(f"/nodes/files/{shared}/user_file_key")) == (403, -70020)


def test_refused_keys(owner: Account, room: int) -> None:
    plain_file, file = owner.file(owner.room())["id"], owner.file(room, fileKey=FILE_KEY)["id"]
    writer = member(owner, room, "create")
    for account, item, expected in [
        (owner, {"userId": owner.id, "fileId": 999_999_999, "fileKey": FILE_KEY}, (404, -40751)),
        (owner, {"userId": owner.id, "fileId": room, "fileKey": FILE_KEY}, (404, -40751)),
        (owner, {"userId": owner.id, "fileId": plain_file, "fileKey": FILE_KEY}, (400, -40001)),
        (owner, {"userId": 999_999_999, "fileId": file, "fileKey": FILE_KEY}, (404, -70501)),
        (owner, {"userId": owner.id, "fileId": file}, (400, -80005)),
        (writer, {"userId": owner.id, "fileId": file, "fileKey": FILE_KEY}, (403, None)),
    ]:
        assert refusal(account.post("/nodes/files/keys", {"items": [item]})) == expected
    assert refusal(owner.get(f"/nodes/files/{plain_file}/user_file_key")) == (404, -40761)
