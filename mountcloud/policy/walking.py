"""Whether a program walks through a tree, and how many directories to list ahead of it."""

from dataclasses import dataclass

_SURE_AFTER = 3
"""A file manager that shows one directory, or a shell that completes a name, opens fewer in one go."""
_PAUSE_S = 2.0
_MOST_AHEAD = 6
"""Leaves room for what programs wait for: services are asked for about eight things at once."""


@dataclass(frozen=True, slots=True)
class Walk:
    """``length`` directories were opened for the first time in one go, the last ``at`` seconds on some clock."""

    length: int = 0
    at: float = 0.0

    def step(self, now: float) -> "Walk":
        """One more was opened for the first time."""
        return Walk(self.length + 1 if self.length and now - self.at <= _PAUSE_S else 1, now)

    @property
    def ahead(self) -> int:
        """How many unknown directories to ask for before the program does: none for a glance, more the longer it goes
        on, so that little is asked for in vain when it stops.
        """
        return min(max(self.length - _SURE_AFTER + 1, 0), _MOST_AHEAD)
