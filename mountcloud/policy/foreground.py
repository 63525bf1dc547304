"""Programs first: while one of them changes much at once, what is owed may wait a moment to be sent."""

from dataclasses import dataclass

_QUIET_S = 0.25
"""Seconds without a change that end a burst."""
_MANY = 8
"""Changes that make a burst: an unpacking archive makes hundreds a second, a person never so many."""
LONGEST_S = 5.0
"""Seconds that a burst is given; what goes on for longer shares the machine with the sending."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Changes that follow each other closely; times in seconds on any clock."""

    began: float = 0.0
    last: float = float("-inf")
    changes: int = 0

    def after_change(self, now: float) -> "Burst":
        """A program changed something."""
        if now - self.last > _QUIET_S:
            return Burst(now, now, 1)
        return Burst(self.began, now, self.changes + 1)

    def wait(self, now: float) -> float:
        """Seconds after which to look again before anything is sent; 0: it may be sent now."""
        if self.changes < _MANY or not 0 <= now - self.last <= _QUIET_S:  # the clock may be set back
            return 0.0
        return max(min(_QUIET_S, self.began + LONGEST_S - now), 0.0)
