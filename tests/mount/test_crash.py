"""The daemon is killed without warning; whatever a program was told is done stays done."""

import errno
import os
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.random_walk import Step, Walker, snapshot, steps
from tests.filesystem.steps import content, make_many, names, read_file, write_all, write_file, wrong_ones
from tests.filesystem.tree import refused
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM
from tests.mount.session import Mount

pytestmark = pytest.mark.mount


@pytest.fixture(params=[pytest.param(PLAIN_ROOM, marks=pytest.mark.slow), ENCRYPTED_ROOM])
def place(request: pytest.FixtureRequest, own_mount: Mount) -> Path:
    """A new directory in a room of a mount that may be killed."""
    path: Path = own_mount.mountpoint / request.param / f"crash-{own_mount.pid}"
    with Caller() as caller:
        caller(path.mkdir)
    return path


def crash(mount: Mount, caller: Caller, place: Path) -> None:
    """Kill the daemon, see the dead mount, start a new daemon on it."""
    mount.kill()
    with refused(errno.ENOTCONN, errno.ECONNABORTED, errno.EIO):
        caller(os.listdir, place)
    mount.start()


@pytest.mark.semantics("close-kill")
@pytest.mark.durability("kill-closed")
def test_closed_files_arrive_after_a_crash(own_mount: Mount, place: Path) -> None:
    with Caller() as caller:
        caller(make_many, place, 50)
        caller(write_file, place / "large", content(1, 9 << 20))
        crash(own_mount, caller, place)
        assert caller(wrong_ones, place, 50) == []
        own_mount.fresh_view()
        assert caller(wrong_ones, place, 50) == []
        assert caller(read_file, place / "large") == content(1, 9 << 20)
        assert len(caller(names, place)) == 51


def test_crash_upon_crash(own_mount: Mount, place: Path) -> None:
    with Caller() as caller:
        for turn in range(5):
            caller(write_file, place / f"turn-{turn}", content(turn, 1 << 20))
            caller(write_file, place / "each turn", f"turn {turn}".encode())
            crash(own_mount, caller, place)
        own_mount.fresh_view()
        assert caller(names, place) == ["each turn", *(f"turn-{turn}" for turn in range(5))]
        assert [caller(read_file, place / f"turn-{turn}") for turn in range(5)] == [
            content(n, 1 << 20) for n in range(5)
        ]
        assert caller(read_file, place / "each turn") == b"turn 4"


def write_and_sync_without_closing(path: Path, data: bytes) -> int:
    """The descriptor stays open."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    write_all(fd, data)
    os.fsync(fd)
    return fd


@pytest.mark.semantics("fsync-local")
def test_synced_bytes_of_an_open_file_arrive(own_mount: Mount, place: Path) -> None:
    with Caller() as caller, Caller() as writer:
        fd = writer(write_and_sync_without_closing, place / "open", content(4, 100_000))
        crash(own_mount, caller, place)
        with refused(errno.ENOTCONN, errno.ECONNABORTED, errno.EIO):
            writer(os.write, fd, b"too late")
        writer.start(os.close, fd)
        own_mount.fresh_view()
        assert caller(read_file, place / "open") == content(4, 100_000)


def walk(root: Path, seed: int, begin: int, end: int) -> None:
    """Some steps of a walk, all handles closed at its end."""
    walker = Walker(root)
    for step in steps(seed, end)[begin:end]:
        walker.perform(without_handle(step))
    walker.close()


def without_handle(step: Step) -> Step:
    """Handles do not survive a crash, so steps with one list a directory instead."""
    return Step("list") if step.handle else step


@pytest.mark.durability("kill-steps")
@pytest.mark.parametrize("seed", [5, 6])
def test_any_history_survives(own_mount: Mount, place: Path, tmp_path: Path, seed: int) -> None:
    with Caller() as caller:
        for begin in range(0, 240, 60):
            caller(walk, tmp_path, seed, begin, begin + 60)
            caller(walk, place, seed, begin, begin + 60)
            crash(own_mount, caller, place)
            assert caller(snapshot, place) == caller(snapshot, tmp_path), f"after step {begin + 60}"
        own_mount.fresh_view()
        assert caller(snapshot, place) == caller(snapshot, tmp_path)


def test_an_orderly_end_sends_everything_or_keeps_it(own_mount: Mount, place: Path) -> None:
    with Caller() as caller:
        caller(make_many, place, 50)
        own_mount.stop()
        assert caller(os.listdir, own_mount.mountpoint) == []
        own_mount.start()
        own_mount.fresh_view()
        assert caller(wrong_ones, place, 50) == []


@pytest.mark.durability("one-daemon")
def test_a_second_daemon_is_refused(own_mount: Mount, place: Path) -> None:
    with Caller() as caller:
        caller(write_file, place / "file", b"before")
        second = own_mount.run("mount", "test", str(own_mount.mountpoint.with_name("elsewhere")))
        assert second.returncode != 0
        assert "already" in second.stderr
        assert caller(read_file, place / "file") == b"before"
