"""Delete, move, copy with all conflict rules (DRACOON facts, 10)."""

from typing import Any

import pytest

from tests.sandbox.account import FILE_KEY, Account, login, ok, refusal
from tests.sandbox.fixture import RunningSandbox


@pytest.fixture(scope="module")
def account(sandbox: RunningSandbox) -> Account:
    return login(sandbox, key_pair=True)


@pytest.fixture
def room(account: Account) -> int:
    return account.room()


def transfer(account: Account, verb: str, target: int, *items: dict[str, object], **more: object) -> Any:
    return account.post(f"/nodes/{target}/{verb}_to", {"items": list(items), **more})


def test_delete_is_recursive(account: Account, room: int) -> None:
    folder = account.folder(room)
    file = account.file(folder)["id"]
    assert account.delete(f"/nodes/{folder}").status_code == 204
    assert refusal(account.get(f"/nodes/{file}")) == (404, -41000)
    assert refusal(account.delete(f"/nodes/{folder}")) == (404, -41000)
    assert account.names(room) == []


def test_bulk_delete(account: Account, room: int) -> None:
    files, folder = [account.file(room)["id"] for _ in range(3)], account.folder(room)
    stranger = account.file(folder)["id"]
    assert refusal(account.delete("/nodes", {"nodeIds": [files[0], stranger]})) == (400, -41054)
    assert account.delete("/nodes", {"nodeIds": files}).status_code == 204
    assert refusal(account.delete("/nodes", {"nodeIds": []})) == (400, -80005)
    assert len(account.names(room)) == 1


def test_move_keeps_the_id(account: Account, room: int) -> None:
    source, target = account.folder(room), account.folder(room, "Target")
    file = account.file(source, "a.txt")
    time = "2001-01-01T00:00:00.000Z"
    answer = transfer(account, "move", target, {"id": file["id"], "name": "b.txt", "timestampModification": time})
    assert (answer.status_code, answer.json()["id"], answer.json()["cntFiles"]) == (200, target, 1)
    moved = account.node(file["id"])
    assert (moved["parentId"], moved["name"], moved["timestampModification"]) == (target, "b.txt", time)
    assert moved["parentPath"].endswith("/Target/")
    assert (moved["hash"], moved["referenceId"]) == (file["hash"], file["referenceId"])
    assert (account.node(source)["cntFiles"], account.node(source)["size"]) == (0, 0)


def test_move_a_tree_to_another_room(account: Account, room: int) -> None:
    other = account.room()
    folder = account.folder(room, "Tree")
    file = account.file(account.folder(folder), "leaf.txt", b"12345")["id"]
    assert transfer(account, "move", other, {"id": folder}).status_code == 200
    assert account.node(file)["authParentId"] == other
    assert (account.node(room)["size"], account.node(other)["size"]) == (0, 5)
    account.delete(f"/nodes/{file}")
    assert [item["name"] for item in ok(account.get(f"/nodes/{other}/deleted_nodes"))["items"]] == ["leaf.txt"]


def test_copy_makes_new_ids(account: Account, room: int) -> None:
    folder = account.folder(room, "Original")
    file = account.file(folder, "a.txt", b"bytes")
    answer = transfer(account, "copy", room, {"id": folder, "name": "Copy"}, resolutionStrategy="fail")
    assert (answer.status_code, answer.json()["id"]) == (201, room)
    copy = next(node for node in ok(account.get("/nodes", parent_id=room))["items"] if node["name"] == "Copy")
    inside = ok(account.get("/nodes", parent_id=copy["id"]))["items"][0]
    assert (inside["name"], inside["hash"], inside["size"]) == ("a.txt", file["hash"], 5)
    assert inside["id"] not in {file["id"], folder}
    assert inside["referenceId"] == inside["id"]
    account.delete(f"/nodes/{folder}")
    account.delete(f"/nodes/{room}/deleted_nodes")
    assert account.content(inside["id"]) == b"bytes"


@pytest.mark.parametrize("verb", ["move", "copy"])
def test_strategies(account: Account, room: int, verb: str) -> None:
    source, target = account.folder(room), account.folder(room)
    file, taken = account.file(source, "a.txt", b"new")["id"], account.file(target, "A.TXT", b"old")["id"]
    answer = transfer(account, verb, target, {"id": file}, resolutionStrategy="fail")
    assert refusal(answer) == (409, -41001)
    assert answer.json()["errorInfos"]["conflictNodes"][0]["nodeId"] == taken
    assert transfer(account, verb, target, {"id": file}, resolutionStrategy="overwrite").is_success
    assert account.names(target) == ["a.txt"]
    assert refusal(account.get(f"/nodes/{taken}")) == (404, -41000)
    second = account.file(account.folder(room), "a.txt")["id"]
    assert transfer(account, verb, target, {"id": second}).is_success
    assert account.names(target) == ["a (1).txt", "a.txt"]


