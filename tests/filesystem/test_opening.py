"""open(2): every flag does what it says, and every refusal has the right number."""

import errno
import os
from pathlib import Path

import pytest

from tests.filesystem.steps import names, read_file, write_file
from tests.filesystem.tree import Tree, refused

OLD = b"what was there before"


@pytest.fixture
def filled(tree: Tree) -> Tree:
    """A tree with a file, an empty directory and a full one."""
    tree.do(write_file, tree.path / "file", OLD)
    for name in ("empty", "full"):
        tree.do(os.mkdir, tree.path / name)
    tree.do(write_file, tree.path / "full/child", b"x")
    return tree


REFUSALS = [
    ("file", os.O_CREAT | os.O_EXCL | os.O_WRONLY, errno.EEXIST),
    ("empty", os.O_CREAT | os.O_EXCL | os.O_WRONLY, errno.EEXIST),
    ("absent", os.O_RDONLY, errno.ENOENT),
    ("absent", os.O_RDWR | os.O_TRUNC, errno.ENOENT),
    ("absent/child", os.O_CREAT | os.O_WRONLY, errno.ENOENT),
    ("empty", os.O_WRONLY, errno.EISDIR),
    ("empty", os.O_RDWR, errno.EISDIR),
    ("empty", os.O_RDONLY | os.O_CREAT, errno.EISDIR),
    ("file/child", os.O_RDONLY, errno.ENOTDIR),
    ("file/child", os.O_CREAT | os.O_WRONLY, errno.ENOTDIR),
    ("file", os.O_RDONLY | os.O_DIRECTORY, errno.ENOTDIR),
    ("x" * 256, os.O_CREAT | os.O_WRONLY, errno.ENAMETOOLONG),
    ("x" * 256, os.O_RDONLY, errno.ENAMETOOLONG),
]


@pytest.mark.semantics("file-modes")
def test_refused_opening(filled: Tree) -> None:
    for name, flags, number in REFUSALS:
        with refused(number):
            filled.do(os.open, filled.path / name, flags, 0o644)
        assert filled.do(names, filled.path) == ["empty", "file", "full"], f"{name} with {flags:#o}"
        assert filled.do(read_file, filled.path / "file") == OLD, f"{name} with {flags:#o}"


def write_through(path: Path, flags: int, data: bytes) -> tuple[int, int]:
    """Open, write once at the start, return the size and the position then."""
    fd = os.open(path, flags, 0o644)
    try:
        os.write(fd, data)
        return os.fstat(fd).st_size, os.lseek(fd, 0, os.SEEK_CUR)
    finally:
        os.close(fd)


WRITING = [
    (True, 0, b"new" + OLD[3:]),
    (True, os.O_CREAT, b"new" + OLD[3:]),
    (True, os.O_APPEND, OLD + b"new"),
    (True, os.O_APPEND | os.O_CREAT, OLD + b"new"),
    (True, os.O_TRUNC, b"new"),
    (True, os.O_TRUNC | os.O_CREAT, b"new"),
    (True, os.O_TRUNC | os.O_APPEND, b"new"),
    (False, os.O_CREAT, b"new"),
    (False, os.O_CREAT | os.O_EXCL, b"new"),
    (False, os.O_CREAT | os.O_APPEND, b"new"),
    (False, os.O_CREAT | os.O_EXCL | os.O_TRUNC, b"new"),
]
"""Whether the file is there before, how it is opened, and what it holds after one write."""


@pytest.mark.parametrize("access", [os.O_WRONLY, os.O_RDWR], ids=["wronly", "rdwr"])
def test_writing_once(tree: Tree, access: int) -> None:
    for number, (there, _, _) in enumerate(WRITING):
        if there:
            tree.do(write_file, tree.path / str(number), OLD)
    tree.fresh_view()
    for number, (_, flags, expected) in enumerate(WRITING):
        size, position = tree.do(write_through, tree.path / str(number), flags | access, b"new")
        assert size == len(expected), WRITING[number]
        assert position == (len(expected) if flags & os.O_APPEND else 3), WRITING[number]
    for _ in range(2):
        found = [tree.do(read_file, tree.path / str(number)) for number in range(len(WRITING))]
        assert found == [expected for _, _, expected in WRITING]
        tree.fresh_view()


def test_truncating_open_without_a_write_leaves_an_empty_file(filled: Tree) -> None:
    filled.do(os.close, filled.do(os.open, filled.path / "file", os.O_WRONLY | os.O_TRUNC))
    assert filled.do(os.stat, filled.path / "file").st_size == 0
    filled.fresh_view()
    assert filled.do(read_file, filled.path / "file") == b""


def test_created_and_never_written_is_an_empty_file(filled: Tree) -> None:
    filled.run("touch", filled.path / "touched")
    filled.run("sh", "-c", ": > redirected", cwd=filled.path)
    filled.fresh_view()
    assert filled.do(os.stat, filled.path / "touched").st_size == 0
    assert filled.do(os.stat, filled.path / "redirected").st_size == 0


@pytest.mark.semantics("file-modes")
def test_every_write_of_an_appending_handle_goes_to_the_end(filled: Tree) -> None:
    file = filled.path / "file"
    first = filled.do(os.open, file, os.O_WRONLY | os.O_APPEND)
    second = filled.do(os.open, file, os.O_WRONLY | os.O_APPEND)
    for fd, word in [(first, b" one"), (second, b" two"), (first, b" three")]:
        filled.do(os.lseek, fd, 0, os.SEEK_SET)
        filled.do(os.write, fd, word)
    filled.do(os.close, first)
    filled.do(os.close, second)
    filled.fresh_view()
    assert filled.do(read_file, file) == OLD + b" one two three"


def test_wrong_direction_is_a_bad_descriptor(filled: Tree) -> None:
    reading = filled.do(os.open, filled.path / "file", os.O_RDONLY)
    with refused(errno.EBADF):
        filled.do(os.write, reading, b"x")
    with refused(errno.EINVAL, errno.EBADF):
        filled.do(os.ftruncate, reading, 0)
    writing = filled.do(os.open, filled.path / "file", os.O_WRONLY)
    with refused(errno.EBADF):
        filled.do(os.read, writing, 1)
    filled.do(os.close, reading)
    filled.do(os.close, writing)
    filled.fresh_view()
    assert filled.do(read_file, filled.path / "file") == OLD


@pytest.mark.semantics("file-modes")
def test_exclusive_creation_has_one_winner(tree: Tree) -> None:
    callers = [tree.caller() for _ in range(4)]
    for caller in callers:
        caller.start(write_file, tree.path / "prize", b"mine", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    lost = 0
    for caller in callers:
        try:
            caller.result()
        except FileExistsError:
            lost += 1
    assert lost == 3
    tree.fresh_view()
    assert tree.do(names, tree.path) == ["prize"]
