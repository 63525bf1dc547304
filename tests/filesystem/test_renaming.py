"""rename(2) and unlink(2), also under the feet of open handles."""

import errno
import os

import pytest

from tests.filesystem.steps import names, read_file, write_file
from tests.filesystem.tree import Tree, refused


@pytest.fixture(params=["at once", "settled"])
def filled(request: pytest.FixtureRequest, tree: Tree) -> Tree:
    """Two files, two empty directories, a full one: just made, or known to the service already."""
    for name in ("one", "two"):
        tree.do(write_file, tree.path / name, name.encode())
    for name in ("empty", "vacant", "full"):
        tree.do(os.mkdir, tree.path / name)
    tree.do(write_file, tree.path / "full/child", b"child")
    if request.param == "settled":
        tree.fresh_view()
    return tree


ALL = ["empty", "full", "one", "two", "vacant"]


def test_new_name(filled: Tree) -> None:
    filled.do(os.rename, filled.path / "one", filled.path / "three")
    filled.do(os.rename, filled.path / "full", filled.path / "laden")
    expected = ["empty", "laden", "three", "two", "vacant"]
    assert filled.do(names, filled.path) == expected
    filled.fresh_view()
    assert filled.do(names, filled.path) == expected
    assert filled.do(read_file, filled.path / "three") == b"one"
    assert filled.do(read_file, filled.path / "laden/child") == b"child"


@pytest.mark.semantics("dir-rename")
def test_other_parent_and_other_name(filled: Tree) -> None:
    filled.do(os.rename, filled.path / "one", filled.path / "full/eins")
    filled.do(os.rename, filled.path / "full", filled.path / "empty/laden")
    filled.fresh_view()
    assert filled.do(names, filled.path) == ["empty", "two", "vacant"]
    assert filled.do(names, filled.path / "empty/laden") == ["child", "eins"]
    assert filled.do(read_file, filled.path / "empty/laden/eins") == b"one"


def test_chain_of_renames(filled: Tree) -> None:
    filled.do(os.rename, filled.path / "one", filled.path / "aside")
    filled.do(os.rename, filled.path / "two", filled.path / "one")
    filled.do(os.rename, filled.path / "aside", filled.path / "two")
    filled.fresh_view()
    assert filled.do(names, filled.path) == ALL
    assert filled.do(read_file, filled.path / "one") == b"two"
    assert filled.do(read_file, filled.path / "two") == b"one"


@pytest.mark.semantics("dir-rename")
@pytest.mark.parametrize("target", ["two", "full/child"])
def test_file_over_file(filled: Tree, target: str) -> None:
    filled.do(os.rename, filled.path / "one", filled.path / target)
    assert filled.do(read_file, filled.path / target) == b"one"
    filled.fresh_view()
    assert filled.do(read_file, filled.path / target) == b"one"
    assert "one" not in filled.do(names, filled.path)
    assert filled.do(names, filled.path / "full") == ["child"]


@pytest.mark.semantics("file-replaced-open")
def test_file_over_an_open_file(filled: Tree) -> None:
    fd = filled.do(os.open, filled.path / "two", os.O_RDONLY)
    filled.do(os.rename, filled.path / "one", filled.path / "two")
    assert filled.do(os.pread, fd, 100, 0) == b"two"
    assert filled.do(read_file, filled.path / "two") == b"one"
    filled.do(os.close, fd)
    filled.fresh_view()
    assert filled.do(read_file, filled.path / "two") == b"one"


@pytest.mark.semantics("dir-rename")
def test_directory_over_an_empty_directory(filled: Tree) -> None:
    filled.do(os.rename, filled.path / "full", filled.path / "empty")
    assert filled.do(names, filled.path / "empty") == ["child"]
    filled.fresh_view()
    assert filled.do(names, filled.path) == ["empty", "one", "two", "vacant"]
    assert filled.do(names, filled.path / "empty") == ["child"]


REFUSALS = [
    ("empty", "full", (errno.ENOTEMPTY, errno.EEXIST)),
    ("one", "empty", (errno.EISDIR,)),
    ("empty", "one", (errno.ENOTDIR,)),
    ("full", "full/inside", (errno.EINVAL,)),
    ("full", "full", ()),
    ("one", "one", ()),
    ("absent", "three", (errno.ENOENT,)),
    ("one", "absent/three", (errno.ENOENT,)),
    ("one", "two/three", (errno.ENOTDIR,)),
    ("one", "x" * 256, (errno.ENAMETOOLONG,)),
]


