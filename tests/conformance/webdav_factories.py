"""WebDAV before the suite, on servers that other people wrote: one of each kind for the whole run.

Both clients share one book of places: a service that knows paths only has ids for nobody else.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.providers.webdav.provider import WebdavProvider
from mountcloud.providers.webdav.settings import WebdavSettings
from tests.conformance.under_test import Factory, ProviderUnderTest
from tests.webdav.servers import shared_servers


@asynccontextmanager
async def webdav(kind: str) -> AsyncIterator[ProviderUnderTest]:
    """Two clients of one server."""
    settings, places = WebdavSettings(shared_servers.site(kind).url), await shared_servers.book(kind)
    provider, second = (WebdavProvider(settings, MemorySecrets(), places) for _ in range(2))
    try:
        root = await provider.root()
        place = await provider.make_directory(root.id, f"place {next(shared_servers.numbers)}", 0)
        yield ProviderUnderTest(provider, second, place.id)
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()
            await second.aclose()


WEBDAV: dict[str, Factory] = {f"webdav-{kind}": partial(webdav, kind) for kind in ("wsgidav", "apache")}
"""Those of which the others are variations, by ``tests/webdav``: one that writes in place, and one that does not."""

MORE_WEBDAV: dict[str, Factory] = {f"webdav-{kind}": partial(webdav, kind) for kind in ("nginx", "lighttpd", "rclone")}
"""For long runs."""
