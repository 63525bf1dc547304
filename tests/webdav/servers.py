"""The servers for tests: skipped by name where they are not installed, but never in continuous integration."""

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.provider import ABILITIES, WebdavProvider
from mountcloud.providers.webdav.settings import WebdavSettings
from mountcloud.sandbox.webdav.configuration import Site
from mountcloud.sandbox.webdav.server import missing, serving


@contextmanager
def serving_or_skip(kind: str, site: Site | None = None) -> Iterator[Site]:
    """A server for the length of the block."""
    lacking = missing(kind)
    if lacking and (os.environ.get("MOUNTCLOUD_REQUIRE_ALL") or os.environ.get("CI")):
        pytest.fail(f"{kind} must be tested here, but {lacking} is not installed")
    if lacking:
        pytest.skip(f"{kind} is not installed: there is no {lacking}; ./run setup brings it")
    with serving(kind, site=site) as running:
        yield running


def anywhere(**options: object) -> Site:
    """Wishes for a site; home and port are the server's matter."""
    return Site(Path(), 0, **options)  # type: ignore[arg-type]  # the options are fields of Site


@dataclass
class SharedServers:
    """Each starts with the first test that needs it, and is asked once what it can do; ``stop`` ends all."""

    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _sites: dict[str, Site] = field(default_factory=dict)
    _running: ExitStack = field(default_factory=ExitStack)
    _abilities: dict[str, str] = field(default_factory=dict)

    def site(self, kind: str) -> Site:
        """A server of this kind."""
        if kind not in self._sites:
            self._sites[kind] = self._running.enter_context(serving_or_skip(kind))
        return self._sites[kind]

    async def book(self, kind: str) -> MemoryPlaces:
        """A new book in which stands what the server can do, so that not every test finds out for itself."""
        if kind not in self._abilities:
            fresh = MemoryPlaces()
            provider = WebdavProvider(WebdavSettings(self.site(kind).url), MemorySecrets(), fresh)
            await provider.verify()
            await provider.aclose()
            self._abilities[kind] = fresh.note(ABILITIES) or ""
        places = MemoryPlaces()
        places.set_note(ABILITIES, self._abilities[kind])
        return places

    def stop(self) -> None:
        """End all servers."""
        self._running.close()
        self._sites.clear()


shared_servers = SharedServers()


@pytest.fixture(scope="session", autouse=True)
def _end_shared_servers() -> Iterator[None]:
    yield
    shared_servers.stop()
