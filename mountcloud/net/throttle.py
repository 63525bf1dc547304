"""How many requests one host gets at a time, and silence for all of them when it asks for it.

A service that answers 429 means the account, not the one request that met the answer: everybody waits, and afterwards
half as many come at once as before (``policy/parallelism.py``).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from mountcloud.policy.parallelism import Parallelism

MAX_PAUSE_S = 300.0


@dataclass(slots=True)
class _Lane:
    """Requests of one purpose to one host. Whoever leaves hands the place over, so nobody is overtaken."""

    parallelism: Parallelism
    under_way: int = 0
    _waiting: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)

    async def enter(self) -> None:
        await trio.lowlevel.checkpoint()
        if self._waiting or self.under_way >= self.parallelism.allowed:
            await self._waiting.park()
        else:
            self.under_way += 1

    def leave(self) -> None:
        self.under_way -= 1
        while self._waiting and self.under_way < self.parallelism.allowed:
            self.under_way += 1
            self._waiting.unpark()


class Turn:
    """A request that may go; its holder says how it was received."""

    def __init__(self, lane: _Lane) -> None:
        self._lane = lane
        self._begun = lane.parallelism.halvings

    def borne(self) -> None:
        """The host did what was asked."""
        self._lane.parallelism = self._lane.parallelism.after_success()

    def refused(self) -> None:
        """The host asked for less."""
        self._lane.parallelism = self._lane.parallelism.after_refusal(self._begun)


class Throttle:
    """Limits and pauses per lane; a lane is a host and a purpose."""

    def __init__(self, limit: int) -> None:
        self._full = Parallelism.full(limit)
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._quiet_until: dict[str, float] = {}

    @asynccontextmanager
    async def slot(self, host: str, purpose: str) -> AsyncIterator[Turn]:
        """Hold one of the host's places for this purpose, once the host is not to be left alone any more."""
        lane = self._lanes.setdefault((host, purpose), _Lane(self._full))
        await lane.enter()
        try:
            await self._wait(host)
            yield Turn(lane)
        finally:
            lane.leave()

    def pause(self, host: str, seconds: float) -> None:
        """Let all requests to the host that have not begun wait; never shortens a pause that is under way."""
        until = trio.current_time() + min(max(seconds, 0.0), MAX_PAUSE_S)
        self._quiet_until[host] = max(until, self._quiet_until.get(host, until))

    async def _wait(self, host: str) -> None:
        """The pause may be prolonged while we wait, so look again after each sleep."""
        until = self._quiet_until.get(host, 0.0)
        if until > trio.current_time():
            await trio.sleep_until(until)
            await self._wait(host)
