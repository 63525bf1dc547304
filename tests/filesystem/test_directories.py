"""Directories: deep ones, full ones, and ones that change while they are read."""

import errno
import os
from pathlib import Path

import pytest

from tests.filesystem.steps import come_and_go, make_deep, make_many, names, read_file, write_file, wrong_ones
from tests.filesystem.tree import Tree, refused


def test_making_and_removing(tree: Tree) -> None:
    tree.run("mkdir", "-p", tree.path / "a/b/c", tree.path / "a/d")
    tree.run("rmdir", tree.path / "a/b/c")
    with refused(errno.EEXIST):
        tree.do(os.mkdir, tree.path / "a/b")
    with refused(errno.ENOENT):
        tree.do(os.mkdir, tree.path / "x/y")
    with refused(errno.ENAMETOOLONG):
        tree.do(os.mkdir, tree.path / ("x" * 256))
    tree.do(write_file, tree.path / "file", b"")
    with refused(errno.EEXIST):
        tree.do(os.mkdir, tree.path / "file")
    with refused(errno.ENOTDIR):
        tree.do(os.mkdir, tree.path / "file/below")
    with refused(errno.ENOTDIR):
        tree.do(os.listdir, tree.path / "file")
    tree.fresh_view()
    found = tree.run("find", ".", cwd=tree.path).split()
    assert sorted(found) == [".", "./a", "./a/b", "./a/d", "./file"]


def test_deep_directories(tree: Tree) -> None:
    bottom = tree.do(make_deep, tree.path, 40, b"deep down")
    tree.fresh_view()
    assert tree.do(read_file, bottom) == b"deep down"
    assert tree.run("find", tree.path, "-type", "d").count("\n") == 41
    tree.run("rm", "-r", tree.path / "level-0")
    tree.fresh_view()
    assert tree.do(names, tree.path) == []


MANY = 300
"""More than the kernel takes in one reading of a directory."""


