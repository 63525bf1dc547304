"""What tests of a provider before a real server share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps

import trio


def on_real_trio(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test as a trio task that talks to a real server."""

    @wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        async def bounded() -> None:
            with trio.fail_after(120):
                await test(*args, **kwargs)

        trio.run(bounded)

    return run


@dataclass
class Bytes:
    """A source in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    async def pread(self, size: int, offset: int) -> bytes:
        return self.data[offset : offset + size]


@dataclass
class Kept:
    """What the journal keeps of an upload."""

    state: str = ""
    saved: list[str] = field(default_factory=list)

    def save(self, state: str) -> None:
        self.state = state
        self.saved.append(state)
