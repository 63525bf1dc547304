"""Content of which more comes than is asked for: what came along is kept, and never asked for again."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
import trio

from mountcloud.crypt.plain import PlainCipher
from mountcloud.engine.budget import Budget
from mountcloud.engine.fetching import Means
from mountcloud.engine.reading import Library
from mountcloud.model.arrival import Arrived
from mountcloud.model.errors import Corrupt
from mountcloud.model.node import Node
from mountcloud.model.provider import Content, ContentCipher, InBulk, Spare
from mountcloud.model.span import StoredSpan
from mountcloud.policy.cells import CELL, within
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.wrap.passing import PassingContent, PassingProvider
from mountcloud.store.chunk_memory import ChunkMemory
from tests.unit.reading.library import Place, Straight, place

LUMP = 5 * CELL + 1000
MIB = 1 << 20


class Lumpy:
    """Content that comes in lumps of that size, whatever is asked for."""

    def __init__(self, inner: Content, fetched: list[int], md5: str = "") -> None:
        self.cipher: ContentCipher = PlainCipher(inner.stored_size, md5) if md5 else inner.cipher
        self._inner = inner
        self._fetched = fetched
        self._spare: Spare | None = None

    @property
    def stored_size(self) -> int:
        return self._inner.stored_size

    def share(self, spare: Spare) -> None:
        self._spare = spare

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        for number in range(span.start // LUMP, -(-span.end // LUMP)):
            lump = StoredSpan(number * LUMP, min((number + 1) * LUMP, self.stored_size))
            self._fetched.append(number)
            data = await self._inner.fetch(lump)
            if arrived is not None:
                arrived(b"")
            if self._spare is not None:
                self._spare(lump.start, data)
        return await self._inner.fetch(span, arrived)

    async def aclose(self) -> None:
        await self._inner.aclose()


class LumpyProvider(PassingProvider):
    """A service that gives no small parts."""

    def __init__(self, inner: MemoryProvider, md5: str) -> None:
        super().__init__(inner, Straight())
        self.fetched: list[int] = []
        self._md5 = md5

    async def open(self, node: Node) -> Content:
        return PassingContent(Lumpy(await self._inner.open(node), self.fetched, self._md5), Straight())


@asynccontextmanager
async def lumpy(here: Place, most: int = 1 << 30, md5: str = "") -> AsyncIterator[tuple[Library, list[int]]]:
    store, provider = here.store(most), LumpyProvider(MemoryProvider(here.service), md5)
    async with trio.open_nursery() as nursery:
        means = Means(provider, store, ChunkMemory(1 << 24), Budget(64 * MIB), nursery, trio.CapacityLimiter(8))
        yield Library(means, False, here.outdated.append), provider.fetched
        nursery.cancel_scope.cancel()
    store.close()


async def read_at_random(here: Place, library: Library, reads: int) -> None:
    chance, reader = Random(7), library.reader(here.node)
    for _ in range(reads):
        offset = chance.randrange(here.node.size - 100)
        assert await reader.read(offset, 100) == here.content[offset : offset + 100]
    await reader.aclose()


def test_random_reads_fetch_a_lump_for_its_cells_and_its_edges_only(tmp_path: Path) -> None:
    here = place(tmp_path, 4 * MIB, encrypted=False)

    async def main() -> None:
        async with lumpy(here) as (library, fetched):
            await read_at_random(here, library, 400)
            lumps = -(-here.node.size // LUMP)
            # A cell that two lumps share is asked for by itself, which brings both of them once more.
            assert len(fetched) <= lumps + 2 * (lumps - 1)
            before = len(fetched)
            assert await here.read_all(library) == here.content
            await read_at_random(here, library, 100)
            assert len(fetched) - before <= 2 * lumps

    trio.run(main)


def test_what_comes_along_keeps_to_the_limit_of_the_cache(tmp_path: Path) -> None:
    here = place(tmp_path, 4 * MIB, encrypted=False)

    async def main() -> None:
        async with lumpy(here, most=MIB) as (library, _):
            await read_at_random(here, library, 50)
            assert await here.read_all(library) == here.content

    trio.run(main)
    assert 0 < here.store().used <= MIB


@pytest.mark.parametrize("altered", [False, True])
def test_a_file_that_came_along_as_a_whole_is_checked(tmp_path: Path, altered: bool) -> None:
    here = place(tmp_path, 4 * CELL, encrypted=False)
    digest = hashlib.md5(here.content).hexdigest()

    async def main() -> None:
        async with lumpy(here, md5="0" * 32 if altered else digest) as (library, fetched):
            reader = library.reader(here.node)
            if altered:
                with pytest.raises(Corrupt):
                    await reader.read(2 * CELL, 10)
            else:
                assert await reader.read(2 * CELL, 10) == here.content[2 * CELL : 2 * CELL + 10]
            assert fetched == [0]
            await reader.aclose()

    trio.run(main)


def test_only_content_in_bulk_shares(tmp_path: Path) -> None:
    here = place(tmp_path, 10, encrypted=False)

    async def main() -> None:
        content = await MemoryProvider(here.service).open(here.node)
        assert not isinstance(content, InBulk)
        got: list[tuple[int, bytes]] = []
        PassingContent(content, Straight()).share(lambda start, data: got.append((start, data)))
        lumps = PassingContent(Lumpy(content, []), Straight())
        lumps.share(lambda start, data: got.append((start, data)))
        assert await lumps.fetch(StoredSpan(3, 4)) == here.content[3:4]
        assert got == [(0, here.content)]

    trio.run(main)


def test_whole_cells_of_a_span() -> None:
    size = 3 * CELL + 5
    assert within(StoredSpan(0, size), size) == range(4)
    assert within(StoredSpan(1, 2 * CELL), size) == range(1, 2)
    assert within(StoredSpan(1, CELL), size) == range(1, 1)
    assert within(StoredSpan(3 * CELL, size), size) == range(3, 4)
    assert within(StoredSpan(3 * CELL, size - 1), size) == range(3, 3)
