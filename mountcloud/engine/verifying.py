"""Whether the stored bytes of one version are those that were uploaded, in whatever order they come."""

from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from mountcloud.model.errors import Corrupt
from mountcloud.model.provider import ContentCheck, ContentCipher
from mountcloud.model.span import StoredSpan
from mountcloud.store.chunk_store import Cached, ChunkStore

_PIECE = 1 << 20
"""Bytes that are taken from the disk at a time."""


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

    async def _take(self, cached: Cached, check: ContentCheck, position: int, end: int) -> int:
        """Add what is here from the position on; how far that was."""
        buffer = memoryview(bytearray(min(_PIECE, end - position)))
        while position < end:
            piece = StoredSpan(position, min(position + _PIECE, end))
            if self.store.missing(cached, piece):
                return position
            peek, room = self.store.peeker(cached, piece), buffer[: piece.length]
            if not await trio.to_thread.run_sync(_add, check, piece, peek, room):
                return position
            position = piece.end
        return position


def _add(check: ContentCheck, piece: StoredSpan, peek: Callable[[memoryview], bool], room: memoryview) -> bool:
    """In a thread: take bytes from the disk into the check, unless they made way meanwhile."""
    if not peek(room):
        return False
    check.add(piece, room)
    return True
