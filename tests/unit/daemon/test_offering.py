import pytest
import trio

from mountcloud.daemon.offering import Offers
from mountcloud.model.errors import Unavailable
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService


class Slow(MemoryProvider):
    """Takes long once, and has no network for it."""

    asked = 0

    async def prepare(self) -> None:
        self.asked += 1
        raise Unavailable("no network")


def test_what_cannot_be_prepared_is_left_to_whoever_needs_it(caplog: pytest.LogCaptureFixture) -> None:
    slow, plain = Slow(MemoryService()), MemoryProvider(MemoryService())
    for provider in (slow, plain):
        trio.run(Offers(provider).prepare)
    assert slow.asked == 1
    assert not [record for record in caplog.records if record.levelname != "DEBUG"]
