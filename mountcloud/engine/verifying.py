"""Whether the stored bytes of one version are those that were uploaded, in whatever order they come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import trio

from mountcloud.model.errors import Corrupt
from mountcloud.model.provider import ContentCheck, ContentCipher
from mountcloud.model.span import StoredSpan
from mountcloud.store.chunk_store import Cached, ChunkStore

_PIECE = 1 << 20
"""Bytes that are taken from the disk at a time."""
_PIECES = 8
"""How many of them a thread takes: a way there may cost as much as a piece."""


@dataclass(slots=True)
class Verifier:
    """The check of one version. ``applies`` is false where nothing can tell."""

    store: ChunkStore
    cipher: ContentCipher
    applies: bool = field(init=False)
    _check: ContentCheck | None = None
    _evictions: int = 0
    _busy: trio.Lock = field(default_factory=trio.Lock)

    def __post_init__(self) -> None:
        self.applies = self.cipher.check(b"") is not None

    def due(self, cached: Cached) -> bool:
        """All is here, so a verdict can be had."""
        return self.applies and cached.verdict is None and cached.cells.complete

    async def examine(self, cached: Cached, span: StoredSpan, data: bytes | memoryview) -> bool | None:
        """Take in new bytes; the verdict, if these brought it. An empty span just brings what is due."""
        async with self._busy:
            if cached.verdict is not None or not self.applies:
                return None
            check = self._present(cached)
            await trio.to_thread.run_sync(check.add, span, data)
            await self._follow_up(cached, check)
            if cached.evictions == self._evictions:
                cached.check_state = check.state()
            return check.verdict()

    def _present(self, cached: Cached) -> ContentCheck:
        """Bytes that were evicted and fetched again are other bytes: what was seen before says nothing of them."""
        if self._check is None or cached.evictions != self._evictions:
            try:
                self._check = self.cipher.check(cached.check_state)
            except Corrupt:
                self._check = self.cipher.check(b"")
            self._evictions = cached.evictions
        assert self._check is not None
        return self._check

    async def _follow_up(self, cached: Cached, check: ContentCheck) -> None:
        """Take from the disk what came before the check began, or out of order to a check that needs order.

        While cells are missing only the first gap is looked at: there may be very many.
        """
        seen_and_end = (*check.seen, StoredSpan(cached.stored_size, cached.stored_size))
        known = seen_and_end if cached.cells.complete else seen_and_end[:2]
        position = 0
        for seen in known:
            position = await self._take(cached, check, position, seen.start)
            if position < seen.start:
                return
            position = seen.end

    @property
    def busy(self) -> bool:
        """Something is being taken in. It goes on with what stands on the disk by then."""
        return self._busy.locked()

    async def _take(self, cached: Cached, check: ContentCheck, position: int, end: int) -> int:
        """Add what is here from the position on; how far that was."""
        if position >= end:
            return position
        room = memoryview(bytearray(min(_PIECE, end - position)))
        while pieces := self._here(cached, position, end):
            peeks = [(piece, self.store.peeker(cached, piece)) for piece in pieces]
            position = await trio.to_thread.run_sync(_add, check, peeks, room)
            if position < pieces[-1].end:
                return position
        return position

    def _here(self, cached: Cached, position: int, end: int) -> list[StoredSpan]:
        """The next pieces of a gap, as far as they stand on the disk."""
        most = min(end, position + _PIECES * _PIECE)
        pieces = [StoredSpan(start, min(start + _PIECE, end)) for start in range(position, most, _PIECE)]
        return list(takewhile(lambda piece: not self.store.missing(cached, piece), pieces))


_Peek = Callable[[memoryview], bool]


def _add(check: ContentCheck, peeks: Sequence[tuple[StoredSpan, _Peek]], room: memoryview) -> int:
    """In a thread: take bytes from the disk into the check, unless they made way meanwhile; how far that was."""
    for piece, peek in peeks:
        if not peek(room[: piece.length]):
            return piece.start
        check.add(piece, room[: piece.length])
    return peeks[-1][0].end
