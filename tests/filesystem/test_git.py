"""A git work tree lives in the tree."""

from pathlib import Path

import pytest

from tests.filesystem.steps import content, write_file
from tests.filesystem.tree import Tree


def git(tree: Tree, work: Path, *words: str) -> str:
    """What git says; its progress reports are not failures."""
    done = tree.attempt("git", "-C", work, *words)
    assert done.returncode == 0, f"git {words}: {done.stderr}"
    assert "warning" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture
def origin(tree: Tree) -> Path:
    """A repository on the native disk: 12 commits, a branch, text and binary files, an executable."""
    work = tree.scratch / "origin"
    tree.run("git", "init", "-q", "-b", "main", work)
    tree.run("mkdir", "-p", work / "src/deep")
    for number in range(12):
        tree.do(write_file, work / f"src/deep/module_{number}.txt", f"line {number}\n".encode() * 50 * (number + 1))
        tree.do(write_file, work / "data.bin", content(number, 20_000))
        tree.do(write_file, work / "run.sh", b"#!/bin/sh\nexit 0\n")
        tree.run("chmod", "755", work / "run.sh")
        git(tree, work, "add", ".")
        git(tree, work, "commit", "-q", "-m", f"Commit {number}")
    git(tree, work, "branch", "other", "HEAD~3")
    return work


def clean(tree: Tree, work: Path) -> bool:
    """True if the work tree is as committed."""
    return git(tree, work, "status", "--porcelain") == ""


def test_clone_commit_gc_and_fsck(tree: Tree, origin: Path) -> None:
    work = tree.path / "clone"
    tree.attempt("git", "clone", "-q", origin, work).check_returncode()
    assert clean(tree, work)
    tree.do(write_file, work / "src/new.txt", b"new\n")
    git(tree, work, "add", "src/new.txt")
    git(tree, work, "commit", "-q", "-m", "One more")
    assert clean(tree, work)
    git(tree, work, "gc", "-q")
    git(tree, work, "fsck", "--strict")
    tree.fresh_view()
    assert clean(tree, work)
    git(tree, work, "fsck", "--strict")
    assert git(tree, work, "rev-list", "--count", "HEAD") == "13\n"


def test_checkout_and_reset_rewrite_the_work_tree(tree: Tree, origin: Path) -> None:
    work = tree.path / "clone"
    tree.attempt("git", "clone", "-q", origin, work).check_returncode()
    git(tree, work, "checkout", "-q", "origin/other")
    assert tree.attempt("test", "-e", work / "src/deep/module_11.txt").returncode == 1
    git(tree, work, "checkout", "-q", "main")
    tree.do(write_file, work / "data.bin", b"spoilt")
    tree.run("rm", "-r", work / "src")
    assert not clean(tree, work)
    git(tree, work, "reset", "-q", "--hard")
    tree.fresh_view()
    assert clean(tree, work)
    assert tree.run("diff", "-r", "-x", ".git", origin, work) == ""


def test_push_to_a_bare_repository(tree: Tree, origin: Path) -> None:
    bare = tree.path / "bare.git"
    tree.run("git", "init", "-q", "--bare", "-b", "main", bare)
    git(tree, origin, "push", "-q", str(bare), "main", "other")
    tree.fresh_view()
    again = tree.scratch / "again"
    tree.attempt("git", "clone", "-q", bare, again).check_returncode()
    assert git(tree, again, "rev-parse", "HEAD") == git(tree, origin, "rev-parse", "HEAD")
    git(tree, bare, "fsck", "--strict")
