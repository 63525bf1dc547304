"""Every provider that the suite judges.

To add one, write an async context manager without arguments that starts what it needs (a sandbox on 127.0.0.1 with an
ephemeral port), makes two providers of one account and an empty directory, yields a ``ProviderUnderTest`` and ends
everything, then name it in ``FACTORIES``. A variation (another transfer, an encrypted place) is another entry. Nothing
else is needed: every test of this package runs once for each entry and asks ``provider.capabilities`` for differences.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

from mountcloud.model.names import NameRules
from mountcloud.model.provider import Capabilities, ChangeFeed
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.providers.wrap.limited import limited
from mountcloud.providers.wrap.retrying import retrying
from tests.conformance.amazon_factories import AMAZON
from tests.conformance.dracoon_factories import DRACOON
from tests.conformance.metadisk_factories import METADISK
from tests.conformance.nextcloud_factories import NEXTCLOUD
from tests.conformance.smartfile_factories import SMARTFILE
from tests.conformance.under_test import Factory, ProviderUnderTest
from tests.conformance.webdav_factories import WEBDAV

STRICT_NAMES = NameRules(
    max_length=150,
    forbidden='\\<>:"|?*/',
    forbid_control=True,
    forbidden_first="-",
    forbidden_last=".",
    reserved=frozenset({"CON", "LPT1"}),
    case_sensitive=False,
    normalises=True,
)


@asynccontextmanager
async def memory(
    feed: ChangeFeed, *, names: NameRules | None = None, encrypted: bool = False, wrapped: bool = False
) -> AsyncIterator[ProviderUnderTest]:
    """A service whose directories' versions are held back until the test settles, like those of a real one."""
    capabilities = Capabilities(change_feed=feed, names=names or NameRules(), max_file_size=10_000_000)
    service = MemoryService(capabilities, quota=1_000_000_000, batch_size=3)
    provider, second = MemoryProvider(service), MemoryProvider(service)
    place = await provider.make_directory(service.root, "place", 0)
    if encrypted:
        service.encrypt_below(place.id)
    service.directory_versions.held = True

    async def settle() -> None:
        await trio.lowlevel.checkpoint()
        service.directory_versions.propagate()

    if wrapped:
        yield ProviderUnderTest(retrying(limited(provider)), limited(retrying(second)), place.id, settle)
    else:
        yield ProviderUnderTest(provider, second, place.id, settle)
    await provider.aclose()
    await second.aclose()


FACTORIES: dict[str, Factory] = {
    "memory-cursor": partial(memory, ChangeFeed.CURSOR),
    "memory-tree-version": partial(memory, ChangeFeed.TREE_VERSION),
    "memory-no-feed": partial(memory, ChangeFeed.NONE),
    "memory-encrypted": partial(memory, ChangeFeed.TREE_VERSION, encrypted=True),
    "memory-wrapped": partial(memory, ChangeFeed.CURSOR, wrapped=True),
    "memory-strict-names": partial(memory, ChangeFeed.NONE, names=STRICT_NAMES),
    **AMAZON,
    **DRACOON,
    **METADISK,
    **NEXTCLOUD,
    **SMARTFILE,
    **WEBDAV,
}
