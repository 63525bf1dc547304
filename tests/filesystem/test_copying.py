"""Whole directories go in and come out again: cp, tar, rsync."""

import os
import re
from pathlib import Path

import pytest

from tests.filesystem.sample import make_sample, modes, times
from tests.filesystem.tree import Tree


@pytest.fixture
def sample(tree: Tree) -> Path:
    """A generated directory on the native disk, owned by the tree's user."""
    source = tree.scratch / "sample"
    tree.do(os.mkdir, source)
    tree.do(make_sample, source)
    return source


def assert_same(tree: Tree, one: Path, other: Path) -> None:
    """The same names, contents, modification times and permissions."""
    assert tree.run("diff", "-r", one, other) == ""
    assert tree.do(times, one) == tree.do(times, other)
    assert tree.do(modes, one) == tree.do(modes, other)


def test_cp_keeps_names_contents_times_and_modes(tree: Tree, sample: Path) -> None:
    tree.run("cp", "-a", sample, tree.path)
    assert_same(tree, sample, tree.path / "sample")
    tree.fresh_view()
    assert_same(tree, sample, tree.path / "sample")


def test_cp_out_again(tree: Tree, sample: Path) -> None:
    tree.run("cp", "-a", sample, tree.path / "in")
    tree.run("cp", "-a", tree.path / "in", tree.scratch / "out")
    assert_same(tree, sample, tree.scratch / "out")


def test_cp_within_the_tree(tree: Tree, sample: Path) -> None:
    tree.run("cp", "-a", sample, tree.path / "first")
    tree.run("cp", "-a", tree.path / "first", tree.path / "second")
    tree.fresh_view()
    assert_same(tree, sample, tree.path / "second")


def test_tar_in_and_out(tree: Tree, sample: Path) -> None:
    archive, inside = tree.scratch / "sample.tar", tree.path / "inside.tar"
    tree.run("tar", "--format=posix", "-cf", archive, "-C", sample, ".")
    tree.do(os.mkdir, tree.path / "unpacked")
    tree.run("tar", "-xpf", archive, "-C", tree.path / "unpacked")
    assert_same(tree, sample, tree.path / "unpacked")
    tree.run("tar", "--format=posix", "-cf", inside, "-C", tree.path / "unpacked", ".")
    tree.fresh_view()
    tree.do(os.mkdir, tree.scratch / "back")
    tree.run("tar", "-xpf", inside, "-C", tree.scratch / "back")
    assert_same(tree, sample, tree.scratch / "back")


def rsync(tree: Tree, source: Path, target: Path) -> tuple[int, list[str]]:
    """How many files were transferred, and every itemised change."""
    words = tree.run("rsync", "-a", "--stats", "--itemize-changes", f"{source}/", f"{target}/")
    changes, _, statistics = words.partition("\nNumber of files:")
    found = re.search(r"Number of regular files transferred: ([\d,]+)", "\nNumber of files:" + statistics)
    assert found, words
    return int(found[1].replace(",", "")), [line for line in changes.splitlines() if line]


def test_second_rsync_transfers_nothing(tree: Tree, sample: Path) -> None:
    transferred, changes = rsync(tree, sample, tree.path / "mirror")
    assert transferred > 20
    assert len(changes) > transferred
    assert rsync(tree, sample, tree.path / "mirror") == (0, [])
    tree.fresh_view()
    assert rsync(tree, sample, tree.path / "mirror") == (0, [])
    assert_same(tree, sample, tree.path / "mirror")


def test_rsync_brings_over_only_what_changed(tree: Tree, sample: Path) -> None:
    rsync(tree, sample, tree.path / "mirror")
    tree.run(
        "sh", "-c", 'echo changed > "$1/page"; touch -d "2020-01-02 03:04:05.678" "$1/page"; rm "$1/one"', "sh", sample
    )
    words = tree.run("rsync", "-ai", "--delete", f"{sample}/", f"{tree.path}/mirror/").splitlines()
    assert sorted(line.split()[-1] for line in words if not line.startswith(".d")) == ["one", "page"]
    tree.fresh_view()
    assert_same(tree, sample, tree.path / "mirror")


def test_rm_r_leaves_nothing(tree: Tree, sample: Path) -> None:
    tree.run("cp", "-a", sample, tree.path / "doomed")
    tree.run("rm", "-r", tree.path / "doomed")
    assert tree.do(os.listdir, tree.path) == []
    tree.fresh_view()
    assert tree.do(os.listdir, tree.path) == []


def test_mv_of_a_directory_keeps_what_is_in_it(tree: Tree, sample: Path) -> None:
    tree.run("cp", "-a", sample, tree.path / "before")
    tree.do(os.mkdir, tree.path / "into")
    tree.run("mv", tree.path / "before", tree.path / "into/after")
    tree.fresh_view()
    assert_same(tree, sample, tree.path / "into/after")
    assert tree.do(os.listdir, tree.path) == ["into"]


def test_mv_into_the_tree_and_out_of_it(tree: Tree, sample: Path) -> None:
    copy = tree.scratch / "copy"
    tree.run("cp", "-a", sample, copy)
    tree.run("mv", copy, tree.path / "moved")
    tree.fresh_view()
    tree.run("mv", tree.path / "moved", copy)
    assert_same(tree, sample, copy)
    assert tree.do(os.listdir, tree.path) == []
