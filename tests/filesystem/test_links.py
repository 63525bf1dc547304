"""Symbolic links, as local file systems have them."""

import errno
import os
import stat
from pathlib import Path

import pytest

from tests.filesystem.steps import names, read_file, write_file
from tests.filesystem.tree import Tree, refused

pytestmark = pytest.mark.semantics("link-symbolic")


TARGETS = ["file", "./file", "../elsewhere/file", "/absolute/file", "with space", "Ünï→", "x" * 255 + "/y" * 1900]


def test_a_link_holds_any_target(tree: Tree) -> None:
    links = {tree.path / f"link-{number}": target for number, target in enumerate(TARGETS)}
    for link, target in links.items():
        tree.do(os.symlink, target, link)
    for _ in range(2):
        for link, target in links.items():
            assert tree.do(os.readlink, link) == target
            found = tree.do(os.lstat, link)
            assert stat.S_ISLNK(found.st_mode)
            assert (found.st_mode & 0o777, found.st_size, found.st_nlink) == (0o777, len(target.encode()), 1)
        tree.fresh_view()


def test_programs_follow_links(tree: Tree) -> None:
    tree.do(write_file, tree.path / "file", b"content")
    tree.do(os.mkdir, tree.path / "directory")
    tree.do(write_file, tree.path / "directory/inside", b"inside")
    tree.do(os.symlink, "file", tree.path / "one")
    tree.do(os.symlink, "one", tree.path / "two")
    tree.do(os.symlink, "directory", tree.path / "way")
    tree.fresh_view()
    assert tree.do(read_file, tree.path / "two") == b"content"
    assert tree.do(read_file, tree.path / "way/inside") == b"inside"
    tree.do(write_file, tree.path / "two", b"through two links")
    assert tree.do(read_file, tree.path / "file") == b"through two links"
    assert tree.do(names, tree.path / "way") == ["inside"]
    with refused(errno.ELOOP):
        tree.do(os.open, tree.path / "one", os.O_RDONLY | os.O_NOFOLLOW)


def test_links_that_lead_nowhere_or_around(tree: Tree) -> None:
    tree.do(os.symlink, "absent", tree.path / "dangling")
    tree.do(os.symlink, "round", tree.path / "about")
    tree.do(os.symlink, "about", tree.path / "round")
    with refused(errno.ENOENT):
        tree.do(read_file, tree.path / "dangling")
    with refused(errno.ELOOP):
        tree.do(read_file, tree.path / "about")
    tree.do(write_file, tree.path / "dangling", b"made through it")
    assert tree.do(names, tree.path) == ["about", "absent", "dangling", "round"]
    with refused(errno.EEXIST):
        tree.do(os.symlink, "other", tree.path / "about")
    with refused(errno.EINVAL):
        tree.do(os.readlink, tree.path / "absent")


def test_a_target_that_is_too_long(tree: Tree) -> None:
    with refused(errno.ENAMETOOLONG):
        tree.do(os.symlink, "x" * 4096, tree.path / "link")
    assert tree.do(names, tree.path) == []


@pytest.mark.parametrize("settled", [False, True], ids=["at once", "after it arrived"])
def test_links_are_renamed_replaced_and_removed(tree: Tree, settled: bool) -> None:
    def pause() -> None:
        if settled:
            tree.settle()

    tree.do(write_file, tree.path / "file", b"content")
    tree.do(os.symlink, "file", tree.path / "a")
    tree.do(os.symlink, "elsewhere", tree.path / "b")
    tree.do(os.mkdir, tree.path / "directory")
    pause()
    tree.do(os.rename, tree.path / "a", tree.path / "directory/a")
    pause()
    tree.do(os.rename, tree.path / "directory/a", tree.path / "b")
    assert tree.do(os.readlink, tree.path / "b") == "file"
    tree.do(write_file, tree.path / "new", b"new")
    pause()
    tree.do(os.rename, tree.path / "new", tree.path / "b")
    assert tree.do(read_file, tree.path / "b") == b"new"
    tree.do(os.symlink, "b", tree.path / "c")
    pause()
    tree.do(os.rename, tree.path / "c", tree.path / "file")
    assert tree.do(read_file, tree.path / "file") == b"new"
    tree.do(os.symlink, "x", tree.path / "removed")
    pause()
    tree.do(os.unlink, tree.path / "removed")
    assert tree.do(names, tree.path) == ["b", "directory", "file"]
    tree.fresh_view()
    assert tree.do(names, tree.path) == ["b", "directory", "file"]
    assert tree.do(names, tree.path / "directory") == []
    assert tree.do(os.readlink, tree.path / "file") == "b"
    assert tree.do(read_file, tree.path / "b") == b"new"


def date_link(path: Path, time_ns: int) -> None:
    """The link's own time."""
    os.utime(path, ns=(time_ns, time_ns), follow_symlinks=False)


def test_a_link_has_times_of_its_own(tree: Tree) -> None:
    tree.do(write_file, tree.path / "file", b"x")
    tree.do(os.symlink, "file", tree.path / "link")
    tree.do(date_link, tree.path / "link", 1_000_000_000_123_000_000)
    tree.fresh_view()
    assert tree.do(os.lstat, tree.path / "link").st_mtime_ns == 1_000_000_000_123_000_000
    assert tree.do(os.stat, tree.path / "link").st_mtime_ns != 1_000_000_000_123_000_000


def test_copies_and_archives_keep_links(tree: Tree) -> None:
    source = tree.scratch / "source"
    tree.do(os.mkdir, source)
    tree.do(write_file, source / "file", b"content")
    tree.do(os.symlink, "file", source / "link")
    tree.do(os.symlink, "../nowhere", source / "dangling")
    tree.run("cp", "-a", source, tree.path / "copied")
    tree.run("rsync", "-a", f"{source}/", tree.path / "synchronised")
    tree.run("tar", "-C", tree.scratch, "-cf", tree.path / "archive.tar", "source")
    tree.run("tar", "-C", tree.path, "-xf", tree.path / "archive.tar")
    tree.fresh_view()
    for name in ("copied", "synchronised", "source"):
        assert tree.do(os.readlink, tree.path / name / "link") == "file"
        assert tree.do(os.readlink, tree.path / name / "dangling") == "../nowhere"
        assert tree.do(read_file, tree.path / name / "link") == b"content"
    assert not tree.run("rsync", "-an", "--itemize-changes", "--omit-dir-times", f"{source}/", tree.path / "copied")
