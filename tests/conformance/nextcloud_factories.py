"""Nextcloud before the suite: one sandbox for the whole run, a directory for each test.

Both clients share one book of places, since a path can only be looked up where it was seen.
"""

import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.nextcloud import ABILITIES as NEXTCLOUD_ABILITIES
from mountcloud.providers.webdav.nextcloud import NextcloudProvider
from mountcloud.providers.webdav.provider import ABILITIES, WebdavProvider
from mountcloud.providers.webdav.settings import WebdavSettings
from tests.conformance.under_test import Factory, ProviderUnderTest
from tests.nextcloud.server import NextcloudServer, start_nextcloud

USER, PASSWORD = "conformance", "secret"
CHUNK = 64 * 1024
"""Smaller than real servers want, so that small files have several chunks; the smallest still go up whole."""


@dataclass
class SharedNextcloud:
    """Starts with the first test that needs it; ``stop`` is for the fixture that ends the run."""

    running: NextcloudServer | None = None
    places: "itertools.count[int]" = field(default_factory=itertools.count)
    account: str = ""
    directory: "tempfile.TemporaryDirectory[str] | None" = None

    def start(self) -> NextcloudServer:
        if self.running is None:
            self.directory = tempfile.TemporaryDirectory(prefix="mountcloud-conformance-")
            self.running = start_nextcloud(Path(self.directory.name) / "data")
            self.running.control.set(chunk_minimum=CHUNK)
            self.account = self.running.control.add_account(USER, PASSWORD)
        return self.running

    def stop(self) -> None:
        if self.running is not None and self.directory is not None:
            self.running.stop()
            self.directory.cleanup()


shared_nextcloud = SharedNextcloud()


@asynccontextmanager
async def nextcloud() -> AsyncIterator[ProviderUnderTest]:
    """Two clients of one account."""
    settings = WebdavSettings(shared_nextcloud.start().base_url, USER)
    places, secrets = MemoryPlaces(), MemorySecrets({"password": PASSWORD})
    provider, second = (NextcloudProvider(settings, secrets, places, CHUNK) for _ in range(2))
    try:
        root = await provider.root()
        place = await provider.make_directory(root.id, f"place {next(shared_nextcloud.places)}", 0)
        yield ProviderUnderTest(provider, second, place.id)
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()
            await second.aclose()


@asynccontextmanager
async def syncing(page: int) -> AsyncIterator[ProviderUnderTest]:
    """The plain WebDAV provider on a server that tells what changed, in pages of so many names."""
    server = shared_nextcloud.start()
    server.control.set(sync=True, sync_page=page)
    url = f"{server.base_url}/remote.php/dav/files/{quote(shared_nextcloud.account)}"
    settings, secrets = WebdavSettings(url, USER), MemorySecrets({"password": PASSWORD})
    places, watched = MemoryPlaces(), MemoryPlaces()
    for book in (places, watched):
        book.set_note(ABILITIES, replace(NEXTCLOUD_ABILITIES, sync=True).text)
    books = (places, places, watched, watched)
    provider, second, *followers = (WebdavProvider(settings, secrets, book) for book in books)
    try:
        root = await provider.root()
        place = await provider.make_directory(root.id, f"place {next(shared_nextcloud.places)}", 0)
        for each in followers:
            await each.root()
        yield ProviderUnderTest(provider, second, place.id, followers=(followers[0], followers[1]))
    finally:
        server.control.set(sync=False, sync_page=0)
        with trio.CancelScope(shield=True):
            for each in (provider, second, *followers):
                await each.aclose()


SYNCING: dict[str, Factory] = {f"webdav-sync-{page}": partial(syncing, page) for page in (0, 1)}
"""For the tests of feeds: with everything in one answer, and with a name in each."""

NEXTCLOUD: dict[str, Factory] = {"nextcloud": nextcloud}
