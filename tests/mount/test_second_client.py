"""What another client does on the service appears in the mount, and nobody's work is lost."""

import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.filesystem.steps import content, names, read_file, write_file
from tests.filesystem.tree import Tree, refused
from tests.mount.fixture import PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Account
from tests.mount.shared import AllowedLog, TreeMaker

pytestmark = pytest.mark.mount

LATEST_S = 30.0
"""How much longer than the poll interval a change may take to be seen: on a busy machine all takes its time."""


@dataclass
class Both:
    """A directory seen from both sides, with a file, a folder and a file in that."""

    tree: Tree
    service: Service
    within_s: float

    @property
    def remote(self) -> str:
        """The directory's path on the service."""
        return f"/{PLAIN_ROOM}/{self.tree.path.name}"

    def soon(self, expected: object, look: Callable[[Path], object], name: str = "") -> None:
        """What ``look`` sees must become this in time."""
        deadline = time.monotonic() + self.within_s
        while (seen := self.tree.do(_quietly, look, self.tree.path / name)) != expected:
            assert time.monotonic() < deadline, f"after {self.within_s} s still {seen!r}, not {expected!r}"
            time.sleep(0.05)


def _quietly(look: Callable[[Path], object], path: Path) -> object:
    try:
        return look(path)
    except FileNotFoundError:
        return "absent"


@pytest.fixture
def both(mounted_trees: TreeMaker, service: Service, account: Account) -> Both:
    """Everything is listed, read and so cached before the other client begins."""
    tree = mounted_trees("mount-plain")
    tree.do(write_file, tree.path / "file", b"first")
    tree.do(os.mkdir, tree.path / "folder")
    tree.do(write_file, tree.path / "folder/below", b"below")
    tree.settle()
    tree.run("ls", "-lR", tree.path)
    tree.run("cat", tree.path / "file")
    return Both(tree, service, account.poll_interval_s + LATEST_S)


@pytest.mark.semantics("remote-seen")
def test_a_new_file_appears(both: Both) -> None:
    both.service.upload(f"{both.remote}/folder/new", b"from elsewhere")
    both.soon(b"from elsewhere", read_file, "folder/new")
    both.soon(["below", "new"], names, "folder")


def test_a_name_that_was_looked_up_in_vain_appears(both: Both) -> None:
    with refused(errno.ENOENT):
        both.tree.do(os.stat, both.tree.path / "awaited")
    both.service.upload(f"{both.remote}/awaited", b"here")
    both.soon(b"here", read_file, "awaited")


def test_a_new_folder_with_a_file_appears(both: Both) -> None:
    both.service.make_folder(f"{both.remote}/added")
    both.service.upload(f"{both.remote}/added/inside", b"inside")
    both.soon(["added", "file", "folder"], names)
    both.soon(b"inside", read_file, "added/inside")


@pytest.mark.semantics("remote-seen")
@pytest.mark.parametrize("size", [0, 3, 200_000])
def test_new_content_appears(both: Both, size: int) -> None:
    data = content(11, size)
    both.service.upload(f"{both.remote}/file", data)
    both.soon(data, read_file, "file")
    assert both.tree.do(os.stat, both.tree.path / "file").st_size == size


def test_new_content_of_the_same_size_appears(both: Both) -> None:
    both.service.upload(f"{both.remote}/file", b"SECON")
    both.soon(b"SECON", read_file, "file")


def test_a_working_directory_stays_one_while_it_changes(both: Both) -> None:
    place, other = both.tree.path / "folder", both.tree.caller()
    other(os.chdir, place)
    both.service.upload(f"{both.remote}/folder/new", b"from elsewhere")
    both.service.make_folder(f"{both.remote}/folder/deeper")
    both.soon(["below", "deeper", "new"], names, "folder")
    assert other(os.getcwd) == str(place)
    assert other(names, Path()) == ["below", "deeper", "new"]
    other(os.chdir, "/")


@pytest.mark.semantics("remote-seen")
def test_new_names_appear(both: Both) -> None:
    both.service.rename(f"{both.remote}/file", "renamed file")
    both.service.rename(f"{both.remote}/folder", "renamed folder")
    both.soon(["renamed file", "renamed folder"], names)
    both.soon(b"below", read_file, "renamed folder/below")
    both.soon("absent", read_file, "file")


@pytest.mark.semantics("remote-seen")
def test_moves_appear(both: Both) -> None:
    both.service.make_folder(f"{both.remote}/target")
    both.service.move(f"{both.remote}/file", f"{both.remote}/target")
    both.service.move(f"{both.remote}/folder", f"{both.remote}/target")
    both.soon(["target"], names)
    both.soon(["file", "folder"], names, "target")
    both.soon(b"below", read_file, "target/folder/below")


