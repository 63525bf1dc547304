"""DRACOON before the suite: plain and encrypted rooms, through the service and straight to its storage.

One sandbox serves the whole run, because starting one takes longer than most tests; each test has a room of its own.
"""

import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import trio

from mountcloud.model.ids import NodeId
from mountcloud.providers.dracoon.provider import DracoonProvider
from mountcloud.providers.dracoon.settings import Channel, DracoonSettings
from tests.conformance.under_test import Factory, ProviderUnderTest
from tests.sandbox.fixture import RunningSandbox, start_sandbox

USER, PASSWORD, ENCRYPTION_PASSWORD = "conformance", "secret", "key secret"
PART_SIZE = 1 << 20
"""Smaller than the real storage allows, so that small files have several parts."""


class MemorySecrets:
    """Secrets that die with the test."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        self.values[name] = value

    def delete(self, name: str) -> None:
        self.values.pop(name, None)


@dataclass
class SharedSandbox:
    """Starts with the first test that needs it; ``stop`` is for the fixture that ends the run."""

    running: RunningSandbox | None = None
    owner: int = 0
    rooms: "itertools.count[int]" = field(default_factory=itertools.count)
    directory: "tempfile.TemporaryDirectory[str] | None" = None

    def start(self) -> RunningSandbox:
        if self.running is None:
            self.directory = tempfile.TemporaryDirectory(prefix="mountcloud-conformance-")
            self.running = start_sandbox(Path(self.directory.name) / "data")
            self.running.control.set(upload_channel="s3", s3_part_minimum=PART_SIZE, branch_delay=-1)
            self.owner = self.running.control.add_user(USER, PASSWORD, roles=(4,))
            # Of the version that is checked soonest: each client checks it (tests/unit/dracoon has both).
            self.running.control.add_key_pair(self.owner, ENCRYPTION_PASSWORD, "A")
        return self.running

    def stop(self) -> None:
        if self.running is not None and self.directory is not None:
            self.running.stop()
            self.directory.cleanup()


shared = SharedSandbox()


@asynccontextmanager
async def dracoon(channel: Channel, *, encrypted: bool) -> AsyncIterator[ProviderUnderTest]:
    """Two clients of one account; directories' versions rise when the test settles."""
    running = shared.start()
    room = running.control.add_room(f"place {next(shared.rooms)}", shared.owner, encrypted=encrypted)
    settings = DracoonSettings(running.base_url, USER, upload_channel=channel, part_size=PART_SIZE)
    provider, second = (_provider(settings) for _ in range(2))

    async def settle() -> None:
        await trio.lowlevel.checkpoint()
        running.control.propagate()

    try:
        yield ProviderUnderTest(provider, second, NodeId(str(room)), settle)
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()
            await second.aclose()


def _provider(settings: DracoonSettings) -> DracoonProvider:
    return DracoonProvider(settings, MemorySecrets(password=PASSWORD, encryption_password=ENCRYPTION_PASSWORD))


DRACOON: dict[str, Factory] = {
    "dracoon-plain-classic": partial(dracoon, Channel.CLASSIC, encrypted=False),
    "dracoon-plain-s3": partial(dracoon, Channel.S3, encrypted=False),
    "dracoon-encrypted-classic": partial(dracoon, Channel.CLASSIC, encrypted=True),
    "dracoon-encrypted-s3": partial(dracoon, Channel.S3, encrypted=True),
}
