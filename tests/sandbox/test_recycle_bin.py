"""The bin, versions, restoring (DRACOON facts, 14)."""

import pytest

from tests.sandbox.account import FILE_KEY, Account, login, ok, refusal
from tests.sandbox.fixture import RunningSandbox


@pytest.fixture(scope="module")
def account(sandbox: RunningSandbox) -> Account:
    return login(sandbox, key_pair=True)


@pytest.fixture
def room(account: Account) -> int:
    return account.room()


def restore(account: Account, *nodes: int, **more: object) -> object:
    answer = account.post("/nodes/deleted_nodes/actions/restore", {"deletedNodeIds": list(nodes), **more})
    return answer.status_code if answer.is_success else refusal(answer)


def overwrite(account: Account, room: int, count: int) -> list[int]:
    return [account.file(room, "a.txt", b"%d" % n, resolutionStrategy="overwrite")["id"] for n in range(count)]


def test_overwriting_makes_versions(account: Account, room: int) -> None:
    first, second, third = overwrite(account, room, 3)
    node = account.node(third)
    assert (node["referenceId"], node["cntDeletedVersions"], account.names(room)) == (first, 2, ["a.txt"])
    versions = ok(account.get(f"/nodes/files/versions/{first}"))["items"]
    assert [(item["id"], item["deleted"]) for item in versions] == [(third, False), (second, True), (first, True)]
    deleted = ok(account.get(f"/nodes/{room}/deleted_nodes/versions", type="file", name="A.txt"))["items"]
    assert sorted(item["id"] for item in deleted) == [first, second]
    summary = ok(account.get(f"/nodes/{room}/deleted_nodes"))["items"]
    assert [(item["name"], item["cntVersions"], item["lastDeletedNodeId"]) for item in summary] == [
        ("a.txt", 2, second)
    ]
    assert ok(account.get(f"/nodes/deleted_nodes/{first}"))["deletedBy"]["id"] == account.id


def test_restoring_gives_the_old_id_back(account: Account, room: int) -> None:
    first, second = overwrite(account, room, 2)
    assert restore(account, first, resolutionStrategy="fail") == (409, -41001)
    assert restore(account, first, resolutionStrategy="overwrite") == 204
    assert [node["id"] for node in ok(account.get("/nodes", parent_id=room))["items"]] == [first]
    assert account.content(first) == b"0"
    assert ok(account.get(f"/nodes/deleted_nodes/{second}"))["id"] == second
    assert restore(account, second) == 204
    assert account.names(room) == ["a (1).txt", "a.txt"]
    assert account.node(room)["size"] == 2


def test_restoring_a_tree(account: Account, room: int) -> None:
    folder = account.folder(room, "Tree")
    file = account.file(folder, data=b"12345")["id"]
    account.delete(f"/nodes/{folder}")
    items = ok(account.get(f"/nodes/{room}/deleted_nodes"))["items"]
    assert [(item["name"], item["type"]) for item in items] == [("Tree", "folder")]
    assert refusal(account.get(f"/nodes/deleted_nodes/{file}")) == (404, -41100)
    target = account.folder(room)
    assert restore(account, folder, parentId=target) == 204
    assert (account.node(folder)["parentId"], account.node(file)["size"], account.node(target)["size"]) == (
        target,
        5,
        5,
    )


def test_purged_nodes_are_gone(account: Account, room: int) -> None:
    first, second = overwrite(account, room, 2)
    assert account.delete("/nodes/deleted_nodes", {"deletedNodeIds": [first]}).status_code == 204
    assert refusal(account.get(f"/nodes/deleted_nodes/{first}")) == (404, -41100)
    assert restore(account, first) == (404, -41100)
    account.delete(f"/nodes/{second}")
    assert account.delete(f"/nodes/{room}/deleted_nodes").status_code == 204
    assert ok(account.get(f"/nodes/{room}/deleted_nodes"))["items"] == []


def test_deleted_versions_cannot_be_downloaded(account: Account, room: int) -> None:
    first, _ = overwrite(account, room, 2)
    assert refusal(account.post(f"/nodes/files/{first}/downloads")) == (404, -40751)


def test_encrypted_files_stay_in_their_room(account: Account) -> None:
    room, other = account.room(encrypted=True), account.room(encrypted=True)
    file = account.file(room, "a", fileKey=FILE_KEY)["id"]
    account.delete(f"/nodes/{file}")
    assert restore(account, file, parentId=other) == (400, -40013)
    assert restore(account, file) == 204
    assert ok(account.get(f"/nodes/files/{file}/user_file_key")) == FILE_KEY


def test_refused(account: Account, room: int) -> None:
    file = account.file(room)["id"]
    folder = account.folder(room)
    assert restore(account, file) == (404, -41100)
    assert restore(account) == (400, -80005)
    assert refusal(account.get(f"/nodes/{folder}/deleted_nodes")) == (404, -40000)
    account.delete(f"/nodes/{file}")
    assert restore(account, file, parentId=999_999_999) == (404, -41051)
    assert refusal(account.get(f"/nodes/{room}/deleted_nodes/versions", type="file")) == (400, -80005)
    reader = login(account.server)
    account.server.control.set_rights(room, reader.id, ("read",))
    assert refusal(reader.get(f"/nodes/{room}/deleted_nodes")) == (403, None)


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"sort": "name:desc"}, ["B", "a"]),
        ({"filter": "type:eq:folder"}, ["B"]),
        ({"filter": "name:cn:b"}, ["B"]),
        ({"sort": "lastDeletedAt:asc"}, ["a", "B"]),
    ],
)
def test_bin_queries(account: Account, room: int, params: dict[str, str], names: list[str]) -> None:
    for node in (account.file(room, "a")["id"], account.folder(room, "B")):
        account.delete(f"/nodes/{node}")
    items = ok(account.get(f"/nodes/{room}/deleted_nodes", **params))["items"]
    assert [item["name"] for item in items] == names
