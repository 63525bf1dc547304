"""Trouble on demand: what a service in memory does wrong when a test says so."""

from collections import Counter
from dataclasses import dataclass, field

import trio

from mountcloud.model.errors import Failure


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong: a failure, a delay until ``gate`` is set, or both.

    ``after`` says whether the call has its effect first, as when only the reply is lost.
    """

    failure: Failure | None = None
    gate: trio.Event | None = None
    after: bool = False
    arrived: trio.Event = field(default_factory=trio.Event)
    """Set when a call has met this fault."""

    async def meet(self) -> None:
        """Wait for the gate, then raise the failure."""
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure


class Faults:
    """Faults by the name of the method that meets them, each met once, in order; and a count of all calls.

    Names are those of the ``Provider`` methods, and ``fetch`` and ``close`` for ``Content``.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._waiting: dict[str, list[Fault]] = {}

    def fail_next(self, method: str, failure: Failure, *, after: bool = False) -> None:
        """Let the next call of this method fail; with ``after`` it has its effect first."""
        self.add(method, Fault(failure, after=after))

    def hold_next(self, method: str, *, after: bool = False) -> Fault:
        """Let the next call of this method wait until the ``gate`` of the returned fault is set."""
        return self.add(method, Fault(gate=trio.Event(), after=after))

    def add(self, method: str, fault: Fault) -> Fault:
        """Let the next call that meets no earlier fault meet this one."""
        self._waiting.setdefault(method, []).append(fault)
        return fault

    def take(self, method: str) -> Fault:
        """Count a call, and say what it meets: perhaps a fault that does nothing."""
        self.calls[method] += 1
        waiting = self._waiting.get(method)
        return waiting.pop(0) if waiting else Fault()
