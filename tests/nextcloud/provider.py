"""The provider before a real server, for tests that look at what it sends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.places import Places
from mountcloud.model.provider import UploadTarget
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.nextcloud import NextcloudProvider
from mountcloud.providers.webdav.settings import WebdavSettings
from tests.nextcloud.dav import Dav
from tests.real_server import Bytes

CHUNK = 1 << 16
MTIME_NS = 1_700_000_000 * 10**9


@asynccontextmanager
async def provider_of(
    dav: Dav, places: Places | None = None, *, password: str = "", chunk: int = CHUNK
) -> AsyncIterator[NextcloudProvider]:
    """The account, with an app password unless another is given."""
    url = dav.url("").partition("/remote.php")[0]
    secrets = MemorySecrets({"password": password or dav.password})
    provider = NextcloudProvider(WebdavSettings(url, dav.login), secrets, places or MemoryPlaces(), chunk)
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


async def put(provider: NextcloudProvider, name: str, data: bytes) -> Node:
    """A new file at the top."""
    root = await provider.root()
    return await provider.upload(new_file(root.id, name, data), Bytes(data))
