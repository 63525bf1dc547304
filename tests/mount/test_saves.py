"""Programs save in many ways; the service sees one upload under the final name, and nothing of how it came about."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import names, read_file, write_file
from tests.mount.fixture import PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Mount
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount
OLD, NEW = b"what was there before", b"what was saved just now"
NAME = "report.odt"


def in_place(file: Path) -> None:
    """As ``cp`` onto it, and most simple programs."""
    file.write_bytes(NEW)


def beside_and_over(file: Path) -> None:
    """As gedit and all that use GLib; rsync does the same with another name."""
    beside = file.with_name(".goutputstream-A1B2C3")
    write_synced(beside, NEW)
    beside.rename(file)


def rsync(file: Path) -> None:
    """The time is set before the name."""
    beside = file.with_name(f".{file.name}.a8Xk2Q")
    write_synced(beside, NEW)
    os.utime(beside, ns=(1_600_000_000_000_000_000,) * 2)
    beside.rename(file)


def vim(file: Path) -> None:
    """A swap file; a try whether files may be made; the old one aside, the new one written, the old one removed."""
    swap = file.with_name(f".{file.name}.swp")
    swap.write_bytes(b"swap")
    probe = file.with_name("4913")
    probe.touch()
    probe.unlink()
    aside = file.with_name(f"{file.name}~")
    file.rename(aside)
    write_synced(file, NEW)
    aside.unlink()
    swap.unlink()


def office(file: Path) -> None:
    """A lock while it is open, and a temporary file that takes the document's place."""
    lock = file.with_name(f".~lock.{file.name}#")
    lock.write_bytes(b",me,host,1.1.2026;")
    temporary = file.with_name("lu12345abc.tmp")
    write_synced(temporary, NEW)
    temporary.rename(file)
    lock.unlink()


def five_times(file: Path) -> None:
    """A user who presses Ctrl-S all the time."""
    for number in range(4):
        file.write_bytes(b"save %d" % number)
        time.sleep(0.2)
    file.write_bytes(NEW)


def write_synced(file: Path, data: bytes) -> None:
    """As careful programs do."""
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(fd, data)
    os.fsync(fd)
    os.close(fd)


@pytest.fixture
def caller() -> Iterator[Caller]:
    """Works in the mount."""
    with Caller() as caller:
        yield caller


WAYS: list[Callable[[Path], None]] = [in_place, beside_and_over, rsync, vim, office, five_times]


@pytest.mark.semantics("close-one-upload", "close-settle", "name-local-only")
@pytest.mark.parametrize("save", WAYS, ids=lambda way: way.__name__)
def test_a_save_is_one_upload(
    own_mount: Mount, caller: Caller, service: Service, server: RunningSandbox, save: Callable[[Path], None]
) -> None:
    place = own_mount.mountpoint / PLAIN_ROOM / f"saves-{own_mount.pid}"
    remote = f"/{PLAIN_ROOM}/{place.name}"
    caller(place.mkdir)
    caller(write_file, place / NAME, OLD)
    own_mount.settle()
    before = found(service, remote)
    server.control.forget_requests()
    caller(save, place / NAME)
    own_mount.settle()
    requests = server.control.requests()
    after = found(service, remote)
    assert requests.counts.get("POST /api/v4/nodes/files/uploads") == 1, requests.counts
    assert [key for key in requests.counts if key.startswith("DELETE") or "move_to" in key] == []
    assert service.tree(remote) == {NAME: len(NEW)}
    assert service.download(f"{remote}/{NAME}") == NEW
    assert after["referenceId"] == before["referenceId"]
    assert caller(names, place) == [NAME]


def found(service: Service, remote: str) -> dict[str, Any]:
    """The file as the service has it."""
    node = service.find(f"{remote}/{NAME}")
    assert node is not None
    return node


@pytest.mark.semantics("name-local-only")
def test_what_programs_make_for_themselves_stays_here_over_a_restart(
    own_mount: Mount, caller: Caller, service: Service
) -> None:
    place = own_mount.mountpoint / PLAIN_ROOM / f"local-{own_mount.pid}"
    remote = f"/{PLAIN_ROOM}/{place.name}"
    caller(place.mkdir)
    caller(write_file, place / ".~lock.a.odt#", b"me")
    caller(write_file, place / "film.mkv.part", b"half")
    caller((place / ".Trash-1000").mkdir)
    caller(write_file, place / ".Trash-1000/a", b"old")
    own_mount.fresh_view()
    assert service.tree(remote) == {}
    assert caller(names, place) == [".Trash-1000", ".~lock.a.odt#", "film.mkv.part"]
    assert caller(read_file, place / ".Trash-1000/a") == b"old"
    assert own_mount.call("status")["owed"] == 0  # type: ignore[index] # JSON
    caller(os.rename, place / "film.mkv.part", place / "film.mkv")
    own_mount.settle()
    assert service.tree(remote) == {"film.mkv": 4}
