"""What this user may not do is refused here, at once and without asking; what may be done shows in the mode."""

import errno
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import names, read_file, write_file
from tests.filesystem.tree import refused
from tests.mount.fixture import ENCRYPTED_ROOM
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.mount

READ_ONLY = {"read": True}
ALL_BUT_MANAGE = {"read": True, "create": True, "change": True, "delete": True}
FAKE_KEY = {"version": "RSA-4096/AES-256-GCM", "key": "A" * 684, "iv": "A" * 16, "tag": "A" * 22 + "=="}


def room_for(owner: Service, member: Service, name: str, permissions: dict[str, bool]) -> str:
    """A room with a folder in it, in which ``member`` has these permissions."""
    ids = [each.ask("GET", "/user/account")["id"] for each in (owner, member)]
    room = {"name": name, "inheritPermissions": False, "adminIds": ids[:1]}
    node = owner.ask("POST", "/nodes/rooms", json=room)["id"]
    set_rights(owner, node, ids[1], permissions)
    owner.make_folder(f"/{name}/folder")
    return name


def set_rights(owner: Service, room: int, user: int, permissions: dict[str, bool]) -> None:
    """DRACOON facts, 9 and 18."""
    owner.ask("PUT", f"/nodes/rooms/{room}/users", json={"items": [{"id": user, "permissions": permissions}]})


@dataclass
class Rooms:
    """A mount, a room that may only be read, and a folder with a file for which this user has no key."""

    mount: Mount
    readable: Path
    keyless: Path


@pytest.fixture(scope="module")
def rooms(
    fuse: None, account: Account, service: Service, administrator: Service, colleague: Service
) -> Iterator[Rooms]:
    """Everything is there before the mount begins."""
    readable = room_for(administrator, service, f"Readable {time.time_ns()}", READ_ONLY)
    administrator.upload(f"/{readable}/file", b"to be read")
    keyless = f"{ENCRYPTED_ROOM}/keyless {time.time_ns()}"
    colleague.make_folder(f"/{keyless}")
    colleague.upload(f"/{keyless}/file", b"?" * 100, file_key=FAKE_KEY)
    with mounted(account) as mount:
        yield Rooms(mount, mount.mountpoint / readable, mount.mountpoint / keyless)


@pytest.fixture
def readable(rooms: Rooms) -> Path:
    """The room that may only be read."""
    return rooms.readable


@pytest.fixture
def caller() -> Iterator[Caller]:
    """Works in the mount."""
    with Caller() as caller:
        yield caller


def touch(path: Path) -> None:
    """Make a file or renew its time."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))


def test_reading_works(caller: Caller, readable: Path) -> None:
    assert caller(names, readable) == ["file", "folder"]
    assert caller(read_file, readable / "file") == b"to be read"


def test_changes_are_refused_without_a_request(caller: Caller, readable: Path, sandbox: Sandbox) -> None:
    caller(names, readable)
    caller(names, readable / "folder")
    sandbox.control.clear_requests()
    with refused(errno.EACCES):
        caller(touch, readable / "new")
    with refused(errno.EACCES):
        caller(os.mkdir, readable / "new")
    with refused(errno.EACCES):
        caller(os.unlink, readable / "file")
    with refused(errno.EACCES):
        caller(os.rmdir, readable / "folder")
    with refused(errno.EACCES):
        caller(os.rename, readable / "file", readable / "renamed")
    with refused(errno.EACCES):
        caller(os.rename, readable / "file", readable / "folder/file")
    with refused(errno.EACCES):
        caller(write_file, readable / "file", b"changed")
    with refused(errno.EACCES):
        caller(os.truncate, readable / "file", 0)
    with refused(errno.EACCES, errno.EPERM):
        caller(os.utime, readable / "file", (0, 0))
    assert changing_requests(sandbox) == []
    assert caller(names, readable) == ["file", "folder"]


def changing_requests(sandbox: Sandbox) -> list[str]:
    """Everything that was asked of the service but looking."""
    return [f"{each.method} {each.path}" for each in sandbox.control.requests() if each.method != "GET"]


def test_the_mode_says_what_is_allowed(caller: Caller, readable: Path) -> None:
    assert not caller(os.stat, readable / "file").st_mode & 0o222
    assert not caller(os.stat, readable / "folder").st_mode & 0o222
    assert caller(os.stat, readable / "file").st_mode & stat.S_IRUSR
    assert caller(os.stat, readable / "folder").st_mode & stat.S_IXUSR


def test_a_file_without_a_key_is_seen_but_not_read(caller: Caller, rooms: Rooms) -> None:
    assert caller(names, rooms.keyless)[0] == "file"
    assert caller(os.stat, rooms.keyless / "file").st_size == 100
    with refused(errno.EACCES):
        caller(read_file, rooms.keyless / "file")


def test_a_file_without_a_key_does_not_hinder_its_neighbours(caller: Caller, rooms: Rooms) -> None:
    caller(write_file, rooms.keyless / "mine", b"readable")
    rooms.mount.fresh_view()
    assert caller(read_file, rooms.keyless / "mine") == b"readable"
    assert caller(names, rooms.keyless) == ["file", "mine"]


def test_rights_that_end_take_effect(caller: Caller, service: Service, administrator: Service, rooms: Rooms) -> None:
    name = room_for(administrator, service, f"Revoked {time.time_ns()}", ALL_BUT_MANAGE)
    rooms.mount.call("refresh")
    room = rooms.mount.mountpoint / name
    caller(write_file, room / "file", b"x")
    rooms.mount.settle()
    me = service.ask("GET", "/user/account")["id"]
    set_rights(administrator, administrator.id(f"/{name}"), me, READ_ONLY)
    administrator.make_folder(f"/{name}/news")
    rooms.mount.call("refresh")
    assert caller(names, room) == ["file", "folder", "news"]
    with refused(errno.EACCES):
        caller(touch, room / "another")
