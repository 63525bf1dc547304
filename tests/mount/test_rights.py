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
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount

READ_ONLY = ("read",)
ALL_BUT_MANAGE = ("read", "create", "change", "delete")
FAKE_KEY = {"version": "A", "key": "A" * 342 + "==", "iv": "A" * 16, "tag": "A" * 22 + "=="}


@dataclass
class Rooms:
    """Rooms of another user, seen through a mount."""

    mount: Mount
    account: Account
    server: RunningSandbox
    colleague: Service

    def add(self, name: str, rights: tuple[str, ...], *, encrypted: bool = False) -> Path:
        """A room with a folder in it, in which the mount's user has these rights."""
        name = f"{name} {time.time_ns()}"
        owner = self.colleague.ask("GET", "/user/account")["id"]
        room = self.server.control.add_room(name, owner, encrypted=encrypted)
        self.server.control.set_rights(room, self.account.user, rights)
        self.colleague.make_folder(f"/{name}/folder")
        return self.mount.mountpoint / name

    def remote(self, place: Path) -> str:
        """The path on the service."""
        return f"/{place.relative_to(self.mount.mountpoint)}"


@pytest.fixture(scope="module")
def rooms(fuse: None, account: Account, server: RunningSandbox, colleague: Service) -> Iterator[Rooms]:
    """A mount for this module."""
    with mounted(account) as mount:
        yield Rooms(mount, account, server, colleague)


@pytest.fixture(scope="module")
def readable(rooms: Rooms) -> Path:
    """A room that may only be read, with a file and a folder."""
    room = rooms.add("Readable", READ_ONLY)
    rooms.colleague.upload(f"{rooms.remote(room)}/file", b"to be read")
    rooms.mount.call("refresh")
    return room


@pytest.fixture
def keyless(rooms: Rooms) -> Path:
    """An encrypted room, with a file for which this user has no key."""
    room = rooms.add("Keyless", ALL_BUT_MANAGE, encrypted=True)
    rooms.colleague.upload(f"{rooms.remote(room)}/file", b"?" * 100, file_key=FAKE_KEY)
    rooms.mount.call("refresh")
    return room


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


@pytest.mark.semantics("attr-rights")
def test_changes_are_refused_without_a_request(caller: Caller, readable: Path, rooms: Rooms) -> None:
    caller(names, readable)
    caller(names, readable / "folder")
    rooms.server.control.forget_requests()
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
    assert changing_requests(rooms.server) == []
    assert caller(names, readable) == ["file", "folder"]


def changing_requests(server: RunningSandbox) -> list[str]:
    """Everything that was asked of the service but looking."""
    return [f"{each['method']} {each['path']}" for each in server.control.requests().items if each["method"] != "GET"]


def test_the_mode_says_what_is_allowed(caller: Caller, readable: Path) -> None:
    assert not caller(os.stat, readable / "file").st_mode & 0o222
    assert not caller(os.stat, readable / "folder").st_mode & 0o222
    assert caller(os.stat, readable / "file").st_mode & stat.S_IRUSR
    assert caller(os.stat, readable / "folder").st_mode & stat.S_IXUSR


@pytest.mark.semantics("remote-nokey")
def test_a_file_without_a_key_is_seen_but_not_read(caller: Caller, keyless: Path) -> None:
    assert caller(names, keyless) == ["file", "folder"]
    assert caller(os.stat, keyless / "file").st_size == 100
    with refused(errno.EACCES):
        caller(read_file, keyless / "file")


def test_a_file_without_a_key_does_not_hinder_its_neighbours(caller: Caller, rooms: Rooms, keyless: Path) -> None:
    caller(write_file, keyless / "mine", b"readable")
    caller(write_file, keyless / "folder/mine", b"readable too")
    rooms.mount.fresh_view()
    assert caller(names, keyless) == ["file", "folder", "mine"]
    assert caller(read_file, keyless / "mine") == b"readable"
    assert caller(read_file, keyless / "folder/mine") == b"readable too"


def test_rights_that_end_take_effect(caller: Caller, rooms: Rooms) -> None:
    room = rooms.add("Revoked", ALL_BUT_MANAGE)
    rooms.mount.call("refresh")
    caller(write_file, room / "file", b"x")
    rooms.mount.settle()
    rooms.server.control.set_rights(rooms.colleague.id(rooms.remote(room)), rooms.account.user, READ_ONLY)
    rooms.colleague.make_folder(f"{rooms.remote(room)}/news")
    rooms.mount.call("refresh")
    assert caller(names, room) == ["file", "folder", "news"]
    with refused(errno.EACCES):
        caller(touch, room / "another")
    assert caller(names, room) == ["file", "folder", "news"]


def test_a_room_that_is_no_longer_shared_goes_away(caller: Caller, rooms: Rooms) -> None:
    room = rooms.add("Ended", ALL_BUT_MANAGE)
    rooms.mount.call("refresh")
    assert caller(names, room) == ["folder"]
    rooms.server.control.end_membership(rooms.colleague.id(rooms.remote(room)), rooms.account.user)
    rooms.mount.call("refresh")
    assert room.name not in caller(names, room.parent)
    with refused(errno.ENOENT, errno.ESTALE):
        caller(names, room)
