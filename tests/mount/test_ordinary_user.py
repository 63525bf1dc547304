"""A core of the lists again, by a user without privileges: daemon, programs and all."""

import errno
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller, User
from tests.filesystem.steps import names
from tests.filesystem.test_attributes import test_permissions_of_a_file_are_kept, test_times_do_not_drift
from tests.filesystem.test_contents import test_mapped_reading, test_two_handles_see_each_others_writes
from tests.filesystem.test_copying import (
    sample,
    test_cp_keeps_names_contents_times_and_modes,
    test_rm_r_leaves_nothing,
    test_second_rsync_transfers_nothing,
    test_tar_in_and_out,
)
from tests.filesystem.test_git import origin, test_clone_commit_gc_and_fsck
from tests.filesystem.test_random_walk import test_a_walk_of_its_own
from tests.filesystem.test_renaming import filled, test_file_over_file, test_unlinked_while_open
from tests.filesystem.test_saving import test_vim_itself
from tests.filesystem.test_sqlite import test_rollback_journal
from tests.filesystem.tree import Tree, refused
from tests.mount.fixture import ROOMS
from tests.mount.session import Account
from tests.mount.shared import AllowedLog, SharedMount, new_home

__all__ = [
    "filled",
    "origin",
    "sample",
    "test_a_walk_of_its_own",
    "test_clone_commit_gc_and_fsck",
    "test_cp_keeps_names_contents_times_and_modes",
    "test_file_over_file",
    "test_mapped_reading",
    "test_permissions_of_a_file_are_kept",
    "test_rm_r_leaves_nothing",
    "test_rollback_journal",
    "test_second_rsync_transfers_nothing",
    "test_tar_in_and_out",
    "test_times_do_not_drift",
    "test_two_handles_see_each_others_writes",
    "test_unlinked_while_open",
    "test_vim_itself",
]

pytestmark = pytest.mark.mount


@pytest.fixture(scope="session")
def somebody() -> User:
    """A user who may nothing; udev opens /dev/fuse to everybody, a bare machine leaves that to us."""
    if os.getuid() != 0:
        pytest.skip("another user can only be played by root; the other mount tests ran as an ordinary user already")
    Path("/dev/fuse").chmod(0o666)
    entry = pwd.getpwnam("nobody")
    return User(entry.pw_uid, entry.pw_gid)


@pytest.fixture(scope="session")
def users_mount(fuse: None, account: Account, somebody: User) -> Iterator[SharedMount]:
    """The mount of that user."""
    shared = SharedMount(account, somebody)
    yield shared
    shared.discard()


@pytest.fixture(params=[pytest.param("mount-plain", marks=pytest.mark.slow), "mount-encrypted"])
def tree(
    request: pytest.FixtureRequest, users_mount: SharedMount, allowed_log: AllowedLog, somebody: User
) -> Iterator[Tree]:
    """A directory that belongs to that user, and programs that run as that user."""
    with new_home(somebody) as scratch:
        tree = users_mount.tree(request.param, ROOMS[request.param], scratch)
        yield tree
        tree.close()
        users_mount.examine(allowed_log)


def test_files_belong_to_the_user_who_mounted(tree: Tree) -> None:
    tree.run("touch", tree.path / "file")
    assert tree.user
    assert tree.run("stat", "-c", "%u %g", tree.path / "file").split() == [str(tree.user.uid), str(tree.user.gid)]


def test_nobody_else_may_look_inside(tree: Tree) -> None:
    with Caller() as root, refused(errno.EACCES):
        root(names, tree.path)


def test_the_daemon_runs_without_privileges(tree: Tree, users_mount: SharedMount, somebody: User) -> None:
    status = Path(f"/proc/{users_mount.mount.pid}/status").read_text().splitlines()
    ids = next(line for line in status if line.startswith("Uid:")).split()[1:]
    assert ids == [str(somebody.uid)] * 4
    capabilities = next(line for line in status if line.startswith("CapEff:")).split()[1]
    assert int(capabilities, 16) == 0
