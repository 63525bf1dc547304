"""What the suite is given of a provider, and how a test runs against every one.

A provider joins the suite by a factory in ``factories.py``.
"""

import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest
import trio

from mountcloud.model.ids import NodeId
from mountcloud.model.provider import Provider


async def nothing_to_wait_for() -> None:
    await trio.lowlevel.checkpoint()


@dataclass(frozen=True, slots=True)
class ProviderUnderTest:
    """Two clients of one account, and a fresh, empty directory in which files and directories may be made.

    ``followers`` are two more that follow the feed and share one memory, where nobody is told of what he did himself;
    else the two clients follow it.
    ``settle`` returns when all changes made so far have reached the versions of the directories above them; it matters
    for ``ChangeFeed.TREE_VERSION`` only.
    """

    provider: Provider
    second: Provider
    place: NodeId
    settle: Callable[[], Awaitable[None]] = nothing_to_wait_for
    followers: tuple[Provider, Provider] | None = None

    @property
    def follower(self) -> Provider:
        """Who follows the feed."""
        return self.provider if self.followers is None else self.followers[0]

    @property
    def follower_again(self) -> Provider:
        """The same after a restart."""
        return self.second if self.followers is None else self.followers[1]


Factory = Callable[[], AbstractAsyncContextManager[ProviderUnderTest]]
"""Called once for each test, inside ``trio.run``; leaving the context ends all that it started."""

SECONDS = 120
"""No test takes so long unless it hangs."""


def conforms(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make a pytest test of an async function whose first argument is a ``ProviderUnderTest``."""
    own, *others = inspect.signature(test).parameters.values()

    def run(factory: Factory, **arguments: Any) -> None:
        async def main() -> None:
            with trio.fail_after(SECONDS):
                async with factory() as under_test:
                    await test(under_test, **arguments)

        trio.run(main)

    run.__name__ = run.__qualname__ = getattr(test, "__name__", "")
    run.__module__, run.__doc__ = test.__module__, test.__doc__
    factory = inspect.Parameter("factory", own.kind)
    run.__signature__ = inspect.Signature([factory, *others])  # type: ignore[attr-defined]  # pytest reads it
    for mark in getattr(test, "pytestmark", []):
        run = getattr(pytest.mark, mark.name)(*mark.args, **mark.kwargs)(run)
    return run
