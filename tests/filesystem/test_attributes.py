"""Times, modes, space and extended attributes."""

import os
import time
from pathlib import Path

import pytest

from tests.filesystem.steps import read_file, write_and_date, write_file
from tests.filesystem.tree import Tree

MILLISECOND = 1_000_000
CLOCK_TICK = 20 * MILLISECOND
CENTURY = 100 * 365 * 86_400  # seconds
TIMES = [0, 1_000_000_000, 1_234_567_890_123_000_000, 1_700_000_000_987_654_321, 4_102_444_800_000_000_000]


@pytest.mark.semantics("attr-mtime")
def test_modification_times_are_kept_to_the_millisecond(tree: Tree) -> None:
    times = {tree.path / f"{kind} {mtime}": mtime for mtime in TIMES for kind in ("file", "directory")}
    for path, mtime in times.items():
        if path.name.startswith("file"):
            tree.do(write_file, path, b"x")
        else:
            tree.do(os.mkdir, path)
        tree.do(os.utime, path, ns=(mtime, mtime))
    for _ in range(2):
        for path, mtime in times.items():
            assert abs(tree.do(os.stat, path).st_mtime_ns - mtime) < MILLISECOND, path
        tree.fresh_view()


def test_a_file_keeps_its_content_whatever_time_it_is_given(tree: Tree) -> None:
    path = tree.path / "file"
    tree.do(write_and_date, path, b"kept", 100 * CENTURY)
    tree.settle()
    tree.fresh_view()
    assert tree.do(read_file, path) == b"kept"
    assert tree.do(os.stat, path).st_mtime > 2 * CENTURY


def test_times_do_not_drift(tree: Tree) -> None:
    path, mtime = tree.path / "file", 1_700_000_000_987_000_000
    tree.do(write_file, path, b"x")
    tree.do(os.utime, path, ns=(mtime, mtime))
    for _ in range(3):
        tree.fresh_view()
        seen = tree.do(os.stat, path).st_mtime_ns
        assert seen == mtime
        tree.do(os.utime, path, ns=(seen, seen))


def test_touch_with_a_date_and_with_a_reference(tree: Tree) -> None:
    tree.run("touch", "-d", "2001-02-03 04:05:06.789", tree.path / "one")
    tree.run("touch", "-r", tree.path / "one", tree.path / "two")
    tree.fresh_view()
    for name in ("one", "two"):
        assert tree.run("stat", "-c", "%y", tree.path / name).startswith("2001-02-03 04:05:06.789")


def test_a_write_makes_the_time_now(tree: Tree) -> None:
    path = tree.path / "file"
    tree.do(write_file, path, b"x")
    tree.do(os.utime, path, ns=(0, 0))
    tree.settle()
    before = time.time_ns() - CLOCK_TICK
    tree.do(write_file, path, b"y", os.O_WRONLY)
    assert tree.do(os.stat, path).st_mtime_ns >= before
    tree.fresh_view()
    assert before <= tree.do(os.stat, path).st_mtime_ns <= time.time_ns()


def test_the_time_of_a_file_does_not_change_by_arriving(tree: Tree) -> None:
    path = tree.path / "file"
    tree.do(write_file, path, b"x")
    before = tree.do(os.stat, path).st_mtime_ns
    tree.settle()
    assert abs(tree.do(os.stat, path).st_mtime_ns - before) < MILLISECOND
    tree.fresh_view()
    assert abs(tree.do(os.stat, path).st_mtime_ns - before) < MILLISECOND


