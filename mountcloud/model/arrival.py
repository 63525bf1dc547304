"""Stored bytes on their way: they come in order, perhaps in several attempts, and none is asked for twice."""

from collections.abc import Callable

from mountcloud.model.span import StoredSpan

Arrived = Callable[[bytes], None]
"""Is given the next bytes of a span, as soon as they are here."""


class Arrival:
    """The bytes of one span. They go to ``arrived``, or else are gathered here."""

    def __init__(self, span: StoredSpan, arrived: Arrived | None = None) -> None:
        self._pieces: list[bytes] = []
        self._arrived = arrived or self._pieces.append
        self._span = span
        self._position = span.start

    @property
    def missing(self) -> StoredSpan:
        """What has not come yet: the rest of the span."""
        return StoredSpan(self._position, self._span.end)

    def take(self, piece: bytes) -> None:
        """The next bytes; raises ``ValueError`` if they are more than are missing."""
        if len(piece) > self.missing.length:
            raise ValueError(f"{len(piece)} bytes are more than {self.missing} holds")
        self._position += len(piece)
        self._arrived(piece)

    def gathered(self) -> bytes:
        """All that came; empty where it went elsewhere."""
        return b"".join(self._pieces)
