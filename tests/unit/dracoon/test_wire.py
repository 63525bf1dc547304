import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.crypt.keys import WrappedFileKey
from mountcloud.model.errors import Corrupt, Unavailable
from mountcloud.model.ids import Version
from mountcloud.model.node import Kind, Rights
from mountcloud.providers.dracoon import wire

FILE: dict[str, Any] = {
    "id": 42,
    "referenceId": 7,
    "type": "file",
    "name": "a.txt",
    "parentId": 3,
    "size": 11,
    "isEncrypted": True,
    "branchVersion": 99,
    "hash": "ABCD",
    "updatedAt": "2020-01-01T00:00:00Z",
    "timestampModification": "2021-02-03T04:05:06.789Z",
    "permissions": {"read": True, "create": True, "change": True, "delete": True, "manage": False, "new": True},
    "somethingNew": [{"x": None}],
}
INSIDE = Rights.CREATE_FILES | Rights.CREATE_DIRECTORIES | Rights.MOVE_IN
KEEPER = Rights.RENAME | Rights.SET_TIMES | Rights.DELETE


def remote(**changes: object) -> wire.RemoteNode:
    return wire.remote_node({key: value for key, value in {**FILE, **changes}.items() if value is not ...})


def permitted(*names: str) -> dict[str, bool]:
    return dict.fromkeys(names, True)


def test_a_file_is_known_by_its_reference_and_its_content_by_its_id() -> None:
    node = wire.to_node(remote())
    assert (node.id, node.version, node.parent, node.name) == ("7", "42", "3", "a.txt")
    assert (node.kind, node.size, node.encrypted) == (Kind.FILE, 11, True)
    assert node.mtime_ns == 1_612_325_106_789_000_000
    assert remote().md5 == "abcd"


def test_an_old_service_without_references_is_borne() -> None:
    old = remote(referenceId=...)
    assert (old.node_id, old.version, old.referenced) == ("42", "42", False)


def test_a_directory_has_its_own_id_and_a_version_that_is_no_address() -> None:
    for kind in ("room", "folder"):
        node = wire.to_node(remote(type=kind))
        assert (node.id, node.version, node.kind, node.size) == ("42", "b99", Kind.DIRECTORY, 0)
        assert not wire.is_file_version(node.version)
        assert wire.to_node(remote(type=kind, branchVersion=...)).version == ""
    assert wire.is_file_version(Version("42"))
    assert not wire.is_file_version(Version(""))


def test_absent_fields_have_a_meaning() -> None:
    bare = wire.remote_node({"id": 1, "name": "x", "type": "file"})
    assert (bare.parent_id, bare.size, bare.encrypted, bare.md5, bare.modified_ms) == (0, 0, False, None, 0)
    assert remote(timestampModification=...).modified_ms == 1_577_836_800_000
    assert remote(timestampModification="nonsense").modified_ms == 1_577_836_800_000
    assert remote(parentId=None, size=None, hash=None).parent_id == 0


@pytest.mark.parametrize(
    "source", [None, [], "x", {}, {**FILE, "id": "42"}, {**FILE, "type": "disk"}, {**FILE, "name": ""}]
)
def test_what_is_no_node_is_trouble(source: object) -> None:
    with pytest.raises(Unavailable):
        wire.remote_node(source)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ((), Rights.NONE),
        (("read",), Rights.READ),
        (("create",), Rights.NONE),
        (("delete",), Rights.DELETE),
        (("read", "delete"), Rights.READ | Rights.DELETE | Rights.MOVE),
        (("create", "delete"), Rights.WRITE | Rights.DELETE),
        (("change",), Rights.RENAME | Rights.SET_TIMES),
        (("manage",), Rights.NONE),
    ],
)
def test_rights_of_a_file(held: tuple[str, ...], expected: Rights) -> None:
    assert wire.rights(remote(permissions=permitted(*held))) == expected


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (("read",), Rights.READ),
        (("create",), INSIDE),
        (("read", "delete"), Rights.READ | Rights.DELETE | Rights.MOVE),
        (("change",), Rights.RENAME | Rights.SET_TIMES),
    ],
)
def test_rights_of_a_folder(held: tuple[str, ...], expected: Rights) -> None:
    assert wire.rights(remote(type="folder", permissions=permitted(*held))) == expected


