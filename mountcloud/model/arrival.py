"""Stored bytes on their way: they come in order, perhaps in several attempts, and none is asked for twice."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from mountcloud.model.span import StoredSpan

Piece = bytes | memoryview
Arrived = Callable[[Piece], None]
"""Is given the next bytes of a span, as soon as they are here. May be ``Roomy``."""


@runtime_checkable
class Roomy(Protocol):
    """An ``Arrived`` that has the memory for its bytes: who can, puts them there and hands that part over, uncopied."""

    def __call__(self, piece: Piece) -> None:
        """The next bytes: any, or those that were put at the beginning of the room."""

    def room(self) -> memoryview:
        """Where the missing bytes belong, all of them or more."""

    def settle(self, size: int) -> None:
        """Work that takes long, in the thread that put so many bytes more into the room; then they are handed over."""


class Arrival:
    """The bytes of one span. They go to ``arrived``, or else are gathered here."""

    def __init__(self, span: StoredSpan, arrived: Arrived | None = None) -> None:
        self._pieces: list[Piece] = []
        self._arrived = arrived or self._pieces.append
        self._span = span
        self._position = span.start

    @property
    def missing(self) -> StoredSpan:
        """What has not come yet: the rest of the span."""
        return StoredSpan(self._position, self._span.end)

    def take(self, piece: Piece) -> None:
        """The next bytes; raises ``ValueError`` if they are more than are missing."""
        if len(piece) > self.missing.length:
            raise ValueError(f"{len(piece)} bytes are more than {self.missing} holds")
        self._position += len(piece)
        self._arrived(piece)

    __call__ = take

    def room(self) -> memoryview:
        """That of ``arrived``, or new memory."""
        known = self._arrived.room() if isinstance(self._arrived, Roomy) else memoryview(bytearray(self.missing.length))
        return known[: self.missing.length]

    def settle(self, size: int) -> None:
        """In a thread: hand it on to whoever has the room."""
        if isinstance(self._arrived, Roomy):
            self._arrived.settle(size)

    def gathered(self) -> bytes:
        """All that came; empty where it went elsewhere."""
        return b"".join(self._pieces)