def test_overwriting_by_move_keeps_the_moved_id_and_by_copy_the_reference(account: Account, room: int) -> None:
    source, target = account.folder(room), account.folder(room)
    file, taken = account.file(source, "a")["id"], account.file(target, "a")
    assert transfer(account, "copy", target, {"id": file}, resolutionStrategy="overwrite").is_success
    copy = ok(account.get("/nodes", parent_id=target))["items"][0]
    assert (copy["referenceId"], copy["cntDeletedVersions"]) == (taken["referenceId"], 1)
    assert transfer(account, "move", target, {"id": file}, resolutionStrategy="overwrite").is_success
    assert ok(account.get("/nodes", parent_id=target))["items"][0]["id"] == file


def test_containers_are_never_overwritten(account: Account, room: int) -> None:
    source = account.folder(room)
    folder = account.folder(source, "same")
    account.folder(room, "same")
    assert refusal(transfer(account, "move", room, {"id": folder}, resolutionStrategy="overwrite")) == (409, -40010)
    file = account.file(account.folder(room), "same")["id"]
    assert refusal(transfer(account, "move", room, {"id": file}, resolutionStrategy="overwrite")) == (409, -40010)


@pytest.mark.parametrize("verb", ["move", "copy"])
def test_refused_transfers(account: Account, room: int, verb: str) -> None:
    folder, file = account.folder(room), account.file(room)["id"]
    inner, deep = account.folder(folder), account.file(folder)["id"]
    unknown = 999_999_999
    for target, items, expected in [
        (unknown, [{"id": file}], (404, -41051)),
        (folder, [{"id": unknown}], (404, -41050)),
        (file, [{"id": folder}], (400, -41053)),
        (inner, [{"id": folder}], (409, -41304)),
        (folder, [{"id": folder}], (409, -41304)),
        (inner, [{"id": file}, {"id": deep}], (400, -41054)),
        (folder, [{"id": account.room()}], (400, -41052)),
        (folder, [], (400, -80005)),
        (room, [{"id": file}], (400, -41302 if verb == "move" else -41303)),
        (folder, [{"id": file, "name": "a/b"}], (400, -40755)),
    ]:
        assert refusal(transfer(account, verb, target, *items)) == expected
    more: dict[str, object] = {"resolutionStrategy": "fail", "keepShareLinks": True}
    assert refusal(transfer(account, verb, folder, {"id": file}, **more)) == (400, -80034)
    assert refusal(transfer(account, verb, folder, {"id": file}, resolutionStrategy="?")) == (400, -80000)


def test_nothing_happens_if_one_item_fails(account: Account, room: int) -> None:
    target = account.folder(room)
    one, two = account.file(room, "one")["id"], account.file(room, "two")["id"]
    account.file(target, "two")
    answer = transfer(account, "move", target, {"id": one}, {"id": two}, resolutionStrategy="fail")
    assert refusal(answer) == (409, -41001)
    assert account.node(one)["parentId"] == room


def test_the_old_form_of_items(account: Account, room: int) -> None:
    file, folder = account.file(room)["id"], account.folder(room)
    assert account.post(f"/nodes/{folder}/move_to", {"nodeIds": [file]}).status_code == 200
    assert account.node(file)["parentId"] == folder


@pytest.mark.parametrize("verb", ["move", "copy"])
def test_the_encryption_boundary(account: Account, room: int, verb: str) -> None:
    secret = account.room(encrypted=True)
    plain_file = account.file(room)["id"]
    secret_file = account.file(secret, fileKey=FILE_KEY)["id"]
    assert refusal(transfer(account, verb, secret, {"id": plain_file})) == (400, -40002)
    assert refusal(transfer(account, verb, room, {"id": secret_file})) == (400, -40001)
    folder = account.folder(secret)
    assert transfer(account, verb, folder, {"id": secret_file}).is_success
    found = ok(account.get("/nodes", parent_id=folder))["items"][0]["id"]
    assert ok(account.get(f"/nodes/files/{found}/user_file_key")) == FILE_KEY
    account.server.control.drop_key(found, account.id)
    assert refusal(transfer(account, verb, secret, {"id": found})) == (400, -40014)


def test_share_links_follow(account: Account, room: int) -> None:
    target = account.folder(room)
    taken, file = account.file(target, "a")["id"], account.file(room, "a")["id"]
    share = ok(account.post("/shares/downloads", {"nodeId": taken}))["id"]
    more: dict[str, object] = {"resolutionStrategy": "overwrite", "keepShareLinks": True}
    assert transfer(account, "move", target, {"id": file}, **more).is_success
    assert ok(account.get(f"/shares/downloads/{share}"))["nodeId"] == file
    again = account.file(room, "a")["id"]
    assert transfer(account, "move", target, {"id": again}, resolutionStrategy="overwrite").is_success
    assert refusal(account.get(f"/shares/downloads/{share}")) == (404, -50000)
