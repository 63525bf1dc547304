"""Metadisk before the suite: one sandbox for the whole run, with small shards, and a bucket for each test.

Both clients share one book of places: ids are ours.
"""

import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from mountcloud.crypt.secp256k1 import SigningKey, new_private_key
from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.metadisk.provider import create
from tests.conformance.under_test import Factory, ProviderUnderTest
from tests.metadisk.server import MetadiskServer, start_metadisk

EMAIL = "conformance@example.org"


@dataclass
class SharedMetadisk:
    """Starts with the first test that needs it; ``stop`` is for the fixture that ends the run."""

    running: MetadiskServer | None = None
    key: str = field(default_factory=new_private_key)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    directory: "tempfile.TemporaryDirectory[str] | None" = None

    def start(self) -> MetadiskServer:
        if self.running is None:
            self.directory = tempfile.TemporaryDirectory(prefix="mountcloud-conformance-")
            self.running = start_metadisk(Path(self.directory.name) / "data")
            self.running.control.add_user(EMAIL, pubkey=SigningKey(self.key).public)
            self.running.control.set(shard_size=40_000)
        return self.running

    def stop(self) -> None:
        if self.running is not None and self.directory is not None:
            self.running.stop()
            self.directory.cleanup()


shared_metadisk = SharedMetadisk()


@asynccontextmanager
async def metadisk() -> AsyncIterator[ProviderUnderTest]:
    """Two clients of one account."""
    settings = {"url": shared_metadisk.start().base_url}
    places, secrets = MemoryPlaces(), MemorySecrets({"private_key": shared_metadisk.key})
    provider, second = (create(settings, secrets, places) for _ in range(2))
    try:
        root = await provider.root()
        place = await provider.make_directory(root.id, f"place {next(shared_metadisk.numbers)}", 0)
        yield ProviderUnderTest(provider, second, place.id)
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()
            await second.aclose()


METADISK: dict[str, Factory] = {"metadisk": metadisk}
