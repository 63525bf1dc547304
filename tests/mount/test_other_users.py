"""Other users of this machine in a mount that lets them in: owners, permission bits, sticky directories."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller, User
from tests.filesystem.steps import read_file, write_file
from tests.filesystem.tree import refused
from tests.mount.fixture import PLAIN_ROOM
from tests.mount.session import NAME, Account, Mount
from tests.mount.shared import new_home

pytestmark = [
    pytest.mark.mount,
    pytest.mark.semantics("attr-owner"),
    pytest.mark.skipif(os.getuid() != 0, reason="only root can become other users"),
]

ALICE, BOB = User(23_001, 23_001), User(23_002, 23_002)


@dataclass
class Shared:
    """A directory in which everybody may do everything, and two users beside root."""

    mount: Mount
    place: Path
    root: Caller
    alice: Caller
    bob: Caller


@pytest.fixture(scope="module")
def open_to_all(fuse: None, account: Account) -> Iterator[Mount]:
    with new_home(None) as home:
        mount = Mount(home, account)
        settings = home / "config/mountcloud/config.toml"
        head = f"[accounts.{NAME}]\n"
        settings.write_text(settings.read_text().replace(head, f"{head}allow_other = true\n"))
        try:
            mount.start()
            yield mount
        finally:
            mount.destroy()


@pytest.fixture
def shared(open_to_all: Mount, request: pytest.FixtureRequest) -> Iterator[Shared]:
    place = open_to_all.mountpoint / PLAIN_ROOM / request.node.name.strip("[]")
    with Caller() as root, Caller(ALICE) as alice, Caller(BOB) as bob:
        root(os.mkdir, place)
        root(os.chmod, place, 0o777)
        yield Shared(open_to_all, place, root, alice, bob)


def test_what_a_user_makes_is_his_own(shared: Shared) -> None:
    shared.alice(write_file, shared.place / "file", b"hers")
    shared.alice(os.mkdir, shared.place / "directory", 0o700)
    shared.alice(os.symlink, "file", shared.place / "link")
    for _ in range(2):
        for name in ("file", "directory", "link"):
            found = shared.root(os.lstat, shared.place / name)
            assert (found.st_uid, found.st_gid) == (ALICE.uid, ALICE.gid)
        with refused(errno.EACCES):
            shared.bob(os.listdir, shared.place / "directory")
        shared.mount.fresh_view()


def test_permission_bits_hold_for_others(shared: Shared) -> None:
    path = shared.place / "file"
    shared.alice(write_file, path, b"hers")
    assert shared.bob(read_file, path) == b"hers"
    with refused(errno.EACCES):
        shared.bob(write_file, path, b"his")
    with refused(errno.EPERM):
        shared.bob(os.chmod, path, 0o777)
    shared.alice(os.chmod, path, 0o600)
    with refused(errno.EACCES):
        shared.bob(read_file, path)
    with refused(errno.EPERM):
        shared.alice(os.chown, path, BOB.uid, BOB.gid)
    shared.root(os.chown, path, BOB.uid, BOB.gid)
    assert shared.bob(read_file, path) == b"hers"
    with refused(errno.EACCES):
        shared.alice(read_file, path)


def test_a_sticky_directory_protects_what_is_in_it(shared: Shared) -> None:
    shared.root(os.chmod, shared.place, 0o1777)
    shared.alice(write_file, shared.place / "file", b"hers")
    with refused(errno.EPERM):
        shared.bob(os.unlink, shared.place / "file")
    with refused(errno.EPERM):
        shared.bob(os.rename, shared.place / "file", shared.place / "taken")
    shared.alice(os.unlink, shared.place / "file")


def test_a_directory_hands_its_group_down(shared: Shared) -> None:
    shared.root(os.chown, shared.place, 0, BOB.gid)
    shared.root(os.chmod, shared.place, 0o2777)
    shared.alice(write_file, shared.place / "file", b"hers")
    shared.alice(os.mkdir, shared.place / "directory")
    assert shared.root(os.stat, shared.place / "file").st_gid == BOB.gid
    made = shared.root(os.stat, shared.place / "directory")
    assert made.st_gid == BOB.gid
    assert made.st_mode & stat.S_ISGID
