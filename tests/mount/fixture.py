"""Fixtures for tests on a real mount of the sandbox; registered for all test folders."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.amazon.account import amazon_account
from tests.amazon.server import start_amazon
from tests.filesystem.tree import Tree
from tests.metadisk.account import account_of
from tests.metadisk.server import start_metadisk
from tests.metadisk.service import Service as MetadiskService
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import AllowedLog, SharedMount, TreeMaker, mounted, new_home
from tests.nextcloud.server import start_nextcloud
from tests.sandbox.fixture import RunningSandbox, start_sandbox
from tests.smartfile.server import start_smartfile
from tests.webdav.servers import anywhere, serving_or_skip

PASSWORD = "a password"
ENCRYPTION_PASSWORD = "another password"
"""In ASCII, because the published client can send no other (DRACOON facts, 25)."""
ROOM_MANAGER = 4
SPACE_LIMIT = 1 << 40
PLAIN_ROOM = "Projects"
ENCRYPTED_ROOM = "Confidential"
ROOMS = {
    "mount-plain": PLAIN_ROOM,
    "mount-encrypted": ENCRYPTED_ROOM,
    "mount-webdav": "",
    "mount-nextcloud": "",
    "mount-amazon": "",
    "mount-smartfile": "",
    "mount-metadisk": "bucket",
}
MOUNTS = {
    "mount-webdav": "shared_webdav_mount",
    "mount-nextcloud": "shared_nextcloud_mount",
    "mount-amazon": "shared_amazon_mount",
    "mount-smartfile": "shared_smartfile_mount",
    "mount-metadisk": "shared_metadisk_mount",
}
WEBDAV_SERVER = "apache"


@pytest.fixture(scope="session")
def fuse() -> None:
    """This machine can mount; elsewhere these tests are skipped, unless everything is required."""
    reason = _why_not()
    if reason and (os.environ.get("MOUNTCLOUD_REQUIRE_ALL") or os.environ.get("CI")):
        pytest.fail(f"mounts must be tested here, but {reason}")
    if reason:
        pytest.skip(f"no mount: {reason}")


def _why_not() -> str:
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse cannot be opened"
    return "" if shutil.which("fusermount3") else "fusermount3 is missing"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A service for the mounts alone: their polling must not disturb tests that count requests."""
    running = start_sandbox(tmp_path_factory.mktemp("service") / "data")
    running.control.set(space_limit=SPACE_LIMIT)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def account(server: RunningSandbox) -> Account:
    """The user whose files are mounted, with a plain and an encrypted room."""
    return new_account(server)


def new_account(server: RunningSandbox, key_pair: str = "A") -> Account:
    """A user with a key pair and two rooms; once for each server.

    Checking a pair of version ``RSA-4096`` costs each daemon a third of a second, so only those have one that need it.
    """
    user = server.control.add_user("user", PASSWORD, (ROOM_MANAGER,))
    server.control.add_key_pair(user, ENCRYPTION_PASSWORD, key_pair)
    server.control.add_room(PLAIN_ROOM, user)
    server.control.add_room(ENCRYPTED_ROOM, user, encrypted=True)
    return Account(server.base_url, user, "user", PASSWORD, ENCRYPTION_PASSWORD)


@pytest.fixture(scope="session")
def service(account: Account) -> Iterator[Service]:
    """A second client of the same user."""
    with Service(account.url, account.username, account.password) as service:
        yield service


@pytest.fixture(scope="session")
def colleague(server: RunningSandbox, account: Account) -> Iterator[Service]:
    """Another user with a key pair, who may make rooms."""
    user = server.control.add_user("colleague", PASSWORD, (ROOM_MANAGER,))
    server.control.add_key_pair(user, ENCRYPTION_PASSWORD)
    with Service(account.url, "colleague", PASSWORD) as service:
        yield service


@pytest.fixture(scope="session")
def shared_mount(fuse: None, account: Account) -> Iterator[SharedMount]:
    """One mount for all tests that leave it whole."""
    shared = SharedMount(account)
    yield shared
    shared.discard()


@pytest.fixture(scope="session")
def shared_webdav_mount(fuse: None) -> Iterator[SharedMount]:
    """The same on a WebDAV server that other people wrote."""
    with serving_or_skip(WEBDAV_SERVER, anywhere(user="user", password=PASSWORD)) as site:
        shared = SharedMount(Account(site.url, 0, site.user, site.password, "", provider="webdav"))
        yield shared
        shared.discard()


@pytest.fixture(scope="session")
def shared_nextcloud_mount(fuse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedMount]:
    """The same on Nextcloud."""
    server = start_nextcloud(tmp_path_factory.mktemp("nextcloud") / "data")
    try:
        server.control.add_account("user", PASSWORD)
        shared = SharedMount(Account(server.base_url, 0, "user", PASSWORD, "", provider="nextcloud"))
        yield shared
        shared.discard()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def shared_amazon_mount(fuse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedMount]:
    """The same on Amazon Cloud Drive."""
    server = start_amazon(tmp_path_factory.mktemp("amazon") / "data")
    try:
        shared = SharedMount(amazon_account(server.control.new_customer()))
        yield shared
        shared.discard()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def shared_smartfile_mount(fuse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedMount]:
    """The same on SmartFile."""
    server = start_smartfile(tmp_path_factory.mktemp("smartfile") / "data")
    try:
        key, password = server.control.add_account("user")
        shared = SharedMount(Account(server.base_url, 0, key, password, "", provider="smartfile"))
        yield shared
        shared.discard()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def shared_metadisk_mount(fuse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedMount]:
    """The same in a bucket on Metadisk."""
    server = start_metadisk(tmp_path_factory.mktemp("metadisk") / "data")
    try:
        server.control.add_user("user@example.org")
        with MetadiskService(server.base_url, "user@example.org") as service:
            service.make_bucket("bucket")
            shared = SharedMount(account_of(service))
        yield shared
        shared.discard()
    finally:
        server.stop()


@pytest.fixture
def allowed_log() -> AllowedLog:
    """``allowed_log.allow(pattern)``: what the daemon may complain of in this test."""
    return AllowedLog()


@pytest.fixture
def mounted_trees(request: pytest.FixtureRequest, allowed_log: AllowedLog) -> Iterator[TreeMaker]:
    """Makes empty directories in a room of a shared mount; its log is examined at the end."""
    with new_home(None) as scratch:
        trees: list[Tree] = []
        mounts: list[SharedMount] = []

        def make(kind: str) -> Tree:
            mounts.append(request.getfixturevalue(MOUNTS.get(kind, "shared_mount")))
            trees.append(mounts[-1].tree(kind, ROOMS[kind], scratch))
            return trees[-1]

        yield make
        for tree in trees:
            tree.close()
        for mount in {id(each): each for each in mounts}.values():
            mount.examine(allowed_log)


@pytest.fixture
def own_mount(fuse: None, account: Account) -> Iterator[Mount]:
    """A mount that the test may break."""
    with mounted(account) as mount:
        yield mount


@pytest.fixture
def troubled(server: RunningSandbox) -> Iterator[RunningSandbox]:
    """The service; its troubles end with the test."""
    before = server.control.switches()
    yield server
    server.control.clear_faults()
    server.control.set(**before)
