"""Random reads of one version of one file: from memory, else by ranged downloads, decrypted on the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from mountcloud.model.errors import Failure, Unavailable
from mountcloud.model.ids import Ref
from mountcloud.model.node import Node
from mountcloud.model.provider import Content, Provider
from mountcloud.model.span import PlainSpan
from mountcloud.policy.chunks import count, pieces, span_of
from mountcloud.policy.readahead import CHUNK, Window, advance
from mountcloud.store.chunk_memory import ChunkKey, ChunkMemory

READ_DEADLINE = 30.0
"""Seconds that a program waits for one read at most."""


class _Flight:
    """One chunk on its way; whoever needs it waits for the same download."""

    def __init__(self) -> None:
        self.landed = trio.Event()
        self.data = b""
        self.failure: Failure | None = Unavailable("the download was given up")


class Library:
    """All files being read. ``nursery`` carries the downloads, so that an impatient reader does not end them."""

    def __init__(self, provider: Provider, memory: ChunkMemory, nursery: trio.Nursery, parallel: int = 8) -> None:
        self._provider = provider
        self._memory = memory
        self._nursery = nursery
        self._downloads = trio.CapacityLimiter(parallel)
        self._flights: dict[ChunkKey, _Flight] = {}
        self._open: dict[Ref, _Shared] = {}

    def reader(self, node: Node) -> "Reader":
        """Read this node at this version; nothing is fetched yet. Close it after use."""
        self._shared(node.ref).users += 1
        return Reader(self, node)

    def _shared(self, ref: Ref) -> "_Shared":
        return self._open.setdefault(ref, _Shared())

    @asynccontextmanager
    async def content(self, node: Node) -> AsyncIterator[Content]:
        """The node's content, opened once for all who read that version at the same time."""
        shared = self._shared(node.ref)
        shared.users += 1
        try:
            async with shared.lock:
                if shared.content is None:
                    shared.content = await self._provider.open(node)
            yield shared.content
        finally:
            await self.release(node.ref)

    async def release(self, ref: Ref) -> None:
        """One user of that version less; after the last one its content is given back."""
        shared = self._open[ref]
        shared.users -= 1
        if shared.users == 0:
            del self._open[ref]
            if shared.content is not None:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                    await shared.content.aclose()

    def fetch(self, node: Node, index: int) -> _Flight:
        """Start the download of a chunk, or join the one that is under way."""
        key = ChunkKey(node.id, node.version, index)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight()
            self._nursery.start_soon(self._download, node, key, flight)
        return flight

    async def _download(self, node: Node, key: ChunkKey, flight: _Flight) -> None:
        try:
            async with self._downloads, self.content(node) as content:
                want = span_of(key.index, node.size)
                covered = content.cipher.cover(want)
                flight.data = content.cipher.decrypt(want, covered, await content.fetch(covered))
                self._memory.put(key, flight.data)
                flight.failure = None
        except Failure as failure:
            flight.failure = failure
        finally:
            del self._flights[key]
            flight.landed.set()

    def cached(self, node: Node, index: int) -> bytes | None:
        """The chunk, if it is in memory."""
        return self._memory.get(ChunkKey(node.id, node.version, index))


class _Shared:
    """An open content and how many downloads use it."""

    def __init__(self) -> None:
        self.content: Content | None = None
        self.users = 0
        self.lock = trio.Lock()


class Reader:
    """One handle's view of one version."""

    def __init__(self, library: Library, node: Node) -> None:
        self.node = node
        self._library = library
        self._window = Window()

    async def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes, fewer only at the end of the file.

        Raises ``Unavailable`` when nothing arrived within the deadline, ``Outdated`` if the version is gone.
        """
        want = PlainSpan(offset, offset + size)
        parts = []
        self._window = advance(self._window, want.start, min(want.end, self.node.size))
        self._fetch_ahead()
        for piece in pieces(want, self.node.size):
            data = self._library.cached(self.node, piece.index)
            if data is None:
                data = await self._await(piece.index)
            parts.append(data if len(data) == piece.end and piece.start == 0 else data[piece.start : piece.end])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _await(self, index: int) -> bytes:
        flight = self._library.fetch(self.node, index)
        with trio.move_on_after(READ_DEADLINE):
            await flight.landed.wait()
        if flight.failure is not None:
            raise flight.failure
        if not flight.landed.is_set():
            raise Unavailable(f"no data of {self.node.name!r} within {READ_DEADLINE:g} s")
        return flight.data

    def _fetch_ahead(self) -> None:
        first = self._window.position // CHUNK
        last = min((self._window.position + self._window.ahead) // CHUNK, count(self.node.size) - 1)
        for index in range(first, last + 1 if self._window.ahead else first):
            if self._library.cached(self.node, index) is None:
                self._library.fetch(self.node, index)

    async def aclose(self) -> None:
        """Give back what it holds; call it once."""
        await self._library.release(self.node.ref)
