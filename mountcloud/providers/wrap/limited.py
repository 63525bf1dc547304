"""Ask a service for no more at once than it likes."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

import trio

from mountcloud.model.provider import Provider
from mountcloud.providers.wrap.passing import CallKind, PassingProvider

Result = TypeVar("Result")


class Slots:
    """Lets ``total`` calls go at a time, at most half of them uploads: readers need not wait for long ones.

    One is left to calls that carry no content, so that a directory opens while large files are on their way.
    """

    def __init__(self, total: int) -> None:
        self._all = trio.CapacityLimiter(total)
        self._transfers = trio.CapacityLimiter(max(total - 1, 1))
        self._uploads = trio.CapacityLimiter(max(total // 2, 1))

    async def send(self, kind: CallKind, call: Callable[[], Awaitable[Result]]) -> Result:
        """Wait for a slot, then make the call."""
        async with AsyncExitStack() as held:
            for limiter in self._limiters(kind):
                await held.enter_async_context(limiter)
            return await call()

    def _limiters(self, kind: CallKind) -> Sequence[trio.CapacityLimiter]:
        """Always in the same order, so that nobody waits for each other."""
        if kind is CallKind.UPLOAD:
            return self._uploads, self._transfers, self._all
        return (self._transfers, self._all) if kind is CallKind.FETCH else (self._all,)


def limited(provider: Provider) -> Provider:
    """This provider with at most ``capabilities.max_concurrency`` calls at a time, fetches of content among them."""
    return PassingProvider(provider, Slots(provider.capabilities.max_concurrency))
