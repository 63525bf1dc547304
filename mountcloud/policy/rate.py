"""How fast something goes, and how long the rest of it takes. Times in seconds."""

from dataclasses import dataclass

_SHORTEST = 0.5
"""Seconds that are measured at least: bytes come and go in bursts."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``speed`` in bytes a second, None before anything is known; ``done`` bytes by ``at``."""

    at: float
    done: int = 0
    speed: float | None = None

    def after(self, now: float, done: int) -> "Rate":
        """So many bytes are done by now, in all. Going back (an attempt began anew) says nothing of the speed."""
        if done < self.done:
            return Rate(now, done, self.speed)
        elapsed = now - self.at
        if elapsed < _SHORTEST:
            return self
        speed = (done - self.done) / elapsed
        return Rate(now, done, speed if self.speed is None else (self.speed + speed) / 2)

    def left(self, rest: int) -> float | None:
        """Seconds until ``rest`` more bytes are done, None if nobody can tell."""
        return rest / self.speed if self.speed else None
