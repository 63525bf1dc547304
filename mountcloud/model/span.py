"""Half-open byte ranges. Plaintext and stored bytes are different types, so that offsets cannot be confused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: [{self.start}, {self.end})")

    @property
    def length(self) -> int:
        """Bytes in the span."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class PlainSpan(_Span):
    """Bytes [start, end) of a file as programs see it."""


@dataclass(frozen=True, slots=True)
class StoredSpan(_Span):
    """Bytes [start, end) of a file as the service stores it."""