@pytest.mark.semantics("remote-seen")
def test_removals_appear(both: Both) -> None:
    both.service.delete(f"{both.remote}/file")
    both.service.delete(f"{both.remote}/folder")
    both.soon([], names)
    both.soon("absent", read_file, "folder/below")


def test_refresh_shows_it_without_waiting(both: Both) -> None:
    both.service.upload(f"{both.remote}/file", b"new")
    refresh(both.tree)
    assert both.tree.do(read_file, both.tree.path / "file") == b"new"


def refresh(tree: Tree) -> None:
    """Ask the daemon to look now, as ``mountcloud refresh`` does."""
    tree.backing.call("refresh")  # type: ignore[attr-defined]


@pytest.mark.semantics("remote-handle")
def test_an_open_reader_never_mixes_two_versions(both: Both, allowed_log: AllowedLog) -> None:
    allowed_log.allow("ESTALE")
    old, new = content(1, 6 << 20), content(2, 6 << 20)
    file = both.tree.path / "large"
    both.tree.do(write_file, file, old)
    both.tree.fresh_view()
    fd = both.tree.do(os.open, file, os.O_RDONLY)
    assert both.tree.do(os.pread, fd, 1000, 0) == old[:1000]
    both.service.upload(f"{both.remote}/large", new)
    both.soon(new[:100], first_bytes, "large")
    try:
        assert both.tree.do(os.pread, fd, 1000, 5 << 20) == old[5 << 20 : (5 << 20) + 1000]
    except OSError as error:
        assert error.errno == errno.ESTALE  # noqa: PT017 - old bytes or this refusal; both are right
    both.tree.do(os.close, fd)
    assert both.tree.do(read_file, file) == new


def first_bytes(path: Path) -> bytes:
    """The beginning of a file."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 100)
    finally:
        os.close(fd)


@pytest.mark.semantics("close-conflict")
def test_two_writers_keep_both_versions(both: Both, allowed_log: AllowedLog) -> None:
    allowed_log.allow("changed here and on the service")
    file = both.tree.path / "file"
    fd = both.tree.do(os.open, file, os.O_RDWR)
    both.tree.do(os.pwrite, fd, b"local words", 0)
    both.service.upload(f"{both.remote}/file", b"remote words")
    refresh(both.tree)
    both.tree.do(os.close, fd)
    both.tree.fresh_view()
    found = [name for name in both.tree.do(names, both.tree.path) if name.startswith("file")]
    texts = sorted(both.tree.do(read_file, both.tree.path / name) for name in found)
    assert texts == [b"local words", b"remote words"]
    assert any("conflict" in name for name in found)


@pytest.mark.semantics("close-recreated")
def test_local_words_survive_a_removal_elsewhere(both: Both) -> None:
    file = both.tree.path / "file"
    fd = both.tree.do(os.open, file, os.O_RDWR)
    both.tree.do(os.pwrite, fd, b"local words", 0)
    both.service.delete(f"{both.remote}/file")
    refresh(both.tree)
    both.tree.do(os.close, fd)
    both.tree.fresh_view()
    kept = [name for name in both.tree.do(names, both.tree.path) if name.startswith("file")]
    assert [both.tree.do(read_file, both.tree.path / name) for name in kept] == [b"local words"]


def test_a_file_made_in_both_places_is_kept_twice(both: Both, allowed_log: AllowedLog) -> None:
    allowed_log.allow("changed here and on the service")
    fd = both.tree.do(os.open, both.tree.path / "new.txt", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    both.tree.do(os.pwrite, fd, b"local words", 0)
    both.service.upload(f"{both.remote}/new.txt", b"remote words", strategy="fail")
    both.tree.do(os.close, fd)
    both.tree.fresh_view()
    found = [name for name in both.tree.do(names, both.tree.path) if name.startswith("new")]
    texts = sorted(both.tree.do(read_file, both.tree.path / name) for name in found)
    assert texts == [b"local words", b"remote words"]


def test_removed_files_are_in_the_recycle_bin(both: Both, service: Service) -> None:
    name = f"removed-{time.time_ns()}"
    both.tree.do(write_file, both.tree.path / name, b"precious")
    both.tree.settle()
    both.tree.run("rm", both.tree.path / name)
    both.tree.settle()
    assert service.find(f"{both.remote}/{name}") is None
    assert name in service.deleted(f"/{PLAIN_ROOM}")


@pytest.mark.semantics("close-one-upload")
def test_overwritten_files_keep_their_identity_on_the_service(both: Both, service: Service) -> None:
    before = service.find(f"{both.remote}/file")
    both.tree.do(write_file, both.tree.path / "temporary", b"saved by rename")
    both.tree.run("mv", both.tree.path / "temporary", both.tree.path / "file")
    both.tree.settle()
    after = service.find(f"{both.remote}/file")
    assert before is not None
    assert after is not None
    assert service.download(f"{both.remote}/file") == b"saved by rename"
    assert service.find(f"{both.remote}/temporary") is None
