"""Bytes of one content: whole shards are fetched, checked and kept for a while, and parts are read from there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import trio

from mountcloud.crypt.digest import METADISK
from mountcloud.crypt.plain import PlainCipher
from mountcloud.model.arrival import Arrival, Arrived
from mountcloud.model.errors import Corrupt, Failure, Unavailable
from mountcloud.model.places import Places
from mountcloud.model.provider import ContentCipher, Spare
from mountcloud.model.span import StoredSpan
from mountcloud.providers.metadisk.farmers import Farmers, Find, OtherShards, Pointers
from mountcloud.providers.metadisk.layout import Layout, kept_layout
from mountcloud.providers.metadisk.spool import Alive, Shard, Spool

_PIECE = 1 << 20
"""Bytes that are handed on at a time, cut at multiples of it in the file."""

_KEPT_EVERY = 8
"""Shards whose sizes are written down together."""


def layout_note(content: str) -> str:
    """The note in the book of places that holds where the shards of a content begin."""
    return f"shards {content}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What all contents of an account are read by."""

    spool: Spool
    farmers: Farmers
    places: Places


class MetadiskContent:
    """What does not change under its hash, wherever it is. Not one byte is shown before its shard was checked."""

    def __init__(self, content: str, size: int, find: Find, reading: Reading) -> None:
        self._hash = content
        self._cipher = PlainCipher(size, content, METADISK)
        self._pointers = Pointers(find)
        self._spool, self._farmers, self._places = reading.spool, reading.farmers, reading.places
        self._layout: Layout | None = None
        self._spare: Spare | None = None
        self._shared: set[int] = set()

    @property
    def stored_size(self) -> int:
        """Stored bytes."""
        return self._cipher.stored_size

    @property
    def cipher(self) -> ContentCipher:
        """How to read them."""
        return self._cipher

    def share(self, spare: Spare) -> None:
        """From now on every whole shard is given to this too."""
        self._spare = spare

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        """Exactly these bytes; raises ``Outdated`` if the bucket does not have the content any more."""
        if span.end > self.stored_size:
            raise ValueError(f"{span} is beyond {self.stored_size} bytes")
        arrival = Arrival(span, arrived)
        while arrival.missing.length:
            await self._next(arrival)
        return arrival.gathered()

    async def _next(self, arrival: Arrival) -> None:
        """What the next shard has of it."""

        def alive() -> None:
            arrival.take(b"")

        layout = await self._known_layout()
        number = await self._locate(layout, arrival.missing.start, alive)
        async with self._shard(layout, number, alive) as shard:
            start = layout.start_of(number)
            if start is None:
                raise Unavailable("nobody knows where a shard begins")
            end = min(arrival.missing.end, start + shard.size)
            for piece in _pieces(arrival.missing.start, end):
                arrival.take(shard.read(piece.start - start, piece.end - start))
                await trio.lowlevel.checkpoint()

    async def _known_layout(self) -> Layout:
        if self._layout is None:
            kept = kept_layout(self.stored_size, self._places.note(layout_note(self._hash)) or "")
            self._layout = kept or Layout(self.stored_size, await self._pointers.hashes())
        if not self._layout.hashes:
            raise Unavailable("the service names no shards of a file that is not empty")
        return self._layout

    async def _locate(self, layout: Layout, position: int, alive: Alive) -> int:
        """The shard that holds the byte, after looking at as many others as it takes."""
        while (number := layout.at(position)) is None:
            wanted = layout.to_learn(position, self._farmers.most)
            if not wanted:
                raise Corrupt(f"the shards hold fewer than {self.stored_size} bytes")
            failures: list[Failure] = []
            async with trio.open_nursery() as nursery:
                for each in wanted:
                    nursery.start_soon(self._see, layout, each, alive, failures)
            if failures:
                raise failures[0]
        return number

    async def _see(self, layout: Layout, number: int, alive: Alive, failures: list[Failure]) -> None:
        try:
            async with self._shard(layout, number, alive):
                pass
        except Failure as failure:
            failures.append(failure)

    @asynccontextmanager
    async def _shard(self, layout: Layout, number: int, alive: Alive) -> AsyncIterator[Shard]:
        hash_ = layout.hashes[number]

        async def fill(shard: Shard) -> None:
            try:
                await self._farmers.fetch(self._pointers, number, hash_, shard, self.stored_size)
            except OtherShards:
                self._layout = None
                self._places.set_note(layout_note(self._hash), "")
                raise

        async with self._spool.shard(hash_, fill, alive) as shard:
            if number not in layout.sizes:
                layout.learn(number, shard.size)
                self._keep(layout)
            elif layout.sizes[number] != shard.size:
                raise Corrupt(f"the shards hold other than {self.stored_size} bytes")
            self._give_spare(layout, number, shard)
            yield shard

    def _keep(self, layout: Layout) -> None:
        """Sizes are dear: to learn one the shard must be fetched. But each writing takes longer than the one before."""
        if layout.is_known or len(layout.sizes) % _KEPT_EVERY == 0:
            self._places.set_note(layout_note(self._hash), layout.text)

    def _give_spare(self, layout: Layout, number: int, shard: Shard) -> None:
        start = layout.start_of(number)
        if self._spare is None or start is None or number in self._shared:
            return
        self._shared.add(number)
        for piece in _pieces(start, start + shard.size):
            self._spare(piece.start, shard.read(piece.start - start, piece.end - start))

    async def aclose(self) -> None:
        """Nothing is held but what ``Spool`` bounds."""


def _pieces(start: int, end: int) -> list[StoredSpan]:
    cuts = [start, *range((start // _PIECE + 1) * _PIECE, end, _PIECE), end]
    return [StoredSpan(one, other) for one, other in pairwise(cuts) if one < other]
