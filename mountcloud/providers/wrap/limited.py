"""Ask a service for no more at once than it likes."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from mountcloud.model.provider import Provider
from mountcloud.providers.wrap.passing import CallKind, PassingProvider

Result = TypeVar("Result")


class Slots:
    """Lets ``total`` calls go at a time, at most half of them uploads: readers need not wait for long ones."""

    def __init__(self, total: int) -> None:
        self._all = trio.CapacityLimiter(total)
        self._uploads = trio.CapacityLimiter(max(total // 2, 1))

    async def send(self, kind: CallKind, call: Callable[[], Awaitable[Result]]) -> Result:
        """Wait for a slot, then make the call."""
        if kind is not CallKind.UPLOAD:
            async with self._all:
                return await call()
        async with self._uploads, self._all:
            return await call()


def limited(provider: Provider) -> Provider:
    """This provider with at most ``capabilities.max_concurrency`` calls at a time, fetches of content among them."""
    return PassingProvider(provider, Slots(provider.capabilities.max_concurrency))
