"""How many requests one host gets at a time, and silence for all of them when it asks for it.

A service that answers 429 means the account, not the one request that met the answer: everybody waits.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

MAX_PAUSE_S = 300.0


class Throttle:
    """Limits and pauses per lane; a lane is any text, such as a host, or a host and a purpose."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("at least one request must be possible at a time")
        self._slots: defaultdict[str, trio.Semaphore] = defaultdict(lambda: trio.Semaphore(limit))
        self._quiet_until: dict[str, float] = {}

    @asynccontextmanager
    async def slot(self, host: str, purpose: str) -> AsyncIterator[None]:
        """Hold one of the host's places for this purpose, once the host is not to be left alone any more."""
        async with self._slots[f"{host} {purpose}"]:
            await self._wait(host)
            yield

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
