"""The service's published client and the mount read each other's files, byte for byte."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.filesystem.steps import content, names, read_file, write_file
from tests.filesystem.tree import Tree
from tests.interop.client import Connect, PublishedClient
from tests.mount.fixture import ENCRYPTED_ROOM, ROOMS, SPACE_LIMIT, new_account
from tests.mount.service import Service
from tests.mount.session import Account
from tests.mount.shared import SharedMount, TreeMaker
from tests.sandbox.fixture import RunningSandbox, start_sandbox

pytestmark = pytest.mark.mount

SIZES = [0, 1, 15, 16, 17, 100_000, (5 << 20) + 3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One of its own: what that client encrypts for pairs of version ``A`` opens in no other (DRACOON facts, 22.3)."""
    running = start_sandbox(tmp_path_factory.mktemp("published") / "data")
    running.control.set(space_limit=SPACE_LIMIT)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def account(server: RunningSandbox) -> Account:
    """With the version that new accounts get."""
    return new_account(server, "RSA-4096")


@pytest.fixture(scope="module")
def service(account: Account) -> Iterator[Service]:
    """A second client of the same user."""
    with Service(account.url, account.username, account.password) as service:
        yield service


@pytest.fixture(scope="module")
def shared_mount(fuse: None, account: Account) -> Iterator[SharedMount]:
    """The mount of that user."""
    shared = SharedMount(account)
    yield shared
    shared.discard()


@pytest.fixture
def client(account: Account, published_client: Connect) -> PublishedClient:
    """The published client with the same account."""
    return published_client(account.url, account.username, account.password, account.encryption_password)


@pytest.fixture(params=["mount-plain", "mount-encrypted"])
def tree(request: pytest.FixtureRequest, mounted_trees: TreeMaker) -> Tree:
    """A directory in a plain room or in an encrypted one, which the service has."""
    tree = mounted_trees(request.param)
    tree.settle()
    return tree


def remote(tree: Tree, name: str = "") -> str:
    """The path that the published client wants."""
    return f"{ROOMS[tree.kind]}/{tree.path.name}/{name}".rstrip("/")


def soon(tree: Tree, expected: list[str]) -> None:
    """The listing must become this by itself, after a poll."""
    deadline = time.monotonic() + 60
    while (seen := tree.do(names, tree.path)) != expected:
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.05)


def test_the_client_reads_what_the_mount_wrote(tree: Tree, client: PublishedClient, tmp_path: Path) -> None:
    for size in SIZES:
        tree.do(write_file, tree.path / f"file {size}", content(size, size))
    tree.settle()
    for size in SIZES:
        client("get", remote(tree, f"file {size}"), tmp_path / "local")
        assert (tmp_path / "local").read_bytes() == content(size, size), f"{size} bytes"


def test_the_mount_reads_what_the_client_wrote(tree: Tree, client: PublishedClient, tmp_path: Path) -> None:
    for size in SIZES:
        (tmp_path / "local").write_bytes(content(size, size))
        client("put", remote(tree, f"file {size}"), tmp_path / "local")
    soon(tree, sorted(f"file {size}" for size in SIZES))
    for size in SIZES:
        assert tree.do(read_file, tree.path / f"file {size}") == content(size, size), f"{size} bytes"


def test_they_take_turns_with_one_file(tree: Tree, client: PublishedClient, tmp_path: Path) -> None:
    for turn in range(3):
        tree.do(write_file, tree.path / "file", f"mount {turn}".encode())
        tree.settle()
        client("get", remote(tree, "file"), tmp_path / "local")
        assert (tmp_path / "local").read_bytes() == f"mount {turn}".encode()
        (tmp_path / "local").write_bytes(f"client {turn}".encode())
        client("put", remote(tree, "file"), tmp_path / "local")
        tree.fresh_view()
        assert tree.do(read_file, tree.path / "file") == f"client {turn}".encode()


def test_directories_and_renames_of_the_client(tree: Tree, client: PublishedClient, tmp_path: Path) -> None:
    tree.do(write_file, tree.path / "file", b"x")
    tree.settle()
    client("mkdir", remote(tree, "folder"))
    soon(tree, ["file", "folder"])
    client("move", remote(tree, "file"), remote(tree, "folder"))
    client("rename", remote(tree, "folder"), "new name")
    soon(tree, ["new name"])
    assert tree.do(read_file, tree.path / "new name/file") == b"x"
    client("delete", remote(tree, "new name"))
    soon(tree, [])


def test_the_mount_gives_keys_to_the_other_members(
    mounted_trees: TreeMaker,
    server: RunningSandbox,
    service: Service,
    account: Account,
    published_client: Connect,
    tmp_path: Path,
) -> None:
    tree = mounted_trees("mount-encrypted")
    name = f"member of {tree.path.name}"
    member = server.control.add_user(name, account.password)
    server.control.add_key_pair(member, "a third password")
    server.control.set_rights(service.id(f"/{ENCRYPTED_ROOM}"), member, ("read",))
    tree.do(write_file, tree.path / "file", b"for all members")
    tree.settle()
    other = published_client(account.url, name, account.password, "a third password")
    other("get", remote(tree, "file"), tmp_path / "local")
    assert (tmp_path / "local").read_bytes() == b"for all members"
