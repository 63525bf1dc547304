"""Without a network the mount is there, with everything that it knew."""

import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import content, names, read_file, write_file
from tests.filesystem.tree import refused
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM, SPACE_LIMIT, new_account
from tests.mount.service import Service
from tests.mount.session import Mount
from tests.mount.shared import mounted
from tests.sandbox.fixture import start_sandbox

pytestmark = [pytest.mark.mount, pytest.mark.semantics("dir-offline")]

LOOKS_AT_SPACE = 100
ROOMS = (PLAIN_ROOM, ENCRYPTED_ROOM)
READ = content(11, 300_000)


@dataclass
class Offline:
    """A mount that was started after its service had gone."""

    mount: Mount
    place: Path
    caller: Caller


@pytest.fixture(scope="module")
def offline(fuse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offline]:
    server = start_sandbox(tmp_path_factory.mktemp("offline") / "data")
    try:
        server.control.set(space_limit=SPACE_LIMIT)
        account = new_account(server)
        with mounted(account) as mount, Caller() as caller:
            place = mount.mountpoint / PLAIN_ROOM
            caller(os.mkdir, place / "known")
            caller(write_file, place / "known/file", b"content")
            for room in ROOMS:
                caller(write_file, mount.mountpoint / room / "read", READ)
            mount.settle()
            for room in ROOMS:
                assert caller(read_file, mount.mountpoint / room / "read") == READ
            with Service(account.url, account.username, account.password) as service:
                service.make_folder(f"/{PLAIN_ROOM}/unknown")
                service.upload(f"/{PLAIN_ROOM}/unknown/file", b"never seen")
            caller(os.statvfs, place)
            mount.call("refresh")
            caller(names, place)
            mount.stop()
            server.stop()
            mount.start()
            yield Offline(mount, place, caller)
    finally:
        server.stop()


def test_known_directories_are_shown(offline: Offline) -> None:
    assert offline.caller(names, offline.place) == ["known", "read", "unknown"]
    assert offline.caller(names, offline.place / "known") == ["file"]
    assert offline.caller(os.stat, offline.place / "known/file").st_size == len(b"content")


def look_at_space(path: Path) -> float:
    """Seconds for the quickest of many looks."""
    found = []
    for _ in range(LOOKS_AT_SPACE):
        start = time.perf_counter()
        os.statvfs(path)
        found.append(time.perf_counter() - start)
    return min(found)


def test_space_is_told_from_memory(offline: Offline) -> None:
    space = offline.caller(os.statvfs, offline.place)
    assert space.f_blocks * space.f_frsize == SPACE_LIMIT
    assert offline.caller(look_at_space, offline.place) < 0.01


def test_what_was_never_listed_is_an_error_and_not_emptiness(offline: Offline) -> None:
    with refused(errno.EIO):
        offline.caller(names, offline.place / "unknown")
    assert "directory 'unknown' was never listed before" in offline.mount.log.read_text()
    assert offline.caller(names, offline.place) == ["known", "read", "unknown"]


@pytest.mark.semantics("read-offline")
@pytest.mark.parametrize("room", ROOMS)
def test_what_was_read_before_is_read_again(offline: Offline, room: str) -> None:
    assert offline.caller(read_file, offline.mount.mountpoint / room / "read") == READ
