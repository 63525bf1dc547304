"""How often something may be asked for that a service wants to be asked for seldom."""

from dataclasses import dataclass, replace

_HOUR_S = 3600.0
_AT_ONCE = 5
"""One of so many calls may be made at once; the others come evenly."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most ``per_hour`` calls in any hour; 0 is no limit. ``left`` calls were left at ``at`` (seconds).

    A fifth of them may follow on each other, so that who looks after a pause is served at once.
    """

    per_hour: int
    left: float
    at: float

    @classmethod
    def full(cls, per_hour: int, at: float) -> "Allowance":
        """Nothing was asked for yet."""
        return cls(per_hour, float(_burst(per_hour)), at)

    def after_call(self, now: float) -> "Allowance | None":
        """What is left after one more call, None if that must wait."""
        if not self.per_hour:
            return self
        burst = _burst(self.per_hour)
        grown = self.left + (now - self.at) * max(self.per_hour - burst, 1) / _HOUR_S
        left = min(float(burst), grown)
        return replace(self, left=left - 1, at=now) if left >= 1 else None


def _burst(per_hour: int) -> int:
    return max(1, per_hour // _AT_ONCE)