@pytest.mark.parametrize(
    ("held", "parent", "superior", "browsable", "expected"),
    [
        (("read", "create", "change", "delete"), 0, None, True, Rights.READ | INSIDE),
        (("read", "manage"), 0, None, True, Rights.READ | KEEPER),
        (("read", "manage"), 3, None, True, Rights.READ | KEEPER),
        (("read", "manage"), 3, False, True, Rights.READ),
        (("read",), 3, True, True, Rights.READ | KEEPER),
        (("read",), 0, True, True, Rights.READ),
        ((), 0, None, True, Rights.READ),
        ((), 0, None, False, Rights.NONE),
    ],
)
def test_rights_of_a_room(
    held: tuple[str, ...], parent: int, superior: bool | None, browsable: bool, expected: Rights
) -> None:
    room = remote(type="room", parentId=parent, isBrowsable=browsable, permissions=permitted(*held))
    assert wire.rights(room, superior_managed=superior) == expected
    assert Rights.MOVE not in wire.rights(room, superior_managed=superior)


def test_without_a_statement_of_rights_the_service_decides() -> None:
    assert wire.rights(remote(permissions=...)) == Rights.ALL & ~INSIDE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2020-01-01T00:00:00.000Z", 1_577_836_800_000),
        ("2020-01-01T01:00:00Z", 1_577_840_400_000),
        ("2020-01-01T00:00:00.5+01:00", 1_577_833_200_500),
        ("2020-01-01T00:00:00", 1_577_836_800_000),
        ("1969-12-31T23:59:59.999Z", -1),
        ("", None),
        ("yesterday", None),
    ],
)
def test_times_are_read(text: str, expected: int | None) -> None:
    assert wire.parse_time_ms(text) == expected


@given(st.integers(-(2**63), 2**63 - 1))
def test_times_come_back_in_milliseconds(mtime_ns: int) -> None:
    assert wire.parse_time_ms(wire.format_time(mtime_ns)) == mtime_ns // 1_000_000


@pytest.mark.parametrize("mtime_ns", [-(10**30), 10**30])
def test_impossible_times_are_clamped(mtime_ns: int) -> None:
    assert wire.parse_time_ms(wire.format_time(mtime_ns)) is not None


def test_file_keys_go_there_and_back() -> None:
    wrapped = WrappedFileKey(b"k" * 256, b"i" * 12, b"t" * 16, "A")
    assert wire.file_key(wire.file_key_json(wrapped)) == wrapped
    with pytest.raises(Corrupt):
        wire.file_key({"key": "%%%", "iv": "", "tag": "", "version": "A"})


def test_one_unreadable_key_does_not_spoil_the_page() -> None:
    good = {"key": base64.b64encode(b"k").decode(), "iv": "", "tag": "", "version": "A"}
    page = wire.missing_keys(
        {
            "range": {"offset": 0, "limit": 100, "total": 500},
            "items": [{"userId": 1, "fileId": 2}, {"userId": "x"}],
            "users": [{"id": 1, "publicKeyContainer": {"version": "A", "publicKey": "p"}}, {"id": 2}],
            "files": [
                {"id": 2, "fileKeyContainer": good},
                {"id": 3, "fileKeyContainer": {**good, "iv": "%"}},
                {"id": 4},
            ],
        }
    )
    assert page.pairs == ((1, 2),)
    assert [user for user, _ in page.users] == [1]
    assert [file for file, _ in page.files] == [2]
    assert page.more


@pytest.mark.parametrize("date", ["9000-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z"])
def test_a_date_that_another_client_made_up_fits_into_what_holds_nodes(date: str) -> None:
    assert -(2**63) <= wire.to_node(remote(timestampModification=date)).mtime_ns < 2**63
