"""How fast content comes, so that no more is fetched ahead than arrives in a short time. Times in seconds."""

from dataclasses import dataclass, replace

_SHORTEST = 0.25
"""Seconds that are measured at least: single answers come in bursts."""


@dataclass(frozen=True, slots=True)
class Line:
    """``rate`` in bytes a second, None before anything is known; the rest is the measurement under way.

    ``heard`` is when a byte came last.
    """

    rate: float | None = None
    since: float = 0.0
    came: int = 0
    heard: float = float("-inf")

    def begun(self, now: float) -> "Line":
        """After a rest something is asked for again: the rest says nothing of the line."""
        return replace(self, since=now, came=0)

    def after(self, now: float, size: int) -> "Line":
        """So many bytes came now, of all downloads together."""
        came, elapsed = self.came + size, now - self.since
        if elapsed < _SHORTEST:
            return replace(self, came=came, heard=now)
        rate = came / elapsed
        return Line(rate if self.rate is None else (self.rate + rate) / 2, now, 0, now)

    def within(self, seconds: float) -> float:
        """Bytes that may be expected to come in that time."""
        return float("inf") if self.rate is None else self.rate * seconds
