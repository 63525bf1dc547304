"""WebDAV before the suite, on servers that other people wrote: one of each kind for the whole run.

Both clients share one book of places: a service that knows paths only has ids for nobody else.
"""

import itertools
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.provider import ABILITIES, WebdavProvider
from mountcloud.providers.webdav.settings import WebdavSettings
from mountcloud.sandbox.webdav.configuration import Site
from tests.conformance.under_test import Factory, ProviderUnderTest
from tests.webdav.servers import serving_or_skip


@dataclass
class SharedServers:
    """Each starts with the first test that needs it; ``stop`` is for the fixture that ends the run."""

    sites: dict[str, Site] = field(default_factory=dict)
    places: "itertools.count[int]" = field(default_factory=itertools.count)
    running: ExitStack = field(default_factory=ExitStack)
    abilities: dict[str, str] = field(default_factory=dict)

    def site(self, kind: str) -> Site:
        if kind not in self.sites:
            self.sites[kind] = self.running.enter_context(serving_or_skip(kind))
        return self.sites[kind]

    async def book(self, kind: str) -> MemoryPlaces:
        """A new book in which stands what the server can do, so that not every test finds out for itself."""
        if kind not in self.abilities:
            fresh = MemoryPlaces()
            provider = WebdavProvider(WebdavSettings(self.site(kind).url), MemorySecrets(), fresh)
            await provider.verify()
            await provider.aclose()
            self.abilities[kind] = fresh.note(ABILITIES) or ""
        places = MemoryPlaces()
        places.set_note(ABILITIES, self.abilities[kind])
        return places

    def stop(self) -> None:
        self.running.close()
        self.sites.clear()


shared_servers = SharedServers()


@asynccontextmanager
async def webdav(kind: str) -> AsyncIterator[ProviderUnderTest]:
    """Two clients of one server."""
    site = shared_servers.site(kind)
    places, settings = await shared_servers.book(kind), WebdavSettings(site.url)
    provider, second = (WebdavProvider(settings, MemorySecrets(), places) for _ in range(2))
    try:
        root = await provider.root()
        place = await provider.make_directory(root.id, f"place {next(shared_servers.places)}", 0)
        yield ProviderUnderTest(provider, second, place.id)
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()
            await second.aclose()


WEBDAV: dict[str, Factory] = {
    f"webdav-{kind}": partial(webdav, kind) for kind in ("wsgidav", "apache", "nginx", "lighttpd", "rclone")
}