def set_time_while_open(path: Path, mtime: int) -> None:
    """Write, set the time through the handle, close: as cp -p and tar do."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, b"content")
    os.utime(fd, ns=(mtime, mtime))
    os.close(fd)


def test_a_time_set_through_the_handle_survives_close(tree: Tree) -> None:
    path, mtime = tree.path / "file", 1_111_111_111_111_000_000
    tree.do(set_time_while_open, path, mtime)
    assert tree.do(os.stat, path).st_mtime_ns == mtime
    tree.fresh_view()
    assert tree.do(os.stat, path).st_mtime_ns == mtime


@pytest.mark.semantics("attr-mode")
def test_permissions_of_a_file_are_kept(tree: Tree) -> None:
    modes = [0o600, 0o640, 0o755, 0o444]
    for mode in modes:
        tree.do(write_file, tree.path / f"{mode:o}", b"x")
        tree.do(os.chmod, tree.path / f"{mode:o}", mode)
    for _ in range(2):
        assert [tree.do(os.stat, tree.path / f"{mode:o}").st_mode & 0o777 for mode in modes] == modes
        tree.fresh_view()


def test_an_executable_script_runs(tree: Tree) -> None:
    path = tree.path / "script"
    tree.do(write_file, path, b"#!/bin/sh\necho it runs\n")
    tree.do(os.chmod, path, 0o755)
    tree.fresh_view()
    assert tree.run(path) == "it runs\n"


def test_chown_to_oneself_is_allowed(tree: Tree) -> None:
    path = tree.path / "file"
    tree.do(write_file, path, b"x")
    owner = tree.do(os.stat, path)
    tree.do(os.chown, path, owner.st_uid, owner.st_gid)
    assert owner.st_uid == (tree.user.uid if tree.user else os.getuid())


def test_statvfs_is_sane(tree: Tree) -> None:
    space = tree.do(os.statvfs, tree.path)
    assert space.f_bsize > 0
    assert 0 <= space.f_bavail <= space.f_bfree <= space.f_blocks
    assert space.f_blocks * space.f_frsize > 1 << 30
    assert 100 <= space.f_namemax <= 255
    assert str(tree.path).startswith(tree.run("df", "--output=target", tree.path).split()[-1])


def test_a_file_counts_its_blocks(tree: Tree) -> None:
    path = tree.path / "file"
    tree.do(write_file, path, b"x" * 100_000)
    tree.fresh_view()
    if not tree.is_mount:
        os.sync()  # a disk may count a file's blocks when it gets them
    assert tree.do(os.stat, path).st_blocks * 512 >= 100_000


def test_an_access_time_that_nobody_set_stays_when_the_modification_time_is_set(tree: Tree) -> None:
    path, then = tree.path / "file", 1_000_000_000_000_000_000
    tree.do(write_file, path, b"x")
    tree.do(os.utime, path, ns=(then, then))
    tree.run("touch", "-m", "-d", "2020-01-02 03:04:05.123456789", path)
    found = tree.do(os.stat, path)
    assert (found.st_atime_ns, found.st_mtime_ns) == (then, 1_577_934_245_123_456_789)
    tree.run("touch", "-a", "-d", "2021-01-02 03:04:05.987654321", path)
    found = tree.do(os.stat, path)
    assert (found.st_atime_ns, found.st_mtime_ns) == (1_609_556_645_987_654_321, 1_577_934_245_123_456_789)
    tree.fresh_view()
    assert tree.do(os.stat, path).st_atime_ns == 1_609_556_645_987_654_321


def test_touch_without_a_date_means_now(tree: Tree) -> None:
    path = tree.path / "file"
    tree.do(write_file, path, b"x")
    tree.do(os.utime, path, ns=(0, 0))
    before = time.time_ns() - CLOCK_TICK
    tree.run("touch", path)
    found = tree.do(os.stat, path)
    assert before <= min(found.st_atime_ns, found.st_mtime_ns)
    assert max(found.st_atime_ns, found.st_mtime_ns) <= time.time_ns()


@pytest.mark.parametrize("over", [False, True], ids=["new name", "over another"])
def test_attributes_follow_a_rename(tree: Tree, over: bool) -> None:
    source, target = tree.path / "source", tree.path / "target"
    tree.do(write_file, source, b"x")
    tree.do(os.chmod, source, 0o600)
    if over:
        tree.do(write_file, target, b"y")
        tree.do(os.chmod, target, 0o755)
        tree.settle()
    tree.do(os.rename, source, target)
    assert tree.do(os.stat, target).st_mode & 0o777 == 0o600
    tree.fresh_view()
    assert tree.do(os.stat, target).st_mode & 0o777 == 0o600


def test_a_plain_file_over_an_executable_one_is_plain(tree: Tree) -> None:
    source, target = tree.path / "source", tree.path / "target"
    tree.do(write_file, target, b"y")
    tree.do(os.chmod, target, 0o755)
    tree.settle()
    tree.do(write_file, source, b"x")
    tree.do(os.rename, source, target)
    tree.fresh_view()
    assert tree.do(os.stat, target).st_mode & 0o777 == 0o644


def mode_after_unlink(path: Path) -> int:
    """The permission bits that an open file without a name has, after one more change."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    path.unlink()
    found = os.fstat(fd).st_mode & 0o777
    os.fchmod(fd, 0o640)
    assert os.fstat(fd).st_mode & 0o777 == 0o640
    assert os.fstat(fd).st_nlink == 0
    os.close(fd)
    return found


def test_an_unlinked_file_keeps_its_mode(tree: Tree) -> None:
    assert tree.do(mode_after_unlink, tree.path / "file") == 0o600
