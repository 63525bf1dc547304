"""Whether a program walks through a tree, and how many directories to list ahead of it."""

from dataclasses import dataclass

_SURE_AFTER = 3
"""A file manager that shows one directory, or a shell that completes a name, opens fewer in one go."""
_PAUSE_S = 2.0
_MOST_AHEAD = 6
"""Leaves room for what programs wait for: services are asked for about eight things at once."""


@dataclass(frozen=True, slots=True)
class Walk:
    """``length`` directories were opened for the first time in one go, the last ``at`` seconds on some clock.

    Going down does not count: whoever opens a file by its path comes through all directories above it.
    """

    length: int = 0
    at: float = 0.0

    def step(self, now: float, *, down: bool = False) -> "Walk":
        """One more was opened for the first time; ``down``: it is in the one before."""
        if not self.length or now - self.at > _PAUSE_S:
            return Walk(1, now)
        return Walk(self.length + (not down), now)

    @property
    def ahead(self) -> int:
        """How many unknown directories to ask for before the program does: none for a glance, more the longer it goes
        on, so that little is asked for in vain when it stops.
        """
        return min(max(self.length - _SURE_AFTER + 1, 0), _MOST_AHEAD)
