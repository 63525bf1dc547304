"""The provider before a real server, for tests that look at what it sends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.places import Places
from mountcloud.model.provider import Provider, UploadTarget
from mountcloud.model.span import StoredSpan
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.smartfile.provider import SmartFileProvider, create
from tests.real_server import Bytes
from tests.smartfile.service import Service

MTIME_NS = 1_700_000_000 * 10**9


@asynccontextmanager
async def provider_of(
    service: Service, places: Places | None = None, **settings: object
) -> AsyncIterator[SmartFileProvider]:
    """The service's account."""
    options = {"url": service.url, "username": service.key, **settings}
    provider = create(options, MemorySecrets({"password": service.password}), places or MemoryPlaces())
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
    return UploadTarget(node.parent, node.name, node.ref, len(data), MTIME_NS + 10**9)


async def put(provider: Provider, name: str, data: bytes) -> Node:
    """A new file at the top."""
    root = await provider.root()
    return await provider.upload(new_file(root.id, name, data), Bytes(data))


async def child(provider: Provider, name: str) -> Node:
    """What has this name at the top."""
    root = await provider.root()
    return next(each for each in await provider.children(root.id) if each.name == name)


async def read(provider: Provider, node: Node) -> bytes:
    """The whole content."""
    content = await provider.open(node)
    return await content.fetch(StoredSpan(0, content.stored_size))
