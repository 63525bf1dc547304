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
@pytest.mark.parametrize(("name", "flags", "number"), REFUSALS)
def test_refused_opening(filled: Tree, name: str, flags: int, number: int) -> None:
    with refused(number):
        filled.do(os.open, filled.path / name, flags, 0o644)
    assert filled.do(names, filled.path) == ["empty", "file", "full"]
    assert filled.do(read_file, filled.path / "file") == OLD


def write_through(path: Path, flags: int, data: bytes) -> tuple[int, int]:
    """Open, write once at the start, return the size and the position then."""
    fd = os.open(path, flags, 0o644)
    try:
        os.write(fd, data)
        return os.fstat(fd).st_size, os.lseek(fd, 0, os.SEEK_CUR)
    finally:
        os.close(fd)


@pytest.mark.parametrize("access", [os.O_WRONLY, os.O_RDWR], ids=["wronly", "rdwr"])
@pytest.mark.parametrize(
    ("name", "flags", "expected"),
    [
        ("file", 0, b"new" + OLD[3:]),
        ("file", os.O_CREAT, b"new" + OLD[3:]),
        ("file", os.O_APPEND, OLD + b"new"),
        ("file", os.O_APPEND | os.O_CREAT, OLD + b"new"),
        ("file", os.O_TRUNC, b"new"),
        ("file", os.O_TRUNC | os.O_CREAT, b"new"),
        ("file", os.O_TRUNC | os.O_APPEND, b"new"),
        ("fresh", os.O_CREAT, b"new"),
        ("fresh", os.O_CREAT | os.O_EXCL, b"new"),
        ("fresh", os.O_CREAT | os.O_APPEND, b"new"),
        ("fresh", os.O_CREAT | os.O_EXCL | os.O_TRUNC, b"new"),
    ],
)
def test_writing_once(filled: Tree, access: int, name: str, flags: int, expected: bytes) -> None:
    size, position = filled.do(write_through, filled.path / name, flags | access, b"new")
    assert size == len(expected)
    assert position == (len(expected) if flags & os.O_APPEND else 3)
    assert filled.do(read_file, filled.path / name) == expected
    filled.fresh_view()
    assert filled.do(read_file, filled.path / name) == expected


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
