"""A library over the service in memory, with a disk cache of its own."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

import trio

from mountcloud.crypt.plain import PlainCipher
from mountcloud.engine.budget import Budget
from mountcloud.engine.fetching import Means
from mountcloud.engine.reading import Library
from mountcloud.model.node import Node
from mountcloud.model.provider import Content, Provider
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.providers.wrap.passing import CallKind, PassingContent, PassingProvider
from mountcloud.store.chunk_memory import ChunkMemory
from mountcloud.store.chunk_store import ChunkStore, Limits

GIB = 1 << 30
T = TypeVar("T")


@dataclass
class Place:
    """A service with one file, and where its bytes are cached."""

    service: MemoryService
    node: Node
    content: bytes
    directory: Path
    outdated: list[Node]
    md5: bool = False
    altered: list[Node] = field(default_factory=list)

    def store(self, most: int = GIB, free: Callable[[], int] = lambda: GIB, boot: str = "boot") -> ChunkStore:
        return ChunkStore(self.directory, Limits(most, 0), boot, free)

    @asynccontextmanager
    async def library(
        self, *, most: int = GIB, budget: int = 64 << 20, strict: bool = False, boot: str = "boot", parallel: int = 8
    ) -> AsyncIterator[Library]:
        store = self.store(most, boot=boot)
        async with trio.open_nursery() as nursery:
            provider: Provider = MemoryProvider(self.service)
            if self.md5:
                provider = Hashing(provider, hashlib.md5(self.content).hexdigest())
            means = Means(
                provider, store, ChunkMemory(1 << 24), Budget(budget), nursery, trio.CapacityLimiter(parallel)
            )
            means.altered = self.altered.append
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


class Hashing(PassingProvider):
    """A service that tells a hash of its one file."""

    def __init__(self, inner: Provider, md5: str) -> None:
        super().__init__(inner, Straight())
        self._md5 = md5

    async def open(self, node: Node) -> Content:
        content = await super().open(node)
        assert isinstance(content, PassingContent)
        content._inner.cipher = PlainCipher(node.size, self._md5)  # type: ignore[misc] # of a class of this repository
        return content


class Straight:
    """A passage that changes nothing."""

    async def send(self, kind: CallKind, call: Callable[[], Awaitable[T]]) -> T:
        return await call()


def place(tmp_path: Path, size: int, *, encrypted: bool, md5: bool = False) -> Place:
    """A file of random bytes."""
    service = MemoryService()
    directory = service.make_directory(service.root, "room", 0)
    if encrypted:
        service.encrypt_below(directory.id)
    content = Random(size).randbytes(size)
    node = service.make_file(directory.id, "file", content, 0)
    return Place(service, node, content, tmp_path / "chunks", [], md5)
