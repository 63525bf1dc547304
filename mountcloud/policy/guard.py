"""A guard against mass deletion: more removals in a short time than a person makes wait for that person's word."""

from dataclasses import dataclass, replace
from enum import Enum


class Watch(Enum):
    """What the guard does with removals."""

    WATCHING = "watching"
    """They go, and are counted."""
    STOPPED = "stopped"
    """There were too many: all that are owed wait."""
    ALLOWED = "allowed"
    """The user said yes: they go uncounted until there was none for a whole window."""


@dataclass(frozen=True, slots=True)
class DeleteGuard:
    """More than ``limit`` removals within ``window_s`` seconds stop all; a limit of 0 never does.

    ``recent`` are the times of the last removals, seconds on any clock, at most ``limit`` + 1 of them.
    """

    limit: int
    window_s: float
    watch: Watch = Watch.WATCHING
    recent: tuple[float, ...] = ()

    @property
    def stopped(self) -> bool:
        """True while removals wait."""
        return self.watch is Watch.STOPPED

    def after_removal(self, now: float) -> "DeleteGuard":
        """One more removal is owed."""
        if not self.limit or self.watch is Watch.STOPPED:
            return self
        if self.watch is Watch.ALLOWED and self.recent and now - self.recent[-1] <= self.window_s:
            return replace(self, recent=(now,))
        recent = (*(at for at in self.recent[-self.limit :] if now - at < self.window_s), now)
        return replace(self, watch=Watch.STOPPED if len(recent) > self.limit else Watch.WATCHING, recent=recent)

    def after_start(self, owed: int, now: float) -> "DeleteGuard":
        """So many removals were owed when the daemon started; when they were made is not known, so all count."""
        if self.watch is Watch.ALLOWED and owed:
            return replace(self, recent=(now,))
        watch = Watch.STOPPED if self.limit and (owed > self.limit or (self.stopped and owed)) else Watch.WATCHING
        return replace(self, watch=watch, recent=(now,) * min(owed, self.limit + 1))

    def after_allowed(self, now: float) -> "DeleteGuard":
        """The user said yes."""
        return replace(self, watch=Watch.ALLOWED, recent=(now,))

    def after_discarded(self) -> "DeleteGuard":
        """The user took them back."""
        return replace(self, watch=Watch.WATCHING, recent=())
