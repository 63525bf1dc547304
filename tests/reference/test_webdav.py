"""The three actors on WebDAV: Apache behind a line that fails, and the Nextcloud sandbox, which fails by itself."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.filesystem.caller import Caller
from tests.mount.session import Account
from tests.mount.shared import mounted
from tests.nextcloud.conftest import new_dav
from tests.nextcloud.server import start_nextcloud
from tests.reference.actors import DavClient, Network, Program, SecondClient, ServersDisk
from tests.reference.bad_line import bad_line
from tests.reference.test_reference import is_a_real_test
from tests.reference.walk import Walk
from tests.webdav.client import Outsider
from tests.webdav.servers import anywhere, serving_or_skip

pytestmark = pytest.mark.mount

SHORT, LONG = 40, 150
USER, PASSWORD = "walker", "a password"
DAV_METHODS = ("PROPFIND", "PUT", "MOVE", "GET", "", "")


@contextmanager
def on_apache(place: str, chance: random.Random) -> Iterator[tuple[Account, SecondClient, Network]]:
    """A lost answer may leave a content under two names: where paths are all that is known, a rename is a new file."""
    with serving_or_skip("apache", anywhere(user=USER, password=PASSWORD)) as site, bad_line(site.port) as line:
        outsider = Outsider(f"{site.url}/{place}", (USER, PASSWORD))
        try:
            account = Account(line.url, 0, USER, PASSWORD, "", provider="webdav")
            yield account, ServersDisk(site.data / place, outsider), Network(line, chance, honest=False)
        finally:
            outsider.close()


@contextmanager
def on_nextcloud(place: str, chance: random.Random) -> Iterator[tuple[Account, SecondClient, Network]]:
    """A server of its own: nobody else should share this network."""
    with TemporaryDirectory(prefix="mountcloud-walk-") as home:
        server = start_nextcloud(Path(home) / "data")
        try:
            with new_dav(server) as dav:
                account = Account(server.base_url, 0, dav.login, dav.password, "", provider="nextcloud")
                network = Network(server.control, chance, honest=True, paths=("/files/", "/"), methods=DAV_METHODS)
                yield account, DavClient(dav, place), network
        finally:
            server.stop()


SERVERS = {"apache": on_apache, "nextcloud": on_nextcloud}


def walk(kind: str, seed: int, steps: int) -> Walk:
    chance, place = random.Random(seed), "walk"
    with SERVERS[kind](place, chance) as (account, second, network), mounted(account) as mount:
        with Caller(limit_s=90) as caller:
            caller((mount.mountpoint / place).mkdir)
            mount.settle()
            walk = Walk(mount, caller, Program(mount.mountpoint / place), second, network, chance)
            walk.run(steps)
        return walk


@pytest.mark.parametrize("kind", SERVERS)
def test_nothing_is_lost_on_webdav(kind: str, fuse: None) -> None:
    is_a_real_test(walk(kind, 5, SHORT))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 115))
@pytest.mark.parametrize("kind", SERVERS)
def test_nothing_is_lost_on_long_walks_on_webdav(kind: str, fuse: None, seed: int) -> None:
    is_a_real_test(walk(kind, seed, LONG))
