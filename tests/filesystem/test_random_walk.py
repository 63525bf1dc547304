"""The tree against a native directory: hundreds of random operations, answer by answer, then the whole."""

import random
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.random_walk import Step, Walker, snapshot, steps, tally
from tests.filesystem.tree import Tree

WALKERS: dict[Path, Walker] = {}
"""In each calling process: its walkers, whose open handles live from one step to the next."""


def perform(root: Path, step: Step) -> object:
    """Perform a step in the calling process."""
    return WALKERS.setdefault(root, Walker(root)).perform(step)


def let_go(root: Path) -> None:
    """Close the handles of the calling process."""
    WALKERS.pop(root, Walker(root)).close()


def walk_in_step(tree: Tree, native: Path, seed: int, count: int, settle_every: int) -> None:
    """Do the same on both sides and compare each answer."""
    with Caller() as other:
        for number, step in enumerate(steps(seed, count)):
            expected, got = other(perform, native, step), tree.do(perform, tree.path, step)
            assert got == expected, f"seed {seed}, step {number}: {step!r}"
            if settle_every and number % settle_every == settle_every - 1:
                tree.settle()
        other(let_go, native)
        tree.do(let_go, tree.path)
        assert tree.do(snapshot, tree.path) == other(snapshot, native), f"seed {seed}: before the fresh view"
        tree.fresh_view()
        assert tree.do(snapshot, tree.path) == other(snapshot, native), f"seed {seed}: after the fresh view"


@pytest.mark.parametrize("settle_every", [0, 10], ids=["hurried", "patient"])
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3)), 4])
def test_fixed_walks(tree: Tree, tmp_path: Path, seed: int, settle_every: int) -> None:
    native = tmp_path / "native"
    native.mkdir()
    walk_in_step(tree, native, seed, 400, settle_every)


def test_a_walk_of_its_own(tree: Tree, tmp_path: Path) -> None:
    native, seed = tmp_path / "native", random.SystemRandom().randrange(1 << 32)
    native.mkdir()
    walk_in_step(tree, native, seed, 400, 25)


WANTED = [
    *["create: done", "create: EEXIST", "create: ENOENT", "create: ENOTDIR", "write: done", "write: EISDIR"],
    *["append: done", "truncate: done", "rename: done", "rename: ENOTEMPTY", "rename: EISDIR", "rename: ENOTDIR"],
    *["rename: EINVAL", "rename: ENOENT", "unlink: done", "unlink: EISDIR", "mkdir: done", "mkdir: EEXIST"],
    *["rmdir: done", "rmdir: ENOTEMPTY", "rmdir: ENOTDIR", "read: done", "read: EISDIR", "list: done", "size: done"],
    *["open: done", "handle write: done", "handle read: done", "handle truncate: done", "handle sync: done"],
]


def test_the_fixed_walks_reach_every_interesting_place(tmp_path: Path) -> None:
    walk: list[tuple[Step, object]] = []
    for seed in (1, 2, 3, 4):
        root = tmp_path / str(seed)
        root.mkdir()
        walker = Walker(root)
        walk += [(step, walker.perform(step)) for step in steps(seed, 400)]
        walker.close()
    counts = tally(walk)
    assert [place for place in WANTED if not counts[place]] == []
