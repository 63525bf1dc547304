"""Reading on a real mount: little is moved, nothing altered is shown, and nobody waits for longer than he wants."""

import errno
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import content, read_file, write_file
from tests.filesystem.tree import refused
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import AllowedLog, complaints, mounted
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount

MIB = 1 << 20
CELL = 128 * 1024
AT_ONCE_S = 25.0
"""Far less than any time limit of a read, and much for a loaded machine."""

_numbers = count(1)


@dataclass
class Site:
    """A mount, the service behind it, and a second client."""

    mount: Mount
    server: RunningSandbox
    service: Service
    caller: Caller

    def zeros(self, size: int, files: int = 1) -> list[Path]:
        """New files of zeros, which take no room on the server's disk."""
        prefix = f"zeros-{next(_numbers)}-"
        room = self.service.id(f"/{PLAIN_ROOM}")
        self.server.control.populate(room, files, prefix=prefix, size=size)
        self.mount.call("refresh")
        return [self.mount.mountpoint / PLAIN_ROOM / f"{prefix}{number:05d}" for number in range(files)]

    def stored(self, data: bytes, room: str = PLAIN_ROOM) -> Path:
        """A new file that is on the service, and not in any cache."""
        path = self.mount.mountpoint / room / f"file-{next(_numbers)}"
        self.caller(write_file, path, data)
        self.mount.fresh_view()
        return path

    def node(self, path: Path) -> int:
        return self.service.id(f"/{path.relative_to(self.mount.mountpoint)}")

    def cached(self) -> int:
        """Bytes of content that the daemon counts on this machine's disk: some file systems tell blocks late."""
        status = self.mount.call("status")
        assert isinstance(status, dict)
        return int(status["cache_used"])

    def cache_files(self) -> list[bytes]:
        """Everything that stands on this machine's disk and could be had from the service again."""
        return [path.read_bytes() for path in self.mount.paths.cache.rglob("*") if path.is_file()]

    def requests(self) -> tuple[int, int]:
        """Requests for addresses and for content since the last call."""
        seen = self.server.control.requests()
        self.server.control.forget_requests()
        return seen.count("POST", "/downloads"), seen.count("GET", "/downloads")

    def hang(self, path: str = "/downloads/") -> None:
        """No byte of any content comes any more."""
        self.server.control.fault(path, method="GET", kind="delay", seconds=120, count=-1)

    def hits(self) -> int:
        return sum(fault["hits"] for fault in self.server.control.faults())


@pytest.fixture(scope="module")
def reading_mount(fuse: None, account: Account) -> Iterator[Mount]:
    """One mount for all of these tests."""
    with mounted(account) as mount:
        yield mount
        allowed = AllowedLog(["was altered", r" read\(.*(EIO|ESTALE)"])
        found = complaints(mount.log.read_text(), allowed)
        assert not found, "\n".join(found)


@pytest.fixture
def site(reading_mount: Mount, server: RunningSandbox, service: Service) -> Iterator[Site]:
    with Caller() as caller:
        yield Site(reading_mount, server, service, caller)
    server.control.clear_faults()


