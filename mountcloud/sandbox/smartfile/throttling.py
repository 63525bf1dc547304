"""How many calls an account may make, in both generations of saying that it was too much (SmartFile facts, 9)."""

import time
from dataclasses import dataclass, field

from mountcloud.sandbox.smartfile.errors import Refusal


@dataclass(slots=True)
class Allowance:
    """Calls that are left; they come back with time, up to those of one second."""

    per_second: float
    left: float = field(init=False)
    counted_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.left, self.counted_at = max(self.per_second, 1.0), time.monotonic()

    def take(self) -> float:
        """Seconds until the next call may come; 0 if this one may."""
        now = time.monotonic()
        self.left = min(max(self.per_second, 1.0), self.left + (now - self.counted_at) * self.per_second)
        self.counted_at = now
        if self.left < 1:
            return (1 - self.left) / self.per_second
        self.left -= 1
        return 0.0


def refusal(generation: str, seconds: float) -> Refusal:
    """What the service answers instead."""
    if generation == "503":
        text = f"throttled; next={seconds:.3f} sec"
        return Refusal(503, "Request was throttled.", headers={"X-Throttle": text})
    return Refusal(429, "Request was throttled.", headers={"Retry-After": f"{seconds:.3f}"})
