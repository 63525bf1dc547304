"""What a service cannot hold or do is refused at once with the right number; what it can do another way is done."""

import errno
import os
import stat
from pathlib import Path

import pytest

from tests.filesystem.sample import make_sample, times
from tests.filesystem.steps import content, names, read_file, write_file
from tests.filesystem.tree import Tree, refused
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM, SPACE_LIMIT
from tests.mount.service import Service
from tests.mount.shared import AllowedLog, SharedMount, TreeMaker

pytestmark = pytest.mark.mount

FORBIDDEN = [
    *["a:b", "a?b", "a*b", 'a"b', "a<b", "a>b", "a|b", "a\\b", "trailing.", "CON", "nul.txt", "com1", "control\x07"],
]


@pytest.fixture
def tree(mounted_trees: TreeMaker) -> Tree:
    """A directory in the plain room."""
    return mounted_trees("mount-plain")


@pytest.fixture
def encrypted(mounted_trees: TreeMaker) -> Tree:
    """A directory in the encrypted room of the same mount."""
    return mounted_trees("mount-encrypted")


@pytest.mark.semantics("name-forbidden")
@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_names(tree: Tree, name: str) -> None:
    tree.do(write_file, tree.path / "source", b"x")
    with refused(errno.EINVAL):
        tree.do(write_file, tree.path / name, b"x")
    with refused(errno.EINVAL):
        tree.do(os.mkdir, tree.path / name)
    with refused(errno.EINVAL):
        tree.do(os.rename, tree.path / "source", tree.path / name)
    assert tree.do(names, tree.path) == ["source"]


def test_names_that_are_not_text(tree: Tree) -> None:
    with refused(errno.EINVAL, errno.EILSEQ):
        tree.do(write_file, tree.path / os.fsdecode(b"latin-\xe9"), b"x")
    assert tree.do(names, tree.path) == []


