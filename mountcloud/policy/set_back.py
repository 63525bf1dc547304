"""Whether the clock of the day was set back, which makes what is due at a time of day wait for it once more."""

from dataclasses import dataclass

_SLACK_S = 2.0
"""Less than this is the usual correction of a clock that runs well."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """``ahead``: by how many seconds the clock of the day was ahead of one that is never set."""

    ahead: float = float("-inf")
    set_back: bool = False

    def after(self, of_the_day: float, steady: float) -> "Clocks":
        """Both as they are now; ``set_back`` tells of the time since the last look."""
        ahead = of_the_day - steady
        return Clocks(ahead, ahead < self.ahead - _SLACK_S)