def pread(path: Path, size: int, offset: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        return os.pread(file.fileno(), size, offset)


def test_the_end_of_a_huge_file_moves_little(site: Site) -> None:
    [path] = site.zeros(10 << 30)
    before = site.cached()
    site.requests()
    assert site.caller(pread, path, 4096, (10 << 30) - 4096) == bytes(4096)
    minted, fetched = site.requests()
    assert (minted, fetched) == (1, 1), "two round trips for the first random read"
    assert site.cached() - before < 4 * MIB


def test_random_reads_are_one_round_trip_each(site: Site) -> None:
    [path] = site.zeros(1 << 30)
    site.caller(pread, path, 4096, 1 << 29)
    before = site.cached()
    site.requests()
    for number in range(20):
        assert site.caller(pread, path, 4096, (number * 37 % 100) * 10 * MIB) == bytes(4096)
    assert site.requests() == (0, 20)
    assert site.cached() - before < 20 * 4 * CELL


def test_the_kernel_keeps_what_it_has_of_an_unchanged_file(site: Site) -> None:
    data = content(4, MIB)
    path = site.stored(data)
    assert site.caller(read_file, path) == data
    assert site.mount.call("evict", path=str(path.relative_to(site.mount.mountpoint)))
    site.requests()
    assert site.caller(read_file, path) == data
    assert site.requests() == (0, 0), "nothing but the kernel had the bytes"


@pytest.mark.semantics("read-interrupt")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stuck_reader_ends_at_once(site: Site, number: signal.Signals) -> None:
    [path] = site.zeros(MIB)
    site.hang()
    reader = subprocess.Popen(["cat", str(path)], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not site.hits():
            assert time.monotonic() < deadline, "the read never reached the service"
            time.sleep(0.02)
        assert reader.poll() is None
        reader.send_signal(number)
        assert reader.wait(AT_ONCE_S) == -number
    finally:
        reader.kill()
        reader.wait()
    site.server.control.clear_faults()
    assert site.caller(read_file, path) == bytes(MIB)


def test_a_stalled_download_goes_on_by_itself(site: Site) -> None:
    data = content(5, 2 * MIB)
    path = site.stored(data)
    site.requests()
    site.server.control.fault("/downloads/", method="GET", kind="slow", after=MIB // 2, seconds=60)
    began = time.monotonic()
    assert site.caller(read_file, path) == data
    assert time.monotonic() - began < 30
    assert site.hits() == 1


@pytest.mark.parametrize("room", [PLAIN_ROOM, ENCRYPTED_ROOM])
@pytest.mark.semantics("read-altered")
def test_altered_content_is_not_shown(site: Site, room: str) -> None:
    """By the MD5 that the service tells of plain files, by the tag of encrypted ones."""
    data = content(7, 3 * MIB)
    path = site.stored(data, room)
    site.server.control.tamper(site.node(path), 2 * MIB + 5)
    site.mount.new_log()
    before = site.cached()
    for _ in range(2):
        with refused(errno.EIO):
            site.caller(read_file, path)
    assert f"{path.name!r} (node" in "".join(complaints(site.mount.new_log(), AllowedLog()))
    status = site.mount.call("status")
    assert isinstance(status, dict)
    assert status["altered"] == [path.name]
    assert site.cached() <= before
    site.mount.call("refresh")  # so that the kernel was told
    with refused(errno.EIO):
        site.caller(pread, path, 10, 0)
    site.server.control.tamper(site.node(path), 2 * MIB + 5)
    site.mount.call("evict", path=str(path.relative_to(site.mount.mountpoint)))
    assert site.caller(read_file, path) == data
    assert site.mount.call("status")["altered"] == []  # type: ignore[index] # a mapping, as seen above


@pytest.mark.semantics("read-altered")
def test_strict_shows_no_byte_of_altered_content(fuse: None, account: Account, site: Site) -> None:
    path = site.stored(content(8, 2 * MIB), ENCRYPTED_ROOM)
    node = site.node(path)
    site.server.control.tamper(node, 2 * MIB - 1)
    with mounted(replace(account, cache='integrity = "strict"')) as mount, refused(errno.EIO):
        site.caller(pread, mount.mountpoint / path.relative_to(site.mount.mountpoint), 1, 0)
    assert len(site.caller(pread, path, 1, 0)) == 1


def test_the_private_key_is_unlocked_before_anybody_reads(fuse: None, account: Account, server: RunningSandbox) -> None:
    """That takes a second, for which the first reader would wait."""
    server.control.forget_requests()
    with mounted(account):
        deadline = time.monotonic() + AT_ONCE_S
        while not server.control.requests().count("GET", "/keypair"):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_what_is_cached_of_an_encrypted_room_is_what_the_service_stores(site: Site) -> None:
    data = b"a sentence that nobody else may read. " * (MIB // 32)
    path = site.stored(data, ENCRYPTED_ROOM)
    stored = site.server.control.stored(site.node(path))
    assert site.caller(read_file, path) == data
    deadline = time.monotonic() + 60
    while not any(stored in kept for kept in site.cache_files()):
        assert time.monotonic() < deadline, "it was not kept as it is stored"
        time.sleep(0.05)
    assert not any(data[:32] in kept for kept in site.cache_files())


@pytest.mark.semantics("read-replaced")
def test_a_file_that_is_replaced_while_it_is_read_is_stale_and_a_new_open_works(site: Site) -> None:
    path = site.stored(content(9, 8 * MIB))
    place = f"/{path.relative_to(site.mount.mountpoint)}"
    fd = site.caller(os.open, path, os.O_RDONLY)
    assert site.caller(os.pread, fd, 4096, 0) == content(9, 8 * MIB)[:4096]
    site.service.upload(place, b"other")
    with refused(errno.ESTALE):
        site.caller(os.pread, fd, 4096, 7 * MIB)
    site.caller(os.close, fd)
    deadline = time.monotonic() + 60
    while site.caller(_read_or_stale, path) != b"other":
        assert time.monotonic() < deadline, "the new content is not seen"
        time.sleep(0.05)


@pytest.mark.semantics("read-pinned")
def test_what_is_pinned_is_here_without_the_service(site: Site) -> None:
    path = site.stored(content(10, 2 * MIB), ENCRYPTED_ROOM)
    done = site.mount.run("pin", str(path))
    assert (done.returncode, done.stdout) == (0, "1 file, 2.0 MiB, is kept here from now on.\n")
    deadline = time.monotonic() + 60
    while (status := site.mount.call("status"))["pinned_missing"] or site.cached() < 2 * MIB:  # type: ignore[index]
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
    assert status["pinned"] == [str(path.relative_to(site.mount.mountpoint))]  # type: ignore[index] # as above
    site.hang()
    assert site.caller(read_file, path) == content(10, 2 * MIB)
    site.server.control.clear_faults()
    assert site.mount.run("evict", str(path)).returncode == 1
    assert site.mount.run("unpin", str(path)).returncode == 0
    assert "2.0 MiB" in site.mount.run("evict", str(path)).stdout


@pytest.mark.parametrize("size", [MIB // 2, pytest.param(8 * MIB, marks=pytest.mark.slow)])
def test_two_hundred_readers_at_once_stay_within_bounds(site: Site, size: int) -> None:
    """Each reads a file of its own from its beginning to its end."""
    paths = site.zeros(size, files=200)
    site.mount.fresh_view()
    assert sum(site.caller(read_side_by_side, paths)) == 200 * size
    status = Path(f"/proc/{site.mount.pid}/status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    assert peak_kib < 300 * 1024


def read_side_by_side(paths: list[Path]) -> list[int]:
    """Bytes of each file, read in as many threads; all are open before the first byte is read."""
    begin, sizes = threading.Barrier(len(paths)), [0] * len(paths)

    def one(number: int) -> None:
        with paths[number].open("rb", buffering=0) as file:
            begin.wait(60)
            while piece := file.read(64 * 1024):
                sizes[number] += len(piece)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(paths))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sizes


def _read_or_stale(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
        return b""
