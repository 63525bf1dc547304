"""Symbolic links travel as files that rclone understands, both ways."""

import errno
import os
import stat

import pytest

from tests.filesystem.steps import names, read_file, write_file
from tests.filesystem.tree import Tree, refused
from tests.mount.fixture import PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.shared import TreeMaker

pytestmark = [pytest.mark.mount, pytest.mark.semantics("link-travels")]


@pytest.fixture
def tree(mounted_trees: TreeMaker) -> Tree:
    """In the plain room, and on the service."""
    tree = mounted_trees("mount-plain")
    tree.settle()
    return tree


@pytest.fixture
def remote(tree: Tree) -> str:
    """The same directory on the service."""
    return f"/{PLAIN_ROOM}/{tree.path.name}"


def refresh(tree: Tree) -> None:
    """Take in what other clients did."""
    tree.backing.call("refresh")  # type: ignore[attr-defined]


def test_a_link_is_a_file_with_its_target_on_the_service(tree: Tree, remote: str, service: Service) -> None:
    tree.do(os.symlink, "some/Ünï target", tree.path / "link")
    tree.settle()
    assert set(service.tree(remote)) == {"link.rclonelink"}
    assert service.download(f"{remote}/link.rclonelink") == "some/Ünï target".encode()
    tree.do(os.rename, tree.path / "link", tree.path / "renamed")
    tree.settle()
    assert set(service.tree(remote)) == {"renamed.rclonelink"}


def test_a_file_of_another_client_is_a_link_here(tree: Tree, remote: str, service: Service) -> None:
    assert tree.do(names, tree.path) == []
    service.upload(f"{remote}/theirs.rclonelink", b"first")
    service.upload(f"{remote}/large.rclonelink", b"x" * 5000)
    service.upload(f"{remote}/empty.rclonelink", b"")
    refresh(tree)
    assert tree.do(names, tree.path) == ["empty.rclonelink", "large.rclonelink", "theirs"]
    assert tree.do(os.readlink, tree.path / "theirs") == "first"
    service.upload(f"{remote}/theirs.rclonelink", b"second target")
    refresh(tree)
    assert tree.do(os.readlink, tree.path / "theirs") == "second target"
    assert tree.do(os.lstat, tree.path / "theirs").st_size == len("second target")
    assert tree.do(read_file, tree.path / "large.rclonelink") == b"x" * 5000


def test_a_file_that_becomes_a_link_elsewhere(tree: Tree, remote: str, service: Service) -> None:
    tree.do(write_file, tree.path / "node", b"target")
    tree.settle()
    assert tree.do(read_file, tree.path / "node") == b"target"
    service.rename(f"{remote}/node", "node.rclonelink")
    refresh(tree)
    assert stat.S_ISLNK(tree.do(os.lstat, tree.path / "node").st_mode)
    assert tree.do(os.readlink, tree.path / "node") == "target"
    service.rename(f"{remote}/node.rclonelink", "node")
    refresh(tree)
    assert tree.do(read_file, tree.path / "node") == b"target"


def test_a_file_and_a_link_of_one_name_are_both_seen(tree: Tree, remote: str, service: Service) -> None:
    service.upload(f"{remote}/name", b"a file")
    service.upload(f"{remote}/name.rclonelink", b"a target")
    refresh(tree)
    found = tree.do(names, tree.path)
    assert len(found) == 2
    kinds = {stat.S_IFMT(tree.do(os.lstat, tree.path / name).st_mode) for name in found}
    assert kinds == {stat.S_IFREG, stat.S_IFLNK}
    for name in found:
        tree.do(os.unlink, tree.path / name)
    tree.settle()
    assert service.tree(remote) == {}


def test_names_that_stand_for_links_are_refused_for_files(tree: Tree) -> None:
    with refused(errno.EINVAL):
        tree.do(write_file, tree.path / "x.rclonelink", b"x")
    tree.do(write_file, tree.path / "x", b"x")
    with refused(errno.EINVAL):
        tree.do(os.rename, tree.path / "x", tree.path / "y.rclonelink")
    tree.do(os.mkdir, tree.path / "d.rclonelink")
    assert tree.do(names, tree.path) == ["d.rclonelink", "x"]
