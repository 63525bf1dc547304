from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from mountcloud.crypt.ripemd160 import ContentHash
from mountcloud.net.websocket import DIRECT, Message, Patience
from mountcloud.providers.metadisk import farmers
from mountcloud.providers.metadisk.farmers import Farmers, Pointers
from mountcloud.providers.metadisk.spool import Spool
from mountcloud.providers.metadisk.wire import Pointer

DATA = b"a shard"
HASH = ContentHash(DATA).hexdigest()
CHANNEL_LASTS_S = 120
"""Metadisk facts, 6."""


def test_a_pointer_is_followed_while_its_channel_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by who had to wait for the transfers before."""
    given: list[float] = []

    async def find() -> tuple[Pointer, ...]:
        given.append(trio.current_time())
        return (Pointer(HASH, str(len(given)), "ws://127.0.0.1:1"),)

    async def exchange(_: str, __: str, take: Callable[[Message], None], *___: object) -> None:
        assert trio.current_time() - given[-1] < CHANNEL_LASTS_S
        await trio.sleep(3 * CHANNEL_LASTS_S)
        take(Message(DATA, is_text=False))

    monkeypatch.setattr(farmers, "exchange", exchange)
    both, spool = Farmers(Patience(), DIRECT, 1), Spool()

    async def read(key: str, pointers: Pointers) -> None:
        async with spool.shard(key, lambda shard: both.fetch(pointers, 0, HASH, shard, len(DATA)), lambda: None):
            pass

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for key in ("one", "other"):
                pointers = Pointers(find)
                await pointers.hashes()
                nursery.start_soon(read, key, pointers)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    spool.close()
    assert len(given) == 3