@pytest.mark.semantics("name-forbidden")
@pytest.mark.parametrize("character", ["x", "ü", "日"])
def test_long_names(tree: Tree, character: str) -> None:
    longest = character * min(150, 255 // len(character.encode()))
    tree.do(write_file, tree.path / longest, b"x")
    for name in (character * 151, character * 200):
        with refused(errno.ENAMETOOLONG):
            tree.do(write_file, tree.path / name, b"x")
        with refused(errno.ENAMETOOLONG):
            tree.do(os.mkdir, tree.path / name)
    tree.fresh_view()
    assert tree.do(names, tree.path) == [longest]


@pytest.mark.semantics("name-case")
@pytest.mark.parametrize("settled", [False, True], ids=["at once", "after it arrived"])
def test_names_that_differ_in_case_only(tree: Tree, settled: bool) -> None:
    tree.do(write_file, tree.path / "Straße Ä", b"upper")
    if settled:
        tree.settle()
    for flags in (os.O_WRONLY | os.O_CREAT | os.O_EXCL, os.O_WRONLY | os.O_CREAT):
        with refused(errno.EEXIST):
            tree.do(write_file, tree.path / "straße ä", b"lower", flags)
    with refused(errno.EEXIST):
        tree.do(os.mkdir, tree.path / "STRASSE Ä")
    tree.do(write_file, tree.path / "other", b"other")
    with refused(errno.EEXIST):
        tree.do(os.rename, tree.path / "other", tree.path / "STRASSE Ä")
    tree.do(os.rename, tree.path / "Straße Ä", tree.path / "STRASSE Ä")
    tree.fresh_view()
    assert tree.do(names, tree.path) == ["STRASSE Ä", "other"]
    assert tree.do(read_file, tree.path / "STRASSE Ä") == b"upper"
    tree.do(os.unlink, tree.path / "STRASSE Ä")
    tree.do(write_file, tree.path / "strasse ä", b"free again")
    tree.fresh_view()
    assert tree.do(names, tree.path) == ["other", "strasse ä"]


@pytest.mark.parametrize("name", ["Cafe\u0301", "Caf\u00e9"])
def test_both_forms_of_an_accent_find_the_file(tree: Tree, name: str) -> None:
    tree.do(write_file, tree.path / name, b"coffee")
    assert tree.do(read_file, tree.path / name) == b"coffee"
    tree.fresh_view()
    assert tree.do(read_file, tree.path / name) == b"coffee"


@pytest.mark.semantics("file-no-links")
def test_hard_links_and_special_files_are_refused(tree: Tree) -> None:
    tree.do(write_file, tree.path / "file", b"x")
    with refused(errno.EPERM):
        tree.do(os.link, tree.path / "file", tree.path / "hard link")
    for kind in (stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK):
        with refused(errno.EPERM):
            tree.do(os.mknod, tree.path / "special", kind | 0o644, os.makedev(1, 3))
    tree.fresh_view()
    assert tree.do(names, tree.path) == ["file"]


@pytest.mark.semantics("attr-extended")
def test_other_extended_attributes_than_those_of_users_are_refused(tree: Tree) -> None:
    tree.do(write_file, tree.path / "file", b"x")
    for name in ("security.capability", "security.selinux", "trusted.a", "system.posix_acl_access"):
        with refused(errno.ENOTSUP, errno.EINVAL):  # the kernel itself examines some values first
            tree.do(os.setxattr, tree.path / "file", name, b"x")
        with refused(errno.ENOTSUP):
            tree.do(os.getxattr, tree.path / "file", name)


def test_the_top_holds_rooms_only(tree: Tree) -> None:
    top = tree.path.parent.parent
    with refused(errno.EPERM, errno.EACCES):
        tree.do(write_file, top / "file at the top", b"x")
    tree.do(write_file, tree.path / "file", b"x")
    with refused(errno.EPERM, errno.EACCES, errno.EXDEV):
        tree.do(os.rename, tree.path / "file", top / "file at the top")
    with refused(errno.EPERM, errno.EACCES):
        tree.do(os.rename, top / PLAIN_ROOM, top / ENCRYPTED_ROOM / "inside")
    tree.fresh_view()
    assert {PLAIN_ROOM, ENCRYPTED_ROOM} <= set(tree.do(names, top))
    assert "file at the top" not in tree.do(names, top)


@pytest.mark.semantics("dir-boundary")
@pytest.mark.parametrize("inwards", [True, False], ids=["into the encrypted room", "out of the encrypted room"])
def test_mv_across_the_encryption_boundary(tree: Tree, encrypted: Tree, inwards: bool) -> None:
    source, target = (tree, encrypted) if inwards else (encrypted, tree)
    original = tree.scratch / "sample"
    tree.do(original.mkdir)
    tree.do(make_sample, original)
    tree.run("cp", "-a", original, source.path / "sample")
    tree.do(write_file, source.path / "single", content(2, 100_000))
    tree.settle()
    with refused(errno.EXDEV):
        tree.do(os.rename, source.path / "single", target.path / "single")
    tree.run("mv", source.path / "sample", source.path / "single", target.path)
    tree.fresh_view()
    assert tree.do(names, source.path) == []
    assert tree.run("diff", "-r", original, target.path / "sample") == ""
    assert tree.do(times, original) == tree.do(times, target.path / "sample")
    assert tree.do(read_file, target.path / "single") == content(2, 100_000)


def test_stored_bytes_are_plain_or_encrypted(tree: Tree, encrypted: Tree, service: Service) -> None:
    data = b"these words are easily found " * 100
    for room, each in ((PLAIN_ROOM, tree), (ENCRYPTED_ROOM, encrypted)):
        tree.do(write_file, each.path / "words", data)
        tree.settle()
        stored = service.download(f"/{room}/{each.path.name}/words")
        assert len(stored) == len(data)
        assert (stored == data) is (room == PLAIN_ROOM)


def test_nothing_of_an_encrypted_file_is_on_the_disk(encrypted: Tree, shared_mount: SharedMount) -> None:
    word = b"unmistakable words of this very test"
    encrypted.do(write_file, encrypted.path / "secret", word * 10_000)
    encrypted.fresh_view()
    assert encrypted.do(read_file, encrypted.path / "secret") == word * 10_000
    assert files_with(shared_mount.mount.paths.cache, word) == []
    assert files_with(shared_mount.mount.paths.state, word) == []


def files_with(directory: Path, word: bytes) -> list[Path]:
    """The files below a directory that contain these bytes."""
    return [file for file in directory.rglob("*") if file.is_file() and word in file.read_bytes()]


@pytest.mark.semantics("attr-statfs")
def test_df_shows_the_quota(tree: Tree, service: Service) -> None:
    _, words = tree.run("df", "-B1", "--output=size,avail,fstype", tree.path).splitlines()
    size, available, kind = words.split()
    assert kind.startswith("fuse")
    used = service.ask("GET", "/user/account/customer")["spaceUsed"]
    assert abs(int(size) - SPACE_LIMIT) <= 1 << 20
    assert abs(int(available) - (SPACE_LIMIT - used)) <= 256 << 20


def test_a_file_that_encryption_cannot_hold_is_refused_at_once(encrypted: Tree, allowed_log: AllowedLog) -> None:
    allowed_log.allow("EFBIG")
    largest = 2**36 - 32
    encrypted.do(write_file, encrypted.path / "file", b"small")
    with refused(errno.EFBIG):
        encrypted.do(os.truncate, encrypted.path / "file", largest + 1)
    fd = encrypted.do(os.open, encrypted.path / "file", os.O_WRONLY)
    with refused(errno.EFBIG):
        encrypted.do(os.pwrite, fd, b"x", largest)
    encrypted.do(os.close, fd)
    assert encrypted.do(read_file, encrypted.path / "file") == b"small"
