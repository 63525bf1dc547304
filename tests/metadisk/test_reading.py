"""Whole shards, read in parts: each is fetched once, and checked before a byte of it is shown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from mountcloud.model.errors import Corrupt, Outdated, Unavailable
from mountcloud.model.node import Node
from mountcloud.model.span import StoredSpan
from mountcloud.net.websocket import Patience
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.metadisk.content import MetadiskContent
from mountcloud.providers.metadisk.provider import MetadiskProvider
from tests.metadisk.provider import bucket_of, over, part, provider_of, put, read
from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import Service
from tests.real_server import on_real_trio

SHARD = 10_000
SIZE = 8 * SHARD + 123


def some(size: int = SIZE) -> bytes:
    return bytes(number * number * 7 % 251 for number in range(size))


def asked(metadisk: MetadiskServer) -> int:
    """Requests for pointers."""
    return sum("/files/" in each["path"] and each["method"] == "GET" for each in metadisk.control.requests().items)


@asynccontextmanager
async def stored(
    service: Service, metadisk: MetadiskServer, places: MemoryPlaces | None = None
) -> AsyncIterator[tuple[MetadiskProvider, Node]]:
    """A file of nine shards. Nobody is patient."""
    metadisk.control.set(shard_size=SHARD, cut_exactly=True)
    async with provider_of(service, places) as provider:
        provider._reading.farmers._patience = Patience(5.0, 0.3)
        node = await put(provider, (await bucket_of(provider)).id, "f", some())
        metadisk.control.forget_requests()
        yield provider, node


async def opened(provider: MetadiskProvider, node: Node) -> MetadiskContent:
    content = await provider.open(node)
    assert isinstance(content, MetadiskContent)
    return content


@on_real_trio
async def test_each_shard_comes_once_whatever_is_read(service: Service, metadisk: MetadiskServer) -> None:
    async with stored(service, metadisk) as (provider, node):
        content = await opened(provider, node)
        for start in (70_000, 5_000, 79_000, 40_000, 9_990, 0, 60_001):
            assert await part(content, start, start + 30) == some()[start : start + 30]
        assert await part(content, 0, SIZE) == some()
        assert (asked(metadisk), metadisk.control.leftovers()) == (1, (0, 0))


@on_real_trio
async def test_readers_side_by_side_share_a_shard(service: Service, metadisk: MetadiskServer) -> None:
    async with stored(service, metadisk) as (provider, node):
        one, other = await opened(provider, node), await opened(provider, node)

        async def check(content: MetadiskContent, start: int) -> None:
            assert await part(content, start, start + 100) == some()[start : start + 100]

        async with trio.open_nursery() as nursery:
            for start in range(0, 9_000, 1_000):
                nursery.start_soon(check, one, start)
                nursery.start_soon(check, other, start)
        # Each has asked for the nine pointers; one of these eighteen was used.
        assert metadisk.control.leftovers()[1] == 17


@on_real_trio
async def test_a_tail_needs_nothing_of_what_is_before(service: Service, metadisk: MetadiskServer) -> None:
    async with stored(service, metadisk) as (provider, node):
        content = await opened(provider, node)
        assert await part(content, SIZE - 50, SIZE) == some()[-50:]
        assert metadisk.control.leftovers()[1] == 8


@on_real_trio
async def test_lengths_are_remembered(service: Service, metadisk: MetadiskServer) -> None:
    places = MemoryPlaces()
    async with stored(service, metadisk, places) as (provider, node):
        assert await read(provider, node) == some()
    async with provider_of(service, places) as again:
        metadisk.control.forget_channels()
        content = await opened(again, node)
        assert await part(content, 45_000, 45_010) == some()[45_000:45_010]
        assert metadisk.control.leftovers()[1] == 8


@on_real_trio
async def test_what_comes_along_is_given_away(service: Service, metadisk: MetadiskServer) -> None:
    async with stored(service, metadisk) as (provider, node):
        content = await opened(provider, node)
        got = bytearray(SIZE)

        def keep(start: int, data: bytes) -> None:
            got[start : start + len(data)] = data

        content.share(keep)
        await part(content, 15_000, 15_001)
        assert bytes(got[: 2 * SHARD]) == some()[: 2 * SHARD]
        await part(content, 0, SIZE)
        assert bytes(got) == some()


@on_real_trio
async def test_a_waiting_reader_hears_that_it_goes_on(service: Service, metadisk: MetadiskServer) -> None:
    metadisk.control.set(piece=1_000)
    async with stored(service, metadisk) as (provider, node):
        content = await opened(provider, node)
        pieces: list[bytes | memoryview] = []
        await content.fetch(StoredSpan(9_000, 9_010), pieces.append)
        assert b"".join(pieces) == some()[9_000:9_010]
        assert pieces.index(some()[9_000:9_010]) >= 10


@pytest.mark.parametrize("trouble", ["error", "short", "silent", "wrong", "long"])
@pytest.mark.parametrize("late", [False, True])
def test_trouble_with_a_farmer_passes(service: Service, metadisk: MetadiskServer, trouble: str, late: bool) -> None:
    @on_real_trio
    async def run() -> None:
        async with stored(service, metadisk) as (provider, node):
            metadisk.control.set(
                farmer_trouble=trouble, farmer_troubles=2, farmer_after=5_000, late_farmers=late, piece=1_000
            )
            assert await read(provider, node) == some()

    run()


@on_real_trio
async def test_what_nobody_has_right_is_not_shown(service: Service, metadisk: MetadiskServer) -> None:
    async with stored(service, metadisk) as (provider, node):
        metadisk.control.tamper(service.buckets()["pics"], node.version, position=2, offset=77)
        content = await opened(provider, node)
        assert await part(content, 0, 2 * SHARD) == some()[: 2 * SHARD]
        with pytest.raises(Corrupt):
            await part(content, 2 * SHARD, 2 * SHARD + 10)
        assert await part(content, SIZE - 10, SIZE) == some()[-10:]


@on_real_trio
async def test_the_farmers_own_words_are_told(service: Service, metadisk: MetadiskServer) -> None:
    async with stored(service, metadisk) as (provider, node):
        metadisk.control.set(farmer_trouble="error", farmer_error="the disk is full of squirrels")
        with pytest.raises(Unavailable, match="squirrels"):
            await read(provider, node)
        metadisk.control.set(farmer_trouble="", pointer_trouble="farmer")
        with pytest.raises(Unavailable):
            await read(provider, node)


@on_real_trio
async def test_channels_that_were_closed_meanwhile_are_asked_for_again(
    service: Service, metadisk: MetadiskServer
) -> None:
    async with stored(service, metadisk) as (provider, node):
        content = await opened(provider, node)
        assert await part(content, 0, 10) == some()[:10]
        metadisk.control.forget_channels()
        assert await part(content, 0, SIZE) == some()
        assert asked(metadisk) > 1


@on_real_trio
async def test_a_reader_of_what_is_gone_is_told(service: Service, metadisk: MetadiskServer) -> None:
    async with stored(service, metadisk) as (provider, node):
        content = await opened(provider, node)
        await over(provider, node, b"new")
        with pytest.raises(Outdated):
            await part(content, 0, 10)


@on_real_trio
async def test_a_reader_that_gives_up_spoils_nothing(service: Service, metadisk: MetadiskServer) -> None:
    metadisk.control.set(farmer_trouble="silent", farmer_troubles=1, farmer_after=100, piece=100)
    async with stored(service, metadisk) as (provider, node):
        content = await opened(provider, node)
        with trio.move_on_after(0.1):
            await part(content, 0, 10)
        assert await part(content, 0, SIZE) == some()
