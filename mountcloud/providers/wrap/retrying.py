"""Repeat calls that change nothing when trouble may pass by itself."""

import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

import trio

from mountcloud.model.errors import AccountBlocked, AuthenticationRequired, Failure, Unavailable
from mountcloud.model.provider import Provider
from mountcloud.policy import backoff
from mountcloud.providers.wrap.passing import CallKind, PassingProvider

Result = TypeVar("Result")

GIVE_UP_AFTER = 60.0
"""Seconds in which a call may be tried again; somebody waits for it in front of a program."""

_LAST_LONGER = 3
"""Attempts after which pauses (at most 4 s then) grow no more: a read gives up after 30 s, so whoever waited for a
service that was away for a few seconds must not find it back too late."""


class Retries:
    """Tries READ and FETCH calls again. Other calls go once: whoever owes them looks before repeating them.

    No attempt begins later than ``give_up_after`` seconds after the first one; one that has begun may end later.
    """

    def __init__(self, give_up_after: float, jitter: Callable[[], float]) -> None:
        self._give_up_after = give_up_after
        self._jitter = jitter

    async def send(self, kind: CallKind, call: Callable[[], Awaitable[Result]]) -> Result:
        """The result, or the last failure."""
        if kind not in {CallKind.READ, CallKind.FETCH}:
            return await call()
        deadline = trio.current_time() + self._give_up_after
        for attempt in count(1):
            try:
                return await call()
            except Failure as failure:
                pause = backoff.delay(min(attempt, _LAST_LONGER), _retry_after(failure), self._jitter())
                next_try = trio.current_time() + pause
                if not _may_pass(failure) or next_try > deadline:
                    raise
            await trio.sleep_until(next_try)
        raise AssertionError("attempts do not end by themselves")


def retrying(
    provider: Provider, *, give_up_after: float = GIVE_UP_AFTER, jitter: Callable[[], float] = random.random
) -> Provider:
    """This provider with patience; ``give_up_after`` in seconds, ``jitter`` gives numbers in [0, 1)."""
    return PassingProvider(provider, Retries(give_up_after, jitter))


def _may_pass(failure: Failure) -> bool:
    """Credentials and locked accounts are transient too, but only the user ends that."""
    return failure.transient and not isinstance(failure, AuthenticationRequired | AccountBlocked)


def _retry_after(failure: Failure) -> float | None:
    return failure.retry_after if isinstance(failure, Unavailable) else None
