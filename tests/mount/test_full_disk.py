"""A disk that is really full: programs are told so, nothing that was closed is lost, and the daemon lives."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import content, names, read_file, write_file
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM
from tests.mount.session import Account, Mount
from tests.mount.shared import new_home

pytestmark = pytest.mark.mount

SIZE = 32 << 20


@contextmanager
def small_disk(home: Path, places: tuple[str, ...]) -> Iterator[Path]:
    """A file system of its own that holds these directories of a home."""
    disk = home / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "none", disk], check=True)
    try:
        for place in places:
            (disk / place).mkdir(mode=0o700)
            (home / place).symlink_to(disk / place)
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


@pytest.fixture
def disk(request: pytest.FixtureRequest, fuse: None) -> Iterator[Path]:
    """The disk; its parent is the home."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    with new_home(None) as home, small_disk(home, request.param) as disk:
        yield disk


def fill(disk: Path) -> None:
    """Other programs of this machine take every byte that is left."""
    with (disk / "something else").open("ab", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017
    assert shutil.disk_usage(disk).free == 0


def write_until_full(place: Path) -> list[str]:
    """The names of the files whose close returned; each is half a MiB of its number."""
    closed: list[str] = []
    for number in range(SIZE >> 19):
        try:
            write_file(place / f"file-{number:03}", content(number, 1 << 19))
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017
            return closed
        closed.append(f"file-{number:03}")
    raise AssertionError("the disk never filled up")


def refused(caller: Caller, place: Path) -> None:
    """Nothing new can be begun, and programs get the reason."""
    with pytest.raises(OSError, match="No space left"):
        caller(write_file, place / "too much", b"x" * 5000)
    with pytest.raises(OSError, match="No space left"):
        caller((place / "no room").mkdir)


def wrong_files(place: Path, closed: list[str]) -> list[str]:
    return [name for name in closed if read_file(place / name) != content(int(name[5:]), 1 << 19)]


@pytest.mark.durability("disk-full", "disk-full-start")
@pytest.mark.parametrize(
    ("disk", "room"), [(("state",), PLAIN_ROOM), (("state", "cache"), ENCRYPTED_ROOM)], indirect=["disk"]
)
def test_nothing_is_lost_on_a_full_disk(disk: Path, account: Account, room: str) -> None:
    mount = Mount(disk.parent, replace(account, settle_s=3600))
    place = mount.mountpoint / room / f"full-{disk.parent.name}"
    try:
        mount.start()
        with Caller() as caller:
            live_through_a_full_disk(mount, caller, place, disk)
    finally:
        mount.destroy()


def live_through_a_full_disk(mount: Mount, caller: Caller, place: Path, disk: Path) -> None:
    caller(place.mkdir)
    mount.settle()
    closed = caller(write_until_full, place)
    assert len(closed) > 10
    fill(disk)
    refused(caller, place)
    assert caller(wrong_files, place, closed[:3]) == []
    for name in closed[:3]:
        caller(os.rename, place / name, place / "for a moment")
        caller(os.rename, place / "for a moment", place / name)
    fill(disk)
    mount.kill()
    mount.start()
    fill(disk)
    refused(caller, place)
    assert caller(wrong_files, place, closed) == []
    mount.settle()
    caller(write_file, place / "room again", b"x" * 5000)
    fill(disk)
    mount.stop()
    mount.start()
    (disk / "something else").unlink()
    mount.fresh_view()
    assert caller(names, place) == [*closed, "room again"]
    assert caller(wrong_files, place, closed) == []
    assert caller(read_file, place / "room again") == b"x" * 5000
