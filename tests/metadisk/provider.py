"""The provider before a real server, for tests that look at what it sends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.places import Places
from mountcloud.model.provider import Content, Provider, UploadTarget
from mountcloud.model.span import StoredSpan
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.metadisk.provider import MetadiskProvider, create
from tests.metadisk.service import Service
from tests.real_server import Bytes

MTIME_NS = 1_700_000_000 * 10**9


@asynccontextmanager
async def provider_of(
    service: Service, places: Places | None = None, secrets: MemorySecrets | None = None, **settings: object
) -> AsyncIterator[MetadiskProvider]:
    """The service's account, signed in."""
    options = {"url": service.url, "username": service.email, **settings}
    secrets = secrets or MemorySecrets({"password": service.password})
    provider = create(options, secrets, places or MemoryPlaces())
    try:
        await provider.verify()
        yield provider
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()


async def bucket_of(provider: Provider, name: str = "pics") -> Node:
    """The directory of a bucket, which is made if there is none."""
    found = await child(provider, (await provider.root()).id, name)
    return found or await provider.make_directory((await provider.root()).id, name, MTIME_NS)


async def child(provider: Provider, parent: NodeId, name: str) -> Node | None:
    """What has this name there."""
    return next((each for each in await provider.children(parent) if each.name == name), None)


async def names(provider: Provider, parent: NodeId) -> list[str]:
    """What is there."""
    return sorted(each.name for each in await provider.children(parent))


async def put(provider: Provider, parent: NodeId, name: str, data: bytes) -> Node:
    """A new file."""
    return await provider.upload(UploadTarget(parent, name, None, len(data), MTIME_NS), Bytes(data))


async def over(provider: Provider, node: Node, data: bytes) -> Node:
    """New content for the node."""
    assert node.parent is not None
    return await provider.upload(UploadTarget(node.parent, node.name, node.ref, len(data), MTIME_NS), Bytes(data))


async def read(provider: Provider, node: Node) -> bytes:
    """All of it."""
    content = await provider.open(node)
    try:
        return await content.fetch(StoredSpan(0, content.stored_size))
    finally:
        await content.aclose()


async def part(content: Content, start: int, end: int) -> bytes:
    """Some of it."""
    return await content.fetch(StoredSpan(start, end))
