"""List, look up, search: paging, filters, order (DRACOON facts, 2, 8)."""

import pytest

from tests.sandbox.account import Account, login, ok, refusal
from tests.sandbox.fixture import RunningSandbox


@pytest.fixture(scope="module")
def account(sandbox: RunningSandbox) -> Account:
    return login(sandbox)


@pytest.fixture(scope="module")
def room(account: Account) -> int:
    """Room ``Shelf``: room ``R``, folders ``b`` and ``C``, files of several sizes; ``b`` holds ``deep/deepest.txt``."""
    room = account.room(name="Shelf")
    account.room(parent=room, name="R")
    deep = account.folder(account.folder(room, "b"), "deep")
    account.folder(room, "C")
    account.file(deep, "deepest.txt", b"12")
    for name, data in (("a.txt", b"1"), ("D.pdf", b"123"), ("e_%.txt", b"")):
        account.file(room, name, data)
    return room


def test_types_come_first_then_the_name_without_case(account: Account, room: int) -> None:
    assert account.names(room) == ["R", "b", "C", "a.txt", "D.pdf", "e_%.txt"]


@pytest.mark.parametrize(
    ("sort", "files"),
    [
        ("name:desc", ["e_%.txt", "D.pdf", "a.txt"]),
        ("size:desc", ["D.pdf", "a.txt", "e_%.txt"]),
        ("fileType:asc|size:desc", ["D.pdf", "a.txt", "e_%.txt"]),
        ("createdAt:asc", ["a.txt", "D.pdf", "e_%.txt"]),
        ("timestampModification:desc", ["e_%.txt", "D.pdf", "a.txt"]),
        ("cntDeletedVersions:asc|name:asc", ["a.txt", "D.pdf", "e_%.txt"]),
    ],
)
def test_sort(account: Account, room: int, sort: str, files: list[str]) -> None:
    assert account.names(room, sort=sort, filter="type:eq:file") == files


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ("type:eq:room", ["R"]),
        ("type:eq:room:folder", ["R", "b", "C"]),
        ("name:cn:.TXT", ["a.txt", "e_%.txt"]),
        ("name:eq:A.txt", ["a.txt"]),
        ("name:cn:_%", ["e_%.txt"]),
        ("type:eq:file|name:cn:d", ["D.pdf"]),
        ("encrypted:eq:true", []),
        ("perm:eq:delete|type:eq:room", ["R"]),
        ("branchVersion:le:0", []),
        ("branchVersion:ge:1|type:eq:room", ["R"]),
        ("timestampModification:ge:2999-01-01T00:00:00.000", []),
        ("timestampModification:le:2999-01-01|type:eq:folder", ["b", "C"]),
    ],
)
def test_filter(account: Account, room: int, filters: str, names: list[str]) -> None:
    assert account.names(room, filter=filters) == names


@pytest.mark.parametrize(
    "params",
    [
        {"filter": "color:eq:red"},
        {"filter": "type:cn:file"},
        {"filter": "type"},
        {"filter": "perm:eq:fly"},
        {"filter": "branchVersion:ge:x"},
        {"sort": "color:asc"},
        {"sort": "name:up"},
    ],
)
def test_refused_queries(account: Account, room: int, params: dict[str, str]) -> None:
    assert refusal(account.get("/nodes", parent_id=room, **params))[0] == 400


def test_paging(account: Account, room: int) -> None:
    seen = []
    for offset in range(0, 6, 2):
        page = ok(account.get("/nodes", parent_id=room, offset=offset, limit=2))
        assert page["range"] == {"offset": offset, "limit": 2, "total": 6}
        seen += [node["name"] for node in page["items"]]
    assert seen == account.names(room)
    assert ok(account.get("/nodes", parent_id=room, offset=6, limit=2))["items"] == []


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 501}, {"offset": -1}, {"limit": -5}])
def test_pages_out_of_range(account: Account, room: int, params: dict[str, int]) -> None:
    assert refusal(account.get("/nodes", parent_id=room, **params)) == (400, -80024)


