"""One request for cells on its way: each is handed on as soon as it is whole."""

from contextlib import AbstractContextManager
from typing import Protocol

import trio

from mountcloud.engine.buffers import Buffer
from mountcloud.model.arrival import Piece
from mountcloud.model.errors import Failure, Unavailable
from mountcloud.model.span import StoredSpan
from mountcloud.policy.cells import CELL, span_of


class Ground(Protocol):
    """Where cells land."""

    def prepared(self, cells: range) -> AbstractContextManager[None]:
        """For the time in which they come."""

    def write(self, cells: range, data: memoryview) -> bool:
        """In any thread: put whole cells on the disk, where ``land`` will find them; False if that was not possible."""

    def land(self, cells: range, data: memoryview, *, written: bool) -> None:
        """Whole cells are here; ``written`` if ``write`` has taken them."""


class Flight:
    """Cells on their way; whoever needs one of them waits for the same request.

    All bytes get into one buffer, which is lent to the flight. ``heard`` is when a byte came last, None before the
    request began. Who puts bytes straight into the room does so in a thread and lets that one write them to the disk,
    which can take long; all else belongs to the loop.
    """

    def __init__(self, cells: range, stored_size: int, ground: Ground) -> None:
        self.cells = cells
        self.span = span_of(cells, stored_size)
        self.failure: Failure | None = Unavailable("the download was given up")
        self.heard: float | None = None
        self.ended = False
        self.ground = ground
        self._buffer = memoryview(b"")
        self._came = 0
        self._next = cells.start
        self._settled = 0
        self._written = cells.start
        self._stir = trio.Event()

    @property
    def missing(self) -> range:
        """Cells that have not landed."""
        return range(self._next, self.cells.stop)

    @property
    def data(self) -> memoryview:
        """All bytes, once they are here."""
        return self._buffer

    def begin(self, buffer: Buffer) -> None:
        """The request is sent now; the buffer is at least as long as the span."""
        self.heard = trio.current_time()
        self._buffer = memoryview(buffer)[: self.span.length]

    def room(self) -> memoryview:
        """Where the missing bytes belong."""
        self._settled, self._written = self._came, self._next
        return self._buffer[self._came :]

    def settle(self, size: int) -> None:
        """In a thread: so many bytes more are in the room, and will be handed over by ``take``."""
        self._settled += size
        whole = self._whole(self._written, self._settled)
        if whole and self.ground.write(whole, self._bytes(whole)):
            self._written = whole.stop

    def take(self, piece: Piece) -> None:
        """The next bytes; those that stand in the room already are not copied."""
        self.heard = trio.current_time()
        if not (isinstance(piece, memoryview) and piece.obj is self._buffer.obj):
            self._buffer[self._came : self._came + len(piece)] = piece
        self._came += len(piece)
        whole = self._whole(self._next, self._came)
        written = range(whole.start, max(min(self._written, whole.stop), whole.start))
        self._land(written, written=True)
        self._land(range(written.stop, whole.stop), written=False)

    def _land(self, cells: range, *, written: bool) -> None:
        if cells:
            self._next = cells.stop
            self.ground.land(cells, self._bytes(cells), written=written)
            self._stir_up()

    def _whole(self, first: int, came: int) -> range:
        """The cells from the first on that are whole when so many bytes are here."""
        end = self.span.start + came
        return range(first, self.cells.stop if end == self.span.end else end // CELL)

    def _bytes(self, cells: range) -> memoryview:
        span = StoredSpan(cells.start * CELL, min(cells.stop * CELL, self.span.end))
        return self._buffer[span.start - self.span.start : span.end - self.span.start]

    def end(self) -> None:
        """Nothing more will land; ``failure`` tells why, if not all did."""
        self.ended = True
        self._stir_up()

    def give_back(self) -> Buffer | None:
        """Nobody needs the bytes any more: the buffer that was lent, if one was."""
        buffer, self._buffer = self._buffer.obj, memoryview(b"")
        return buffer if isinstance(buffer, Buffer) else None

    def _stir_up(self) -> None:
        self._stir.set()
        self._stir = trio.Event()

    async def stirred(self) -> None:
        """Wait until something landed, or it ended."""
        await self._stir.wait()
