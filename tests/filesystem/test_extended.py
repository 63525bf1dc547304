"""Extended attributes of users."""

import errno
import os
from pathlib import Path

import pytest

from tests.filesystem.steps import write_file
from tests.filesystem.tree import Tree, refused

pytestmark = pytest.mark.semantics("attr-extended")


@pytest.fixture(params=["file", "directory"])
def node(request: pytest.FixtureRequest, tree: Tree) -> Path:
    """A file and a directory without any attributes."""
    path = tree.path / "node"
    if request.param == "file":
        tree.do(write_file, path, b"content")
    else:
        tree.do(os.mkdir, path)
    return path


def attributes(path: Path) -> dict[str, bytes]:
    """All that a program sees; labels of the system are not ours."""
    return {name: os.getxattr(path, name) for name in os.listxattr(path) if name.startswith("user.")}


def test_they_are_set_read_listed_and_removed(tree: Tree, node: Path) -> None:
    values = {"user.comment": b"words", "user.empty": b"", "user.binary": bytes(range(256)), "user.\u00fc": b"x"}
    assert tree.do(attributes, node) == {}
    for name, value in values.items():
        tree.do(os.setxattr, node, name, value)
    assert tree.do(attributes, node) == values
    tree.do(os.setxattr, node, "user.comment", b"other words")
    tree.do(os.removexattr, node, "user.empty")
    del values["user.empty"]
    values["user.comment"] = b"other words"
    assert tree.do(attributes, node) == values
    tree.fresh_view()
    assert tree.do(attributes, node) == values


def test_creating_and_replacing(tree: Tree, node: Path) -> None:
    with refused(errno.ENODATA):
        tree.do(os.setxattr, node, "user.a", b"1", os.XATTR_REPLACE)
    tree.do(os.setxattr, node, "user.a", b"1", os.XATTR_CREATE)
    with refused(errno.EEXIST):
        tree.do(os.setxattr, node, "user.a", b"2", os.XATTR_CREATE)
    tree.do(os.setxattr, node, "user.a", b"3", os.XATTR_REPLACE)
    assert tree.do(os.getxattr, node, "user.a") == b"3"


def test_what_is_not_there(tree: Tree, node: Path) -> None:
    with refused(errno.ENODATA):
        tree.do(os.getxattr, node, "user.absent")
    with refused(errno.ENODATA):
        tree.do(os.removexattr, node, "user.absent")


def test_large_values(tree: Tree, node: Path) -> None:
    tree.do(os.setxattr, node, "user.large", b"v" * 3000)
    assert tree.do(os.getxattr, node, "user.large") == b"v" * 3000
    with refused(errno.E2BIG):
        tree.do(os.setxattr, node, "user.larger", b"v" * 65_537)
    with refused(errno.ERANGE, errno.ENAMETOOLONG):
        tree.do(os.setxattr, node, "user." + "n" * 251, b"v")
    tree.do(os.setxattr, node, "user." + "n" * 250, b"v")


def short_buffer(path: Path) -> int:
    """The error number for a buffer that is too small for a value."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(2)
    assert libc.getxattr(os.fsencode(path), b"user.a", buffer, 2) == -1
    return ctypes.get_errno()


def test_a_short_buffer_is_told(tree: Tree, node: Path) -> None:
    tree.do(os.setxattr, node, "user.a", b"four")
    assert tree.do(short_buffer, node) == errno.ERANGE


def test_they_follow_a_rename_and_a_new_content(tree: Tree) -> None:
    path, other = tree.path / "file", tree.path / "other"
    tree.do(write_file, path, b"first")
    tree.do(os.setxattr, path, "user.a", b"kept")
    tree.do(os.rename, path, other)
    tree.settle()
    tree.do(write_file, other, b"second")
    assert tree.do(attributes, other) == {"user.a": b"kept"}
    tree.fresh_view()
    assert tree.do(attributes, other) == {"user.a": b"kept"}


def test_what_replaces_a_file_brings_its_own(tree: Tree) -> None:
    path, beside = tree.path / "file", tree.path / "beside"
    tree.do(write_file, path, b"first")
    tree.do(os.setxattr, path, "user.old", b"gone")
    tree.settle()
    tree.do(write_file, beside, b"second")
    tree.do(os.setxattr, beside, "user.new", b"kept")
    tree.do(os.rename, beside, path)
    assert tree.do(attributes, path) == {"user.new": b"kept"}
    tree.fresh_view()
    assert tree.do(attributes, path) == {"user.new": b"kept"}


def test_cp_and_setfattr_carry_them(tree: Tree) -> None:
    path = tree.path / "file"
    tree.do(write_file, path, b"x")
    tree.run("setfattr", "-n", "user.a", "-v", "carried", path)
    tree.run("cp", "--preserve=xattr", path, tree.path / "copy")
    tree.fresh_view()
    assert "carried" in tree.run("getfattr", "--absolute-names", "-d", tree.path / "copy")