@pytest.mark.parametrize("count", [MANY, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_files_in_one_directory(tree: Tree, count: int) -> None:
    expected = [f"file-{number:04}" for number in range(count)]
    tree.do(make_many, tree.path, count)
    assert tree.do(names, tree.path) == expected
    assert tree.do(wrong_ones, tree.path, count) == []
    tree.fresh_view()
    assert tree.do(names, tree.path) == expected
    assert tree.run("sh", "-c", "ls -l | tail -n +2 | wc -l", cwd=tree.path).strip() == str(count)
    assert tree.do(wrong_ones, tree.path, count) == []
    tree.run("sh", "-c", "rm file-0*", cwd=tree.path)
    tree.fresh_view()
    assert tree.do(names, tree.path) == []


@pytest.mark.semantics("dir-list")
def test_listing_while_files_come_and_go(tree: Tree) -> None:
    tree.do(make_many, tree.path, 60)
    stable = {f"file-{number:04}" for number in range(60)}
    other = tree.caller()
    other.start(come_and_go, tree.path, 150)
    listings = 0
    while not other.finished() or not listings:
        seen = tree.do(os.listdir, tree.path)
        assert len(seen) == len(set(seen)), "a name was listed twice"
        assert stable <= set(seen), "a name that was there all the time was not listed"
        listings += 1
    other.result()
    tree.fresh_view()
    assert set(tree.do(os.listdir, tree.path)) == stable | {f"passing-{number}" for number in range(140, 150)}


def listed_in_pieces(directory: Path) -> list[str]:
    """Read a directory to its middle, change it, read on."""
    with os.scandir(directory) as entries:
        seen = [next(entries).name for _ in range(100)]
        (directory / seen[50]).unlink()
        (directory / "added-later").write_bytes(b"")
        return seen + [entry.name for entry in entries]


@pytest.mark.semantics("dir-list")
def test_a_listing_in_progress_survives_changes(tree: Tree) -> None:
    tree.do(make_many, tree.path, MANY)
    seen = tree.do(listed_in_pieces, tree.path)
    assert len(seen) == len(set(seen))
    assert {f"file-{number:04}" for number in range(MANY)} <= set(seen)


def left_in_the_middle(directory: Path) -> list[str]:
    """Names that are taken away between the beginning and the end of a listing, and are there all the same."""
    (directory / "below").mkdir()
    names = sorted(path.name for path in directory.glob("file-*"))
    with os.scandir(directory) as entries:
        early = {next(entries).name for _ in range(5)}
        renamed, moved, removed = [name for name in reversed(names) if name not in early][:3]
        (directory / renamed).rename(directory / "renamed")
        (directory / moved).rename(directory / "below" / moved)
        with (directory / removed).open("rb"):
            (directory / removed).unlink()
            list(entries)
            return [name for name in (renamed, moved, removed) if (directory / name).exists()]


@pytest.mark.semantics("dir-list")
def test_a_listing_in_progress_brings_no_name_back(tree: Tree) -> None:
    tree.do(make_many, tree.path, MANY)
    assert tree.do(left_in_the_middle, tree.path) == []
    tree.run("rm", "-r", tree.path / "below")


def test_find_and_ls_and_du_agree(tree: Tree) -> None:
    tree.run("mkdir", "-p", tree.path / "a/b")
    for name, size in [("top", 10), ("a/middle", 5000), ("a/b/bottom", 70_000)]:
        tree.do(write_file, tree.path / name, b"x" * size)
    tree.fresh_view()
    found = tree.run("find", ".", "-type", "f", "-printf", "%P %s\n", cwd=tree.path).splitlines()
    assert sorted(found) == ["a/b/bottom 70000", "a/middle 5000", "top 10"]
    listed = [line.split() for line in tree.run("ls", "-lR", cwd=tree.path).splitlines() if line.startswith("-")]
    assert sorted(int(words[4]) for words in listed) == [10, 5000, 70_000]
    apparent = tree.run("sh", "-c", "du -ab | grep -v /b$ | grep -v /a$", cwd=tree.path).splitlines()
    assert {line.split("\t")[1]: int(line.split("\t")[0]) for line in apparent if line.split("\t")[1] != "."} == {
        "./top": 10,
        "./a/middle": 5000,
        "./a/b/bottom": 70_000,
    }
    assert int(tree.run("du", "-s", "--block-size=1", tree.path).split()[0]) >= 75_010


def test_stat_tells_kind_size_and_distinct_inodes(tree: Tree) -> None:
    tree.do(os.mkdir, tree.path / "directory")
    tree.do(write_file, tree.path / "file", b"12345")
    tree.do(write_file, tree.path / "other", b"")
    words = tree.run("stat", "-c", "%n|%F|%s", "file", "directory", "other", cwd=tree.path).splitlines()
    assert words[0] == "file|regular file|5"
    assert words[1].startswith("directory|directory|")
    assert words[2] == "other|regular empty file|0"
    inodes = tree.run("ls", "-i", cwd=tree.path).split()[::2]
    assert len(set(inodes)) == 3


@pytest.mark.semantics("inode-stable")
def test_an_inode_survives_rename_and_overwriting(tree: Tree) -> None:
    tree.do(write_file, tree.path / "file", b"one")
    before = tree.do(os.stat, tree.path / "file").st_ino
    tree.settle()
    tree.do(write_file, tree.path / "file", b"two")
    tree.do(os.rename, tree.path / "file", tree.path / "new name")
    tree.settle()
    assert tree.do(os.stat, tree.path / "new name").st_ino == before


def test_a_working_directory_stays_one_while_it_arrives(tree: Tree) -> None:
    place, other = tree.path / "outer/inner", tree.caller()
    tree.do(os.makedirs, place)
    other(os.chdir, place)
    for name in ("one", "two"):
        other(write_file, Path(name), b"x")
        tree.settle()
        assert other(os.getcwd) == str(place)
    tree.run("mv", tree.path / "outer", tree.path / "renamed")
    tree.settle()
    assert other(os.getcwd) == str(tree.path / "renamed/inner")
    assert other(names, Path()) == ["one", "two"]
    other(os.chdir, "/")


def enter_each(directories: list[Path]) -> list[str]:
    """Enter directories that were never looked at, and ask at once and a little later where that is."""
    seen = []
    for directory in directories:
        os.chdir(directory)
        seen += [str(Path.cwd()) for _ in range(200)][::199]
    os.chdir("/")
    return seen


def test_directories_can_be_entered_at_first_sight(tree: Tree) -> None:
    directories = [tree.path / f"{number}/inner/innermost" for number in range(30)]
    for directory in directories:
        tree.do(os.makedirs, directory)
    tree.fresh_view()
    assert tree.do(enter_each, directories) == [str(directory) for directory in directories for _ in range(2)]


def test_a_removed_working_directory_is_gone(tree: Tree) -> None:
    tree.do(os.mkdir, tree.path / "here")
    other = tree.caller()
    other(os.chdir, tree.path / "here")
    tree.do(os.rmdir, tree.path / "here")
    with refused(errno.ENOENT):
        other(os.open, "file", os.O_CREAT | os.O_WRONLY)
    other(os.chdir, "/")