def test_many_nodes_come_in_pages_of_500(account: Account) -> None:
    room = account.room()
    account.server.control.populate(room, 1200)
    pages = [ok(account.get("/nodes", parent_id=room, offset=offset, limit=500)) for offset in (0, 500, 1000)]
    assert [len(page["items"]) for page in pages] == [500, 500, 200]
    assert len({node["id"] for page in pages for node in page["items"]}) == 1200


def test_the_root_holds_my_rooms(account: Account, room: int) -> None:
    nodes = ok(account.get("/nodes", parent_id=0))["items"]
    assert room in {node["id"] for node in nodes}
    assert {node["type"] for node in nodes} == {"room"}


def test_get_and_parents(account: Account, room: int) -> None:
    deep = ok(account.get("/nodes/search", search_string="deepest.txt", parent_id=room, depth_level=-1))["items"][0]
    assert deep["parentPath"] == "/Shelf/b/deep/"
    items = ok(account.get(f"/nodes/{deep['id']}/parents"))["items"]
    assert [(item["name"], item["type"]) for item in items] == [("Shelf", "room"), ("b", "folder"), ("deep", "folder")]
    assert refusal(account.get("/nodes/0")) == (400, -80001)
    assert refusal(account.get("/nodes/999999999")) == (404, -41000)
    assert refusal(account.get("/nodes", parent_id=999999999)) == (404, -40000)


@pytest.mark.parametrize(
    ("text", "more", "names"),
    [
        ("*", {"depth_level": 0}, ["a.txt", "b", "C", "D.pdf", "e_%.txt", "R"]),
        ("*.TXT", {"depth_level": 0}, ["a.txt", "e_%.txt"]),
        ("*.txt", {"depth_level": -1}, ["a.txt", "deepest.txt", "e_%.txt"]),
        ("deep*", {"depth_level": 1}, ["deep"]),
        ("deep*", {"depth_level": 2}, ["deep", "deepest.txt"]),
        ("*", {"depth_level": -1, "filter": "type:eq:file|size:ge:2"}, ["D.pdf", "deepest.txt"]),
        ("deepest.txt", {"depth_level": -1, "filter": "parentPath:eq:/Shelf/b/deep/"}, ["deepest.txt"]),
        ("*", {"depth_level": -1, "filter": "parentPath:cn:deep"}, ["deepest.txt"]),
        ("*", {"depth_level": -1, "filter": "fileType:eq:PDF"}, ["D.pdf"]),
        ("_%", {"depth_level": -1}, []),
        ("_.txt", {"depth_level": -1}, []),
        ("*_%*", {"depth_level": -1}, ["e_%.txt"]),
        ("*", {"depth_level": -1, "filter": "isFavorite:eq:true"}, []),
    ],
)
def test_search(account: Account, room: int, text: str, more: dict[str, str | int], names: list[str]) -> None:
    found = ok(account.get("/nodes/search", search_string=text, parent_id=room, **more))["items"]
    assert [node["name"] for node in found] == names


def test_search_from_the_root_by_path(account: Account, room: int) -> None:
    params = {"search_string": "deepest.txt", "filter": "parentPath:eq:/Shelf/b/deep/"}
    found = ok(account.get("/nodes/search", depth_level=-1, **params))["items"]
    assert [node["name"] for node in found] == ["deepest.txt"]
    assert ok(account.get("/nodes/search", depth_level=2, **params))["items"] == []
    assert refusal(account.get("/nodes/search")) == (400, -80005)


def test_others_find_nothing(sandbox: RunningSandbox, account: Account, room: int) -> None:
    other = login(sandbox)
    assert room not in {node["id"] for node in ok(other.get("/nodes"))["items"]}
    assert ok(other.get("/nodes/search", search_string="deepest.txt", depth_level=-1))["items"] == []
    assert refusal(other.get("/nodes", parent_id=room)) == (403, None)
    assert refusal(other.get(f"/nodes/{room}")) == (403, None)
    everything = ok(other.get("/nodes", room_manager="true"))["items"]
    assert next(node for node in everything if node["id"] == room)["isBrowsable"] is False
