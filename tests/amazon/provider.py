"""The provider before a real server, for tests that look at what it sends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.places import Places
from mountcloud.model.provider import UploadTarget
from mountcloud.model.span import StoredSpan
from mountcloud.providers.amazon.provider import AmazonProvider
from mountcloud.providers.amazon.settings import settings_from
from mountcloud.providers.memory_places import MemoryPlaces
from tests.amazon.account import CLIENT_SECRET
from tests.amazon.drive import Drive
from tests.real_server import Bytes

MTIME_NS = 1_700_000_000_123_456_789


def secrets_of(drive: Drive) -> MemorySecrets:
    return MemorySecrets({"refresh_token": drive.customer.refresh_token, "client_secret": CLIENT_SECRET})


@asynccontextmanager
async def provider_of(drive: Drive, places: Places | None = None, **options: Any) -> AsyncIterator[AmazonProvider]:
    """The account, which may ask for changes as often as it likes."""
    settings = settings_from({"url": drive.customer.url, "change_calls_per_hour": 0, **options})
    provider = AmazonProvider(settings, secrets_of(drive), places or MemoryPlaces())
    try:
        yield provider
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()


def new_file(parent: NodeId, name: str, data: bytes) -> UploadTarget:
    """Make it."""
    return UploadTarget(parent, name, None, len(data), MTIME_NS)


def over(node: Node, data: bytes) -> UploadTarget:
    """Give the node new content."""
    assert node.parent is not None
    return UploadTarget(node.parent, node.name, node.ref, len(data), MTIME_NS + 1)


async def put(provider: AmazonProvider, name: str, data: bytes) -> Node:
    """A new file at the top."""
    root = await provider.root()
    return await provider.upload(new_file(root.id, name, data), Bytes(data))


async def read(provider: AmazonProvider, node: Node) -> bytes:
    """All bytes."""
    content = await provider.open(node)
    return await content.fetch(StoredSpan(0, content.stored_size))
