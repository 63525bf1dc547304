"""SmartFile before the suite: one sandbox for the whole run, a directory for each test.

Both clients share one book of places: a service that knows paths only has ids for nobody else.
"""

import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.smartfile.changes import RENAMES
from mountcloud.providers.smartfile.provider import create
from tests.conformance.under_test import Factory, ProviderUnderTest
from tests.smartfile.server import SmartFileServer, start_smartfile


@dataclass
class SharedSmartFile:
    """Starts with the first test that needs it; ``stop`` is for the fixture that ends the run."""

    running: SmartFileServer | None = None
    account: tuple[str, str] = ("", "")
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    directory: "tempfile.TemporaryDirectory[str] | None" = None

    def start(self) -> SmartFileServer:
        if self.running is None:
            self.directory = tempfile.TemporaryDirectory(prefix="mountcloud-conformance-")
            self.running = start_smartfile(Path(self.directory.name) / "data")
            self.account = self.running.control.add_account("conformance")
        return self.running

    def stop(self) -> None:
        if self.running is not None and self.directory is not None:
            self.running.stop()
            self.directory.cleanup()


shared_smartfile = SharedSmartFile()


@asynccontextmanager
async def smartfile() -> AsyncIterator[ProviderUnderTest]:
    """Two clients of one account."""
    url = shared_smartfile.start().base_url
    username, password = shared_smartfile.account
    settings = {"url": url, "username": username, "delta_min_kib": 64}
    places, secrets = MemoryPlaces(), MemorySecrets({"password": password})
    places.set_note(RENAMES, "refuse")
    provider, second = (create(settings, secrets, places) for _ in range(2))
    try:
        root = await provider.root()
        place = await provider.make_directory(root.id, f"place {next(shared_smartfile.numbers)}", 0)
        yield ProviderUnderTest(provider, second, place.id)
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()
            await second.aclose()


SMARTFILE: dict[str, Factory] = {"smartfile": smartfile}
