"""What is owed meets what another client did meanwhile: nobody's content goes that he had not seen go."""

import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import names, read_file, write_file
from tests.filesystem.tree import refused
from tests.mount.fixture import PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Mount
from tests.mount.shared import AllowedLog, complaints
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount


@dataclass
class Race:
    """A directory with two files and a folder; nothing is sent until ``go``."""

    mount: Mount
    caller: Caller
    service: Service
    allowed: AllowedLog
    path: Path

    @property
    def remote(self) -> str:
        """The directory's path on the service."""
        return f"/{PLAIN_ROOM}/{self.path.name}"

    def go(self, told: str) -> dict[str, bytes]:
        """Send all, look at the service, and tell what both sides show; the log must speak of it."""
        if told:
            self.allowed.allow(told)
        self.mount.call("queue", action="resume")
        self.mount.settle()
        self.mount.call("refresh")
        log = self.mount.new_log()
        assert told in log
        assert complaints(log, self.allowed) == []
        there = {name for name, size in self.service.tree(self.remote).items() if size is not None}
        here = {name: self.caller(read_file, self.path / name) for name in sorted(there)}
        assert {name: self.service.download(f"{self.remote}/{name}") for name in there} == here
        assert {each for each in self.caller(names, self.path) if each != "folder"} == {
            each for each in here if "/" not in each
        }
        return here


@pytest.fixture
def race(own_mount: Mount, service: Service, allowed_log: AllowedLog) -> Iterator[Race]:
    """Both sides know everything when the queue is halted."""
    path = own_mount.mountpoint / PLAIN_ROOM / f"race-{own_mount.pid}"
    with Caller() as caller:
        caller(path.mkdir)
        caller((path / "folder").mkdir)
        for name in ("a", "b"):
            caller(write_file, path / name, name.encode())
        own_mount.fresh_view()
        caller(names, path / "folder")
        assert caller(read_file, path / "a") == b"a"
        own_mount.call("queue", action="pause")
        yield Race(own_mount, caller, service, allowed_log, path)


def test_a_removed_file_that_was_changed_elsewhere_comes_back(race: Race) -> None:
    race.caller(os.unlink, race.path / "a")
    race.service.upload(f"{race.remote}/a", b"theirs")
    assert race.go("is not done") == {"a": b"theirs", "b": b"b"}


@pytest.mark.semantics("dir-rmdir")
def test_a_removed_directory_that_was_filled_elsewhere_comes_back(race: Race) -> None:
    race.caller(os.rmdir, race.path / "folder")
    race.service.upload(f"{race.remote}/folder/c", b"theirs")
    assert race.go("is not done") == {"a": b"a", "b": b"b", "folder/c": b"theirs"}


def test_a_replaced_file_that_was_changed_elsewhere_is_kept(race: Race) -> None:
    race.caller(write_file, race.path / "new", b"mine")
    race.caller(os.rename, race.path / "new", race.path / "a")
    race.service.upload(f"{race.remote}/a", b"theirs")
    found = race.go("changed here and on the service")
    assert found["a"] == b"theirs"
    assert sorted(found.values()) == [b"b", b"mine", b"theirs"]


def test_a_file_moved_over_one_that_was_changed_elsewhere_goes_beside(race: Race) -> None:
    race.caller(os.rename, race.path / "b", race.path / "a")
    race.service.upload(f"{race.remote}/a", b"theirs")
    found = race.go("exists on the service already")
    assert found["a"] == b"theirs"
    assert sorted(found.values()) == [b"b", b"theirs"]


@pytest.mark.semantics("close-rehomed")
def test_a_directory_that_went_elsewhere_is_made_again_for_what_was_written(race: Race) -> None:
    race.caller(write_file, race.path / "folder/mine", b"mine")
    race.service.delete(f"{race.remote}/folder")
    assert race.go("it is made again") == {"a": b"a", "b": b"b", "folder/mine": b"mine"}


@pytest.mark.semantics("attr-quota")
def test_writing_more_than_there_is_room_for_is_refused(
    own_mount: Mount, server: RunningSandbox, allowed_log: AllowedLog
) -> None:
    allowed_log.allow("EDQUOT")
    before = server.control.switches()["space_limit"]
    path = own_mount.mountpoint / PLAIN_ROOM / f"full-{own_mount.pid}"
    with Caller() as caller:
        caller(os.statvfs, own_mount.mountpoint)
        server.control.set(space_limit=0)
        try:
            own_mount.stop()
            own_mount.start()
            own_mount.call("refresh")
            with refused(errno.EDQUOT):
                caller(path.write_bytes, bytes(100_000))
        finally:
            server.control.set(space_limit=before)
        caller(write_soon, path, bytes(100_000))
        own_mount.settle()
        assert path.stat().st_size == 100_000
    assert complaints(own_mount.new_log(), allowed_log) == []


@pytest.mark.semantics("close-recreated")
def test_a_file_that_went_elsewhere_is_made_again_with_what_was_written(race: Race) -> None:
    race.caller(write_file, race.path / "a", b"mine")
    race.service.delete(f"{race.remote}/a")
    assert race.go("") == {"a": b"mine", "b": b"b"}


def write_soon(path: Path, data: bytes) -> None:
    """What the service said of its space is believed for some seconds."""
    deadline = time.monotonic() + 60
    while True:
        try:
            path.write_bytes(data)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
