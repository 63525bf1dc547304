"""A library over the service in memory, with a disk cache of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import trio

from mountcloud.engine.budget import Budget
from mountcloud.engine.fetching import Means
from mountcloud.engine.reading import Library
from mountcloud.model.node import Node
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.chunk_memory import ChunkMemory
from mountcloud.store.chunk_store import ChunkStore, Limits

GIB = 1 << 30


@dataclass
class Place:
    """A service with one file, and where its bytes are cached."""

    service: MemoryService
    node: Node
    content: bytes
    directory: Path
    outdated: list[Node]

    def store(self, most: int = GIB, free: Callable[[], int] = lambda: GIB, boot: str = "boot") -> ChunkStore:
        return ChunkStore(self.directory, Limits(most, 0), boot, free)

    @asynccontextmanager
    async def library(
        self, *, most: int = GIB, budget: int = 64 << 20, strict: bool = False, boot: str = "boot", parallel: int = 8
    ) -> AsyncIterator[Library]:
        store = self.store(most, boot=boot)
        async with trio.open_nursery() as nursery:
            provider = MemoryProvider(self.service)
            means = Means(
                provider, store, ChunkMemory(1 << 24), Budget(budget), nursery, trio.CapacityLimiter(parallel)
            )
            yield Library(means, strict, self.outdated.append)
            nursery.cancel_scope.cancel()
        store.close()

    async def read_all(self, library: Library, piece: int = 128 * 1024) -> bytes:
        reader = library.reader(self.node)
        try:
            parts = [await reader.read(offset, piece) for offset in range(0, self.node.size, piece)]
        finally:
            await reader.aclose()
        return b"".join(parts)


def place(tmp_path: Path, size: int, *, encrypted: bool) -> Place:
    """A file of random bytes."""
    service = MemoryService()
    directory = service.make_directory(service.root, "room", 0)
    if encrypted:
        service.encrypt_below(directory.id)
    content = Random(size).randbytes(size)
    node = service.make_file(directory.id, "file", content, 0)
    return Place(service, node, content, tmp_path / "chunks", [])
