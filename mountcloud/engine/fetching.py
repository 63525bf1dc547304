"""One version of one file on its way from the service to this machine: each cell is fetched once, kept, and checked."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field

import trio

from mountcloud.engine.budget import Budget
from mountcloud.engine.buffers import Buffers
from mountcloud.engine.flight import Flight
from mountcloud.engine.verifying import Verifier
from mountcloud.model.arrival import Piece
from mountcloud.model.errors import Corrupt, Failure, Unavailable
from mountcloud.model.node import Node
from mountcloud.model.provider import Content, InBulk, Provider
from mountcloud.model.span import StoredSpan
from mountcloud.policy.cells import CELL, indices, pieces, runs, span_of, within
from mountcloud.policy.line import Line
from mountcloud.store.chunk_memory import ChunkKey, ChunkMemory
from mountcloud.store.chunk_store import Cached, ChunkStore
from mountcloud.store.shelf import Shelf

log = logging.getLogger(__name__)

DEADLINE = 30.0
"""Seconds without any progress after which a read gives up."""


@dataclass(slots=True)
class Means:
    """What all versions share. ``loose`` holds cells for which the disk has no room.

    ``slots`` is how many requests go at once; one of them is kept for what a program waits for. ``altered`` is told of
    what was found to be other than it was uploaded.
    """

    provider: Provider
    store: ChunkStore
    loose: ChunkMemory
    budget: Budget
    nursery: trio.Nursery
    slots: trio.CapacityLimiter
    line: Line = field(default_factory=Line)
    altered: Callable[[Node], None] = lambda node: None
    buffers: Buffers = field(init=False)
    _ahead: trio.CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self.buffers = Buffers(self.budget.size)
        self._ahead = trio.CapacityLimiter(max(self.slots.total_tokens - 1, 1))

    @asynccontextmanager
    async def turn(self, *, urgent: bool) -> AsyncIterator[None]:
        """Hold one of the slots; what nobody waits for queues apart."""
        async with nullcontext() if urgent else self._ahead, self.slots:
            if self.slots.borrowed_tokens == 1:
                self.line = self.line.begun(trio.current_time())
            yield


@dataclass(slots=True)
class _Arriving:
    """Where the bytes of a flight go; the line hears of them too."""

    means: Means
    flight: Flight

    def __call__(self, piece: Piece) -> None:
        self.means.line = self.means.line.after(trio.current_time(), len(piece))
        self.flight.take(piece)

    def room(self) -> memoryview:
        return self.flight.room()

    def settle(self, size: int) -> None:
        self.flight.settle(size)


@dataclass(slots=True)
class _Ground:
    """Where the cells of one flight land: on a shelf of the store, if there is room."""

    fetched: "Fetched"
    cached: Cached
    shelf: Shelf | None = None

    @contextmanager
    def prepared(self, cells: range) -> Iterator[None]:
        """Keep room for the cells while they come."""
        store = self.fetched.means.store
        self.shelf = store.reserve(self.cached, cells)
        try:
            yield
        finally:
            if self.shelf is not None:
                store.unreserve(self.cached, self.shelf)
            self.shelf = None

    def write(self, cells: range, data: memoryview) -> bool:
        return self.shelf is not None and self.shelf.write(cells, data)

    def land(self, cells: range, data: memoryview, *, written: bool) -> None:
        self.fetched.forget(cells)
        if self.fetched.failure is not None:
            return
        if self.shelf is not None and (written or self.shelf.write(cells, data)):
            self.fetched.means.store.admit(self.cached, self.shelf, cells)
        else:
            self.fetched.keep(self.cached, cells, data)


@dataclass(slots=True)
class Fetched:
    """One version, shared by everybody who reads it. Made and ended by ``engine/reading.py``."""

    means: Means
    node: Node
    users: int = 0
    failure: Failure | None = None
    _content: Content | None = None
    _cached: Cached | None = None
    _verifier: Verifier | None = None
    _opening: trio.Lock = field(default_factory=trio.Lock)
    _flights: dict[int, Flight] = field(default_factory=dict)

    async def content(self) -> Content:
        """Open it once. Raises what ``Provider.open`` raises, ``Corrupt`` for a quarantined version."""
        async with self._opening:
            if self._content is None:
                self._content = await self.means.provider.open(self.node)
                self._verifier = Verifier(self.means.store, self._content.cipher)
                if isinstance(self._content, InBulk):
                    self._content.share(self._keep_spare)
            if self._cached is None:
                self._cached = self.means.store.version(self.node.ref, self._content.stored_size)
                if self._cached.verdict is False:
                    self._quarantine()
        if self.failure is not None:
            raise self.failure
        return self._content

    def at_hand(self, span: StoredSpan) -> bytes | None:
        """The stored bytes, if all of them are on this machine, and nothing more is to be found out about them."""
        cached = self._cached
        if cached is None or self.failure is not None or (self._verifier and self._verifier.due(cached)):
            return None
        missing = self.means.store.missing(cached, span)
        return self._assemble(cached, span, missing) if missing else self.means.store.read(cached, span)

    def _assemble(self, cached: Cached, span: StoredSpan, loose: list[int]) -> bytes | None:
        parts = []
        for cell in indices(span):
            whole = span_of(range(cell, cell + 1), cached.stored_size)
            data = self._loose(cell) if cell in loose else self.means.store.read(cached, whole)
            if data is None:
                return None
            parts.append(data[max(span.start - whole.start, 0) : span.end - whole.start])
        return b"".join(parts)

    def _loose(self, cell: int) -> bytes | None:
        return self.means.loose.get(ChunkKey(self.node.id, self.node.version, cell))

    async def bring(self, span: StoredSpan, along: StoredSpan) -> bytes:
        """The stored bytes of ``span``; what is missing is fetched, and that of ``along`` with it.

        Raises ``Unavailable`` after ``DEADLINE`` without progress, ``Outdated``, ``Corrupt``.
        """
        await self.content()
        waiting_since = trio.current_time()
        while True:
            data = self.at_hand(span)
            if data is not None:
                return data
            self.start(along, urgent=True)
            await self._next_landing(span, waiting_since)
            await self._settle()

    async def _settle(self) -> None:
        """Whoever reads what makes a file whole waits for the verdict: no copy of altered content ends well."""
        cached = self._cached
        if cached is not None and self._verifier is not None and self._verifier.due(cached):
            await self._examine(cached, StoredSpan(0, 0), b"")
        if self.failure is not None:
            raise self.failure

    async def _next_landing(self, span: StoredSpan, waiting_since: float) -> None:
        flight = next((flight for cell in indices(span) if (flight := self._flights.get(cell)) is not None), None)
        if flight is None:
            return
        stirred = False
        while not stirred and trio.current_time() < (deadline := self._deadline(flight, waiting_since)):
            with trio.move_on_at(deadline):
                await flight.stirred()
                stirred = True
        if not stirred:
            raise Unavailable(f"no data of {self.node.name!r} within {DEADLINE:g} s")
        if flight.ended and flight.failure is not None:
            raise flight.failure

    def _deadline(self, flight: Flight, waiting_since: float) -> float:
        """Before a request begins it waits for its turn, as long as anything comes at all."""
        heard = self.means.line.heard if flight.heard is None else flight.heard
        return max(waiting_since, heard) + DEADLINE

    def start(self, span: StoredSpan, *, urgent: bool, largest: int = 0) -> int:
        """Fetch the missing cells of the span, in requests of at most ``largest`` cells (0 = one request a gap).

        What is not urgent is left out as long as the budget has no room for it, and at the end of the span as long as
        it makes no whole request: a window that slides by a little at each read would be fetched in crumbs. Tells the
        offset up to which everything is here or on its way.
        """
        cached = self._cached
        if cached is None or self.failure is not None:
            return span.start
        wanted = [cell for cell in self.means.store.missing(cached, span) if self._wanted(cell)]
        for cells in pieces(wanted, largest):
            size = span_of(cells, cached.stored_size).length
            crumb = len(cells) < largest and indices(span).stop == cells.stop < cached.cells.count
            if not urgent and (crumb or not self.means.budget.try_take(size)):
                return cells.start * CELL
            self._launch(cached, cells, urgent=urgent)
        return span.end

    def _wanted(self, cell: int) -> bool:
        return cell not in self._flights and self._loose(cell) is None

    def _launch(self, cached: Cached, cells: range, *, urgent: bool) -> None:
        flight = Flight(cells, cached.stored_size, _Ground(self, cached))
        self._flights.update(dict.fromkeys(cells, flight))
        self.users += 1
        self.means.nursery.start_soon(self._fly, cached, flight, urgent)

    async def _fly(self, cached: Cached, flight: Flight, urgent: bool) -> None:
        content = self._content
        assert content is not None
        try:
            if urgent:
                await self.means.budget.take(flight.span.length)
            try:
                await self._travel(content, flight, urgent=urgent)
                flight.failure = None
                flight.end()
                if not self._examined_later(cached, flight.span):
                    await self._examine(cached, flight.span, flight.data)
            finally:
                if (buffer := flight.give_back()) is not None:
                    self.means.buffers.give(buffer)
                self.means.budget.give(flight.span.length)
        except Failure as failure:
            flight.failure = failure
        except Exception:
            log.exception("a download of node %s met a fault of the disk, or of mountcloud", self.node.id)
            flight.failure = Unavailable(f"{self.node.name!r} cannot be read now, see the log")
        finally:
            self.forget(flight.missing)
            flight.end()
            self.release()

    async def _travel(self, content: Content, flight: Flight, *, urgent: bool) -> None:
        async with self.means.turn(urgent=urgent):
            flight.begin(self.means.buffers.lend(flight.span.length))
            with flight.ground.prepared(flight.cells):
                await content.fetch(flight.span, _Arriving(self.means, flight))

    def forget(self, cells: range) -> None:
        """These cells are not on their way any more."""
        for cell in cells:
            self._flights.pop(cell, None)

    def keep(self, cached: Cached, cells: range, data: memoryview) -> None:
        """Hold cells for which no room was found before they came: on the disk after all, or in memory."""
        if self.means.store.write(cached, cells, data):
            return
        start = cells.start * CELL
        for cell in cells:
            span = span_of(range(cell, cell + 1), cached.stored_size)
            piece = bytes(data[span.start - start : span.end - start])
            self.means.loose.put(ChunkKey(self.node.id, self.node.version, cell), piece)

    def _keep_spare(self, start: int, data: bytes) -> None:
        """Whole cells that came along; the disk keeps them as far as it has room."""
        cached = self._cached
        if cached is None or self.failure is not None:
            return
        span = StoredSpan(start, start + len(data))
        missing = cached.cells.missing(within(span, cached.stored_size))
        for cells in runs([cell for cell in missing if self._wanted(cell)]):
            whole = span_of(cells, cached.stored_size)
            self.means.store.write(cached, cells, memoryview(data)[whole.start - start : whole.end - start])

    def _examined_later(self, cached: Cached, span: StoredSpan) -> bool:
        """What stands on the disk need not wait in memory for its turn: the budget is for what is on its way."""
        assert self._verifier is not None
        return self._verifier.busy and not self.means.store.missing(cached, span)

    async def _examine(self, cached: Cached, span: StoredSpan, data: bytes | memoryview) -> None:
        """Take new bytes into the check of the whole file; the last of them brings the verdict."""
        assert self._verifier is not None
        verdict = await self._verifier.examine(cached, span, data)
        if verdict is None or cached.verdict is not None:
            return
        cached.verdict, cached.changed = verdict, True
        if not verdict:
            log.error("the content of %r (node %s) was altered: it is not shown", self.node.name, self.node.id)
            self._quarantine()  # first: to drop the bytes may fail, on a full disk
            self.means.altered(self.node)
            self.means.store.drop(cached, quarantine=True)

    def _quarantine(self) -> None:
        self.failure = Corrupt(f"the content of {self.node.name!r} is not what was uploaded")

    @property
    def opened(self) -> Content | None:
        """The content, if it can be read from without waiting for anybody."""
        return self._content if self._cached is not None and self.failure is None else None

    async def bring_all(self, piece: int) -> None:
        """Fetch whatever is not here, in pieces of so many bytes; raises what ``bring`` raises."""
        content = await self.content()
        for start in range(0, content.stored_size, piece):
            span = StoredSpan(start, min(start + piece, content.stored_size))
            if self._cached is not None and self.means.store.missing(self._cached, span):
                await self.bring(span, span)
        await self._settle()

    async def verify(self, piece: int) -> None:
        """Fetch everything and wait for the verdict; at once if it is known already.

        Raises what ``bring`` raises; ``Corrupt`` too if the file is too large to be kept here until it is checked.
        """
        await self.content()
        cached = self._cached
        if cached is None or cached.verdict or not (self._verifier and self._verifier.applies):
            return
        await self.bring_all(piece)
        if not cached.verdict:
            raise Corrupt(f"{self.node.name!r} cannot be checked: the cache is too small to hold it")

    def release(self) -> None:
        """One user less. The content stays open, so that what is cached can be read again without asking anybody."""
        self.users -= 1
        if self.users == 0 and self._cached is not None:
            self.means.store.release(self._cached)
            self._cached = None

    async def aclose(self) -> None:
        """Give the content back; for a version that nobody uses."""
        content, self._content = self._content, None
        if content is not None:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await content.aclose()
