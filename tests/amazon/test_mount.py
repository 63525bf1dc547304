"""A real mount: what acd_cli's own mount could not do, what other clients do, several places of a node, trouble."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.amazon.account import amazon_account
from tests.amazon.drive import Drive
from tests.amazon.server import AmazonServer, start_amazon
from tests.mount.session import Mount
from tests.mount.shared import AllowedLog, complaints, mounted

pytestmark = pytest.mark.mount
MIB = 1 << 20
SEEN_WITHIN_S = 60.0


@dataclass(frozen=True)
class Rig:
    """A mount, another client of the same customer, and the service."""

    mount: Mount
    drive: Drive
    server: AmazonServer

    @property
    def top(self) -> Path:
        return self.mount.mountpoint

    def stored(self, path: str) -> bytes:
        """What the service has at a path, when nothing is owed to it any more."""
        self.mount.settle()
        return self.drive.read(self.drive.id(f"/{path}"))


@pytest.fixture(scope="module")
def one_rig(fuse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One mount for all tests, which use names of their own."""
    server = start_amazon(tmp_path_factory.mktemp("mounted") / "data")
    customer = server.control.new_customer()
    try:
        with Drive(customer) as drive, mounted(amazon_account(customer)) as mount:
            yield Rig(mount, drive, server)
    finally:
        server.stop()


@pytest.fixture
def allowed() -> AllowedLog:
    return AllowedLog()


@pytest.fixture
def rig(one_rig: Rig, allowed: AllowedLog) -> Iterator[Rig]:
    before = one_rig.server.control.switches()
    one_rig.server.control.forget_requests()
    yield one_rig
    one_rig.server.control.clear_faults()
    one_rig.server.control.set(**before)
    one_rig.mount.settle()
    assert complaints(one_rig.mount.new_log(), allowed) == []


def until(seen: Callable[[], object]) -> None:
    deadline = time.monotonic() + SEEN_WITHIN_S
    while not seen():
        assert time.monotonic() < deadline, "it was never seen"
        time.sleep(0.1)


def heard(rig: Rig) -> None:
    """Return when the mount asked for changes at least once from now on, and took in what it heard."""
    before = rig.server.control.requests().count("POST", "/changes")
    until(lambda: rig.server.control.requests().count("POST", "/changes") > before + 1)


