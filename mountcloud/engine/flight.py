"""One request for cells on its way: each is handed on as soon as it is whole."""

from collections.abc import Callable

import trio

from mountcloud.model.errors import Failure, Unavailable
from mountcloud.model.span import StoredSpan
from mountcloud.policy.cells import CELL, span_of

Landed = Callable[[range, memoryview], None]
"""Is given whole cells and their bytes."""


class Flight:
    """Cells on their way; whoever needs one of them waits for the same request.

    The bytes are copied once, into one buffer. ``heard`` is when a byte came last, None before the request began.
    """

    def __init__(self, cells: range, stored_size: int, landed: Landed) -> None:
        self.cells = cells
        self.span = span_of(cells, stored_size)
        self.failure: Failure | None = Unavailable("the download was given up")
        self.heard: float | None = None
        self.ended = False
        self._landed = landed
        self._buffer = bytearray()
        self._came = 0
        self._next = cells.start
        self._stir = trio.Event()

    @property
    def missing(self) -> range:
        """Cells that have not landed."""
        return range(self._next, self.cells.stop)

    @property
    def data(self) -> memoryview:
        """All bytes, once they are here."""
        return memoryview(self._buffer)

    def begin(self) -> None:
        """The request is sent now."""
        self.heard = trio.current_time()
        self._buffer = bytearray(self.span.length)

    def take(self, piece: bytes) -> None:
        """The next bytes."""
        self.heard = trio.current_time()
        self._buffer[self._came : self._came + len(piece)] = piece
        self._came += len(piece)
        end = self.span.start + self._came
        whole = range(self._next, self.cells.stop if end == self.span.end else end // CELL)
        if whole:
            self._land(whole, end)

    def _land(self, whole: range, end: int) -> None:
        span = StoredSpan(whole.start * CELL, min(whole.stop * CELL, end))
        self._next = whole.stop
        self._landed(whole, self.data[span.start - self.span.start : span.end - self.span.start])
        self._stir_up()

    def end(self) -> None:
        """Nothing more will land; ``failure`` tells why, if not all did."""
        self.ended = True
        self._stir_up()

    def _stir_up(self) -> None:
        self._stir.set()
        self._stir = trio.Event()

    async def stirred(self) -> None:
        """Wait until something landed, or it ended."""
        await self._stir.wait()
