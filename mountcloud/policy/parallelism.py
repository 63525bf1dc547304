"""How many requests to have under way at a service: half as many when it asks for less, then slowly more again."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Parallelism:
    """``width`` requests may be under way, never more than ``most``; ``halvings`` counts how often it asked for less.

    Additive increase, multiplicative decrease: the rule by which many clients find their fair share of one service
    without knowing of each other.
    """

    most: int
    width: float
    halvings: int = 0

    @classmethod
    def full(cls, most: int) -> "Parallelism":
        """Begin with all of them; ``most`` is at least 1."""
        if most < 1:
            raise ValueError("at least one request must be possible at a time")
        return cls(most, float(most))

    @property
    def allowed(self) -> int:
        """Requests that may be under way, at least one."""
        return int(self.width)

    def after_success(self) -> "Parallelism":
        """The service bore it: a whole width of such answers makes room for one more."""
        return replace(self, width=min(self.width + 1 / self.width, float(self.most)))

    def after_refusal(self, begun: int) -> "Parallelism":
        """The service asked for less (429, 503); ``begun`` is what ``halvings`` was when the request began.

        What was under way at a halving says nothing of the new width, so a burst of refusals counts once.
        """
        if begun < self.halvings:
            return self
        return replace(self, width=max(self.width / 2, 1.0), halvings=self.halvings + 1)
