"""How many small changes to send at a time: more while more come through, fewer when the service asks for less."""

from dataclasses import dataclass, replace

_WORTH_IT = 1.05
"""A step must bring at least this much more through; less is chance."""
_PATIENCE = 12
"""Rounds at one width after a step that brought nothing, before it is tried again: the line may be better by then."""
_ROUND = 2
"""Answers for each place that make a round."""


@dataclass(frozen=True, slots=True)
class Breadth:
    """``width`` changes may be under way, from 1 to ``most``. Times in seconds on any clock that goes forward.

    It climbs as long as a step up is worth it: a service that works on one request at a time is left at what it had.
    ``rate`` is what came through in the last whole round, changes a second; ``before`` the width before the last step.
    """

    most: int
    width: int
    began: float | None = None
    answers: int = 0
    rate: float = 0.0
    before: int = 0
    resting: int = 0

    @classmethod
    def of(cls, usual: int, most: int) -> "Breadth":
        """Begin with the usual number, at least 1; ``most`` less than that means that number."""
        return cls(max(usual, most), usual)

    def idle(self) -> "Breadth":
        """There was less to do than places: what comes through says nothing of the service now."""
        return self if self.began is None else replace(self, began=None, answers=0)

    def after_answer(self, now: float) -> "Breadth":
        """A change arrived; places were free only for as long as it takes to fill them."""
        if self.began is None:
            return replace(self, began=now, answers=0)
        if self.answers + 1 < _ROUND * self.width:
            return replace(self, answers=self.answers + 1)
        return self._after_round((self.answers + 1) / max(now - self.began, 1e-6), now)

    def _after_round(self, rate: float, now: float) -> "Breadth":
        fresh = replace(self, began=now, answers=0)
        if self.before and rate < self.rate * _WORTH_IT:
            return replace(fresh, width=self.before, before=0, resting=_PATIENCE)
        if self.resting:
            return replace(fresh, resting=self.resting - 1)
        wider = min(self.width + max(self.width // 2, 1), self.most)
        return replace(fresh, rate=rate, before=self.width if wider > self.width else 0, width=wider)

    def after_refusal(self) -> "Breadth":
        """The service asked for less, or did not answer: half as many, and no step up for a while."""
        narrower = max(self.width // 2, 1)
        return replace(self.idle(), width=narrower, before=0, resting=_PATIENCE)