@pytest.mark.semantics("dir-rename-errors")
def test_changes_nothing(filled: Tree) -> None:
    for source, target, numbers in REFUSALS:
        if numbers:
            with refused(*numbers):
                filled.do(os.rename, filled.path / source, filled.path / target)
        else:
            filled.do(os.rename, filled.path / source, filled.path / target)
        assert filled.do(names, filled.path) == ALL, f"{source} to {target}"
    filled.fresh_view()
    assert filled.do(names, filled.path) == ALL
    assert filled.do(names, filled.path / "full") == ["child"]
    assert filled.do(names, filled.path / "empty") == []
    assert filled.do(read_file, filled.path / "one") == b"one"


def test_mv_no_clobber_keeps_the_target(filled: Tree) -> None:
    filled.attempt("mv", "-n", filled.path / "one", filled.path / "two")
    filled.fresh_view()
    assert filled.do(names, filled.path) == ALL
    assert filled.do(read_file, filled.path / "two") == b"two"


@pytest.mark.semantics("file-rename-open")
def test_writes_after_a_rename_land_under_the_new_name(filled: Tree) -> None:
    fd = filled.do(os.open, filled.path / "one", os.O_RDWR)
    filled.do(os.pwrite, fd, b"ONE", 0)
    filled.do(os.rename, filled.path / "one", filled.path / "full/moved")
    filled.do(os.pwrite, fd, b" and more", 3)
    assert filled.do(read_file, filled.path / "full/moved") == b"ONE and more"
    filled.do(os.close, fd)
    filled.fresh_view()
    assert filled.do(read_file, filled.path / "full/moved") == b"ONE and more"
    assert "one" not in filled.do(names, filled.path)


def test_writes_land_below_a_renamed_directory(filled: Tree) -> None:
    fd = filled.do(os.open, filled.path / "full/child", os.O_RDWR)
    filled.do(os.rename, filled.path / "full", filled.path / "laden")
    filled.do(os.pwrite, fd, b"C", 0)
    filled.do(os.close, fd)
    filled.fresh_view()
    assert filled.do(read_file, filled.path / "laden/child") == b"Child"


@pytest.mark.semantics("file-unlink-open")
def test_unlinked_while_open(filled: Tree) -> None:
    fd = filled.do(os.open, filled.path / "one", os.O_RDWR)
    filled.do(os.unlink, filled.path / "one")
    assert "one" not in filled.do(names, filled.path)
    assert filled.do(os.pread, fd, 100, 0) == b"one"
    filled.do(os.pwrite, fd, b"!", 3)
    assert filled.do(os.pread, fd, 100, 0) == b"one!"
    assert filled.do(os.fstat, fd).st_size == 4
    filled.do(os.close, fd)
    assert "one" not in filled.do(names, filled.path)
    filled.fresh_view()
    assert filled.do(names, filled.path) == ["empty", "full", "two", "vacant"]


def test_unlinked_while_open_and_made_anew(filled: Tree) -> None:
    fd = filled.do(os.open, filled.path / "one", os.O_RDWR)
    filled.do(os.unlink, filled.path / "one")
    filled.do(write_file, filled.path / "one", b"another")
    filled.do(os.pwrite, fd, b"ghost", 0)
    filled.do(os.close, fd)
    assert filled.do(read_file, filled.path / "one") == b"another"
    filled.fresh_view()
    assert filled.do(read_file, filled.path / "one") == b"another"


def test_removed_and_made_anew(filled: Tree) -> None:
    for turn in range(5):
        filled.do(os.unlink, filled.path / "one")
        filled.do(write_file, filled.path / "one", f"turn {turn}".encode())
    filled.do(os.rmdir, filled.path / "empty")
    filled.do(write_file, filled.path / "empty", b"a file now")
    filled.do(os.unlink, filled.path / "two")
    filled.do(os.mkdir, filled.path / "two")
    filled.fresh_view()
    assert filled.do(read_file, filled.path / "one") == b"turn 4"
    assert filled.do(read_file, filled.path / "empty") == b"a file now"
    assert filled.do(names, filled.path / "two") == []


def test_unlink_and_rmdir_refuse_the_other_kind(filled: Tree) -> None:
    with refused(errno.EISDIR):
        filled.do(os.unlink, filled.path / "empty")
    with refused(errno.ENOTDIR):
        filled.do(os.rmdir, filled.path / "one")
    with refused(errno.ENOTEMPTY):
        filled.do(os.rmdir, filled.path / "full")
    with refused(errno.ENOENT):
        filled.do(os.unlink, filled.path / "absent")
    filled.fresh_view()
    assert filled.do(names, filled.path) == ALL
    assert filled.do(names, filled.path / "full") == ["child"]