def content(path: Path) -> bytes:
    """What can be read; nothing while the mount has not yet heard that the content is another one."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def run(*words: str | Path) -> None:
    subprocess.run(words, check=True, timeout=60, stdin=subprocess.DEVNULL, capture_output=True)


def test_writing_at_any_offset_works(rig: Rig) -> None:
    """acd_cli: "write at any offset but the running one" was ESPIPE; encfs (#385)."""
    path = rig.top / "random.bin"
    path.write_bytes(bytes(3 * MIB))
    with path.open("r+b") as file:
        for offset, data in ((2 * MIB, b"late"), (5, b"early"), (MIB, b"middle")):
            file.seek(offset)
            file.write(data)
    expected = bytearray(3 * MIB)
    expected[2 * MIB : 2 * MIB + 4], expected[5:10], expected[MIB : MIB + 6] = b"late", b"early", b"middle"
    assert rig.stored("random.bin") == expected


def test_appending_to_a_file_works(rig: Rig) -> None:
    """acd_cli: O_APPEND on an existing file was EFAULT."""
    path = rig.top / "append.txt"
    path.write_bytes(b"one\n")
    rig.mount.settle()
    with path.open("ab") as file:
        file.write(b"two\n")
    assert rig.stored("append.txt") == b"one\ntwo\n"


@pytest.mark.parametrize("size", [0, 3, 10])
def test_truncating_to_any_size_works(rig: Rig, size: int) -> None:
    """acd_cli: truncating to anything but 0 was ENOSYS."""
    path = rig.top / f"truncate-{size}"
    path.write_bytes(b"content")
    rig.mount.settle()
    os.truncate(path, size)
    assert rig.stored(path.name) == b"content"[:size].ljust(size, b"\0")


@pytest.mark.semantics("attr-mtime")
def test_modification_times_are_kept(rig: Rig) -> None:
    """acd_cli #58: the time of a file was that of its upload."""
    path, directory = rig.top / "times" / "f", rig.top / "times"
    directory.mkdir()
    path.write_bytes(b"1")
    os.utime(path, ns=(1, 1_234_567_890_123_456_789))
    os.utime(directory, ns=(1, 1_111_111_111_000_000_001))
    rig.mount.fresh_view()
    assert path.stat().st_mtime_ns == 1_234_567_890_123_456_789
    assert directory.stat().st_mtime_ns == 1_111_111_111_000_000_001
    rig.drive.overwrite(rig.drive.id("/times/f"), b"by somebody without times")
    until(lambda: path.stat().st_size == 25)
    assert abs(path.stat().st_mtime - time.time()) < 3600


def test_rsync_loses_nothing(rig: Rig, tmp_path: Path) -> None:
    """acd_cli #116, #121: a temporary file that is renamed over the old one lost its data."""
    source = tmp_path / "source"
    (source / "d").mkdir(parents=True)
    for name in ("a", "d/b"):
        (source / name).write_bytes(os.urandom(200_000))
    assert shutil.which("rsync")
    run("rsync", "-a", f"{source}/", rig.top / "synced")
    rig.mount.settle()
    before = rig.drive.id("/synced/a")
    (source / "a").write_bytes(os.urandom(200_001))
    run("rsync", "-a", f"{source}/", rig.top / "synced")
    assert rig.stored("synced/a") == (source / "a").read_bytes()
    assert rig.stored("synced/d/b") == (source / "d/b").read_bytes()
    assert (rig.drive.names(rig.drive.id("/synced")), rig.drive.id("/synced/a")) == ({"a", "d"}, before)


def test_growing_files_can_be_read_while_they_grow(rig: Rig) -> None:
    """acd_cli: a file that was being written could not be read; ffmpeg sought back while it wrote (#507)."""
    path = rig.top / "growing.log"
    with path.open("wb", buffering=0) as file:
        for number in range(5):
            file.write(b"%d" % number)
            assert path.read_bytes() == b"01234"[: number + 1]
        file.seek(0)
        file.write(b"x")
    assert rig.stored("growing.log") == b"x1234"


def test_sparse_copies_work(rig: Rig, tmp_path: Path) -> None:
    """acd_cli #498."""
    with (tmp_path / "sparse").open("wb") as file:
        file.seek(2 * MIB)
        file.write(b"end")
    run("cp", "--sparse=always", tmp_path / "sparse", rig.top / "sparse")
    assert rig.stored("sparse") == (tmp_path / "sparse").read_bytes()


def test_a_directory_with_children_stays(rig: Rig) -> None:
    """acd_cli: rmdir put a whole tree into the trash without a word."""
    (rig.top / "full").mkdir()
    (rig.top / "full" / "f").write_bytes(b"1")
    with pytest.raises(OSError, match="not empty"):
        (rig.top / "full").rmdir()
    assert rig.stored("full/f") == b"1"


def test_what_other_clients_do_is_seen(rig: Rig) -> None:
    top, drive = rig.top / "shared", rig.drive
    top.mkdir()
    (top / "f").write_bytes(b"ours")
    rig.mount.settle()
    inode, file, here = (top / "f").stat().st_ino, drive.id("/shared/f"), drive.id("/shared")
    drive.overwrite(file, b"theirs, longer")
    until(lambda: (top / "f").stat().st_size == 14)
    assert (top / "f").read_bytes() == b"theirs, longer"
    drive.rename(file, "g")
    until((top / "g").exists)
    below = drive.mkdir("d", here)
    drive.move(file, here, below)
    until((top / "d" / "g").exists)
    assert ((top / "d" / "g").stat().st_ino, (top / "g").exists()) == (inode, False)
    drive.trash(below)
    until(lambda: list(top.iterdir()) == [])
    drive.ok("POST", f"M:trash/{below}/restore")
    until((top / "d" / "g").exists)
    rig.server.control.call("POST", "/changes/forget")
    drive.put("after a reset", b"1", here)
    until((top / "after a reset").exists)


def test_both_contents_survive_when_two_save_at_once(rig: Rig, allowed: AllowedLog) -> None:
    allowed.allow("conflict")
    (rig.top / "both").mkdir()
    path = rig.top / "both" / "f.txt"
    path.write_bytes(b"first")
    rig.mount.settle()
    with path.open("r+b", buffering=0) as file:
        file.write(b"ours!")
        rig.drive.overwrite(rig.drive.id("/both/f.txt"), b"theirs")
    rig.mount.settle()
    contents = {each["name"]: rig.drive.read(each["id"]) for each in rig.drive.children(rig.drive.id("/both"))}
    assert contents.pop("f.txt") == b"theirs"
    assert list(contents.values()) == [b"ours!"]


def test_several_places_of_a_node_are_shown_without_loops(rig: Rig) -> None:
    drive = rig.drive
    top = drive.mkdir("places")
    one, two = drive.mkdir("one", top), drive.mkdir("two", top)
    inner = drive.mkdir("inner", one)
    file = drive.put("f", b"linked", inner)
    until((rig.top / "places" / "one" / "inner" / "f").exists)
    assert list((rig.top / "places" / "two").iterdir()) == []
    drive.link(inner, two)
    until((rig.top / "places" / "two" / "inner" / "f").exists)
    drive.link(one, inner)
    drive.put("settled", b"", top)
    until((rig.top / "places" / "settled").exists)
    walked = [Path(at, name) for at, folders, files in os.walk(rig.top / "places") for name in folders + files]
    shown = {str(each.relative_to(rig.top / "places")) for each in walked}
    assert {"one/inner/f", "two/inner/f"} <= shown
    assert "one/inner/one" not in shown
    assert len(shown) == len(walked) < 20
    assert len({each.lstat().st_ino for each in walked}) == len(walked)
    (rig.top / "places" / "two" / "inner" / "f").write_bytes(b"new through the second place")
    rig.mount.settle()
    assert drive.read(file) == b"new through the second place"
    until(lambda: content(rig.top / "places" / "one" / "inner" / "f") == b"new through the second place")
    drive.unlink(inner, two)
    until(lambda: not (rig.top / "places" / "two" / "inner").exists())
    assert (rig.top / "places" / "one" / "inner" / "f").exists()


def test_removing_one_of_several_places_leaves_the_other(rig: Rig) -> None:
    drive = rig.drive
    top = drive.mkdir("two places")
    other = drive.mkdir("other", top)
    file = drive.put("f", b"1", top)
    drive.link(file, other)
    until((rig.top / "two places" / "other" / "f").exists)
    (rig.top / "two places" / "other" / "f").unlink()
    rig.mount.settle()
    assert (drive.node(file)["status"], drive.node(file)["parents"]) == ("AVAILABLE", [top])
    (rig.top / "two places" / "f").unlink()
    rig.mount.settle()
    assert drive.node(file)["status"] == "TRASH"


def test_a_node_can_be_moved_by_any_of_its_places(rig: Rig) -> None:
    drive = rig.drive
    top = drive.mkdir("by any place")
    one, two = drive.mkdir("one", top), drive.mkdir("two", top)
    linked = drive.mkdir("linked", one)
    file = drive.put("f", b"1", linked)
    drive.link(linked, two)
    here = rig.top / "by any place"
    until((here / "two" / "linked" / "f").exists)
    until((here / "one" / "linked" / "f").exists)
    (here / "two" / "linked" / "f").rename(here / "moved")
    assert rig.stored("by any place/moved") == b"1"
    assert drive.node(file)["parents"] == [top]
    until(lambda: not (here / "one" / "linked" / "f").exists())
    assert (here / "moved").read_bytes() == b"1"
    (here / "two" / "linked").rename(here / "other")
    rig.mount.settle()
    assert drive.node(linked)["name"] == "other"
    assert set(drive.node(linked)["parents"]) == {one, top}
    until((here / "one" / "other").exists)
    (here / "other" / "new").write_bytes(b"2")
    rig.mount.settle()
    until((here / "one" / "other" / "new").exists)
    assert (here / "one" / "other" / "new").read_bytes() == b"2"


def test_what_was_written_below_a_trashed_folder_is_not_in_the_trash(rig: Rig, allowed: AllowedLog) -> None:
    allowed.allow("gone from the service")
    drive = rig.drive
    (rig.top / "doomed" / "below").mkdir(parents=True)
    (rig.top / "doomed" / "below" / "old").write_bytes(b"old")
    rig.mount.settle()
    with (rig.top / "doomed" / "below" / "new").open("wb", buffering=0) as file:
        file.write(b"precious")
        drive.trash(drive.id("/doomed"))
        heard(rig)
    rig.mount.settle()
    assert rig.stored("doomed/below/new") == b"precious"
    until(lambda: not (rig.top / "doomed" / "below" / "old").exists())
    assert (rig.top / "doomed" / "below" / "new").read_bytes() == b"precious"


def test_listings_that_lag_hide_nothing(rig: Rig) -> None:
    (rig.top / "lagging").mkdir()
    rig.mount.settle()
    here = rig.drive.id("/lagging")
    rig.server.control.set(listing_lag=20.0)
    for name in ("a", "b"):
        (rig.top / "lagging" / name).write_bytes(name.encode())
    rig.mount.settle()
    rig.drive.put("theirs", b"3", here)
    until((rig.top / "lagging" / "theirs").exists)
    rig.mount.call("refresh", path="/lagging")
    (rig.top / "lagging" / "a").unlink()
    rig.mount.settle()
    rig.mount.call("refresh", path="/lagging")
    assert {each.name for each in (rig.top / "lagging").iterdir()} == {"b", "theirs"}


def test_an_upload_that_seemed_to_fail_is_there_once(rig: Rig) -> None:
    rig.server.control.set(stored_but_504=1, stored_after=0.3)
    (rig.top / "late").mkdir()
    (rig.top / "late" / "new").write_bytes(b"1")
    assert rig.stored("late/new") == b"1"
    rig.server.control.set(stored_but_504=1, stored_after=0.3)
    (rig.top / "late" / "new").write_bytes(b"22")
    assert rig.stored("late/new") == b"22"
    requests = rig.server.control.requests()
    assert (requests.count("POST", "/cdproxy/nodes"), requests.count("PUT", "/content")) == (1, 1)
    assert rig.drive.names(rig.drive.id("/late")) == {"new"}


@pytest.mark.semantics("name-case")
def test_a_second_name_in_other_letters_is_refused_here(rig: Rig) -> None:
    (rig.top / "case").mkdir()
    (rig.top / "case" / "Name").write_bytes(b"1")
    rig.mount.settle()
    assert (rig.top / "case" / "nAME").exists() is False
    with pytest.raises(FileExistsError):
        (rig.top / "case" / "nAME").write_bytes(b"2")
    (rig.top / "case" / "Name").rename(rig.top / "case" / "NAME")
    assert rig.stored("case/NAME") == b"1"


def test_renaming_over_and_moving_at_once(rig: Rig) -> None:
    for name in ("from", "to"):
        (rig.top / "moves" / name).mkdir(parents=True)
    (rig.top / "moves/from/a").write_bytes(b"a")
    (rig.top / "moves/from/b").write_bytes(b"in the way of the new name")
    (rig.top / "moves/to/a").write_bytes(b"in the way of the old name")
    rig.mount.settle()
    file = rig.drive.id("/moves/from/a")
    (rig.top / "moves/from/a").rename(rig.top / "moves/to/b")
    assert rig.stored("moves/to/b") == b"a"
    assert rig.drive.id("/moves/to/b") == file
    assert rig.drive.names(rig.drive.id("/moves/from")) == {"b"}
    assert rig.drive.names(rig.drive.id("/moves/to")) == {"a", "b"}


def test_trash_links_and_versions_by_commands(rig: Rig) -> None:
    path = rig.top / "commands.txt"
    path.write_bytes(b"shared")
    rig.mount.settle()
    link = rig.mount.run("share", str(path))
    assert link.returncode == 0, link.stderr
    assert httpx.get(link.stdout.split()[-1]).content == b"shared"
    versions = rig.mount.run("versions", str(path))
    assert versions.returncode != 0
    assert "versions" in versions.stderr
    path.unlink()
    rig.mount.settle()
    listed = json.loads(rig.mount.run("trash", "list", str(rig.top), "--json").stdout)
    [discarded] = [each["id"] for each in listed if each["path"] == "commands.txt"]
    restored = rig.mount.run("trash", "restore", str(rig.top), discarded)
    assert restored.returncode == 0, restored.stderr
    until(path.exists)
    assert path.read_bytes() == b"shared"


def test_tokens_that_end_are_renewed(rig: Rig) -> None:
    (rig.top / "token").write_bytes(os.urandom(MIB))
    rig.mount.settle()
    rig.server.control.call("POST", "/tokens/expire")
    (rig.top / "token").write_bytes(b"after")
    rig.mount.settle()
    fresh = rig.server.control.call("GET", "/switches")
    assert fresh["access_token_lifetime"] == 3600
    assert (rig.top / "token").read_bytes() == b"after"
