"""Amazon Cloud Drive before the suite: one sandbox for the whole run, a directory for each test."""

import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.providers.amazon.provider import AmazonProvider
from mountcloud.providers.amazon.settings import AmazonSettings, settings_from
from mountcloud.providers.memory_places import MemoryPlaces
from tests.amazon.server import AmazonServer, Customer, start_amazon
from tests.conformance.under_test import Factory, ProviderUnderTest

CHUNK = 3
"""Nodes on a line of the feed, so that most answers have several lines."""


@dataclass
class SharedAmazon:
    """Starts with the first test that needs it; ``stop`` is for the fixture that ends the run."""

    running: AmazonServer | None = None
    customer: Customer | None = None
    places: "itertools.count[int]" = field(default_factory=itertools.count)
    directory: "tempfile.TemporaryDirectory[str] | None" = None

    def start(self) -> Customer:
        if self.running is None or self.customer is None:
            self.directory = tempfile.TemporaryDirectory(prefix="mountcloud-conformance-")
            self.running = start_amazon(Path(self.directory.name) / "data")
            self.running.control.set(page_size=7, chunk_size=CHUNK)
            self.customer = self.running.control.new_customer()
        return self.customer

    def stop(self) -> None:
        if self.running is not None and self.directory is not None:
            self.running.stop()
            self.directory.cleanup()


shared_amazon = SharedAmazon()


def amazon_settings(customer: Customer) -> AmazonSettings:
    """Of a client that may ask for changes as often as it likes."""
    return settings_from({"url": customer.url, "change_calls_per_hour": 0})


def amazon_secrets(customer: Customer) -> MemorySecrets:
    """Of a client that is logged in."""
    return MemorySecrets({"refresh_token": customer.refresh_token, "client_secret": "mountcloud-secret"})


@asynccontextmanager
async def amazon() -> AsyncIterator[ProviderUnderTest]:
    """Two clients of one account."""
    customer = shared_amazon.start()
    settings = amazon_settings(customer)
    provider, second = (AmazonProvider(settings, amazon_secrets(customer), MemoryPlaces()) for _ in range(2))
    try:
        root = await provider.root()
        place = await provider.make_directory(root.id, f"place {next(shared_amazon.places)}", 0)
        yield ProviderUnderTest(provider, second, place.id)
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()
            await second.aclose()


AMAZON: dict[str, Factory] = {"amazon": amazon}
