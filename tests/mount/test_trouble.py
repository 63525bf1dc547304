"""A service in trouble: the user goes on working, and everything arrives once, as it was written."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import content, make_many, names, read_file, write_file, wrong_ones
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM, new_account
from tests.mount.service import Service
from tests.mount.session import Mount
from tests.mount.shared import mounted
from tests.sandbox.fixture import RunningSandbox, start_sandbox

pytestmark = pytest.mark.mount


@pytest.fixture
def caller() -> Iterator[Caller]:
    """Works in the mount."""
    with Caller() as caller:
        yield caller


@pytest.fixture(params=[pytest.param(PLAIN_ROOM, marks=pytest.mark.slow), ENCRYPTED_ROOM])
def place(request: pytest.FixtureRequest, own_mount: Mount, caller: Caller) -> Path:
    """A new directory in a room."""
    path: Path = own_mount.mountpoint / request.param / f"trouble-{own_mount.pid}"
    caller(path.mkdir)
    caller(write_file, path / "known", content(1, 300_000))
    own_mount.fresh_view()
    return path


@pytest.mark.parametrize("kinds", [("access",), ("access", "refresh")], ids=["access token", "both tokens"])
def test_nobody_notices_that_tokens_expire(
    own_mount: Mount, place: Path, caller: Caller, troubled: RunningSandbox, kinds: tuple[str, ...]
) -> None:
    troubled.control.expire(*kinds)
    for turn in range(3):
        caller(write_file, place / f"turn-{turn}", content(turn, 10_000))
        caller(os.mkdir, place / f"directory-{turn}")
        assert caller(read_file, place / "known") == content(1, 300_000)
    own_mount.fresh_view()
    assert caller(read_file, place / "turn-2") == content(2, 10_000)
    assert len(caller(names, place)) == 7


def test_download_addresses_may_expire_while_a_file_is_read(
    place: Path, own_mount: Mount, caller: Caller, troubled: RunningSandbox
) -> None:
    data = content(3, 40 << 20)
    caller(write_file, place / "large", data)
    own_mount.fresh_view()
    fd = caller(os.open, place / "large", os.O_RDONLY)
    for offset in range(0, len(data), 10 << 20):
        troubled.control.expire("download")
        assert caller(os.pread, fd, 50_000, offset) == data[offset : offset + 50_000]
    caller(os.close, fd)


FAULTS = [
    {"path": "/uploads|/files/uploads", "kind": "status", "status": 503, "count": 6},
    {"path": "/uploads|/files/uploads", "kind": "status", "status": 500, "body": "html", "count": 6},
    {"path": "/uploads|/files/uploads", "kind": "drop", "count": 6},
    {"path": "/uploads|/files/uploads", "method": "PUT", "kind": "lost_reply", "count": 6},
    {"path": "/nodes/folders", "method": "POST", "kind": "lost_reply", "count": 3},
    {"path": "/nodes/(files|folders)/[0-9]", "method": "PUT", "kind": "lost_reply", "count": 3},
    {"path": "/nodes/[0-9]+$", "method": "DELETE", "kind": "lost_reply", "count": 3},
    {"path": "/api", "kind": "status", "status": 429, "headers": {"Retry-After": "1"}, "count": 5},
    {"path": "/api", "kind": "status", "status": 502, "body": "garbage", "count": 20},
]


@pytest.mark.durability("kill-reply")
@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault['kind']} {fault.get('status', '')} {fault['path']}"
)
def test_every_change_arrives_once(
    own_mount: Mount, place: Path, caller: Caller, troubled: RunningSandbox, fault: dict[str, object]
) -> None:
    for name in ("doomed", "old name"):
        caller(write_file, place / name, name.encode())
    own_mount.settle()
    troubled.control.fault(**fault)  # type: ignore[arg-type] # one of the keys is the path
    caller(make_many, place, 5)
    for name in ("one", "two"):
        caller(os.mkdir, place / name)
        caller(write_file, place / name / "inside", content(4, 20_000))
    caller(os.rename, place / "old name", place / "new name")
    caller(os.unlink, place / "doomed")
    caller(write_file, place / "known", b"overwritten")
    own_mount.settle()
    hits = sum(each["hits"] for each in troubled.control.faults())
    assert hits > 0, "the fault was never met"
    troubled.control.clear_faults()
    own_mount.fresh_view()
    made = [f"file-{number:04}" for number in range(5)]
    assert caller(names, place) == [*made, "known", "new name", "one", "two"]
    assert caller(wrong_ones, place, 5) == []
    assert caller(read_file, place / "known") == b"overwritten"
    assert caller(read_file, place / "new name") == b"old name"
    assert [caller(read_file, place / name / "inside") for name in ("one", "two")] == [content(4, 20_000)] * 2


def wrong_offline(place: Path) -> list[str]:
    """Files that are not what a program made of them while the service was away."""
    wanted = {
        "known": content(1, 100_000),
        "victim": content(1, 100_000),
        "saved": content(3, 70_000),
        "directory/new/inside": content(4, 50_000),
        "directory/moved": b"I am file-0000\n",
    }
    return [name for name, data in wanted.items() if (place / name).read_bytes() != data]


@pytest.mark.semantics("close-local")
@pytest.mark.durability("offline")
def test_work_goes_on_while_the_service_is_away(fuse: None, tmp_path: Path, caller: Caller) -> None:
    server = start_sandbox(tmp_path / "data")
    account = replace(new_account(server), general="stop_grace_s = 1")
    port = int(server.base_url.rpartition(":")[2])
    try:
        with mounted(account) as mount:
            place = mount.mountpoint / PLAIN_ROOM
            for name in ("known", "old name", "doomed", "victim", "saved"):
                caller(write_file, place / name, content(1, 100_000))
            caller(os.mkdir, place / "old")
            caller(write_file, place / "old/inside", content(2, 100_000))
            mount.fresh_view()
            assert caller(read_file, place / "known") == content(1, 100_000)
            assert caller(names, place / "old") == ["inside"]
            server.stop()
            caller(os.rename, place / "old name", place / "victim")
            caller(os.rename, place / "old", place / "new")
            caller(os.unlink, place / "doomed")
            caller(write_file, place / "saved.tmp", content(3, 70_000))
            caller(os.rename, place / "saved.tmp", place / "saved")
            caller(make_many, place, 20)
            caller(os.mkdir, place / "directory")
            caller(os.rename, place / "file-0000", place / "directory/moved")
            assert caller(read_file, place / "known") == content(1, 100_000)
            assert caller(names, place / "directory") == ["moved"]
            caller(os.rename, place / "new", place / "directory/new")
            caller(write_file, place / "directory/new/inside", content(4, 50_000))
            mount.stop()
            mount.start()
            assert caller(read_file, place / "file-0019") == b"I am file-0019\n"
            server = start_sandbox(tmp_path / "data", port=port)
            mount.fresh_view()
            assert caller(wrong_offline, place) == []
        with Service(account.url, account.username, account.password) as service:
            found = service.tree(f"/{PLAIN_ROOM}")
        made = [f"file-{n:04}" for n in range(1, 20)]
        below = ["directory", "directory/moved", "directory/new", "directory/new/inside"]
        assert sorted(found) == [*below, *made, "known", "saved", "victim"]
    finally:
        server.stop()
