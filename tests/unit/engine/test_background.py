"""Work beside the programs' calls, and the faults in it."""

import logging
from itertools import pairwise

import pytest
import trio

from mountcloud.engine.background import AGAIN_S, lasting, spared
from tests.unit.engine.harness import on_trio


@on_trio
async def test_a_fault_ends_its_own_work_alone(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await trio.lowlevel.checkpoint()
        if number == 2:
            raise ValueError("a fault")
        done.append(number)

    with caplog.at_level(logging.CRITICAL):
        async with trio.open_nursery() as nursery:
            for number in (1, 2, 3):
                nursery.start_soon(spared, work, number)
    assert sorted(done) == [1, 3]


@on_trio
async def test_what_goes_on_for_ever_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[float] = []

    async def service() -> None:
        begun.append(trio.current_time())
        if len(begun) < 3:
            raise ValueError("a fault")

    with caplog.at_level(logging.CRITICAL):
        await lasting(service)
    assert [later - earlier for earlier, later in pairwise(begun)] == [AGAIN_S, AGAIN_S]


@on_trio
async def test_who_ends_it_ends_it() -> None:
    with trio.move_on_after(5) as scope:
        await lasting(trio.sleep_forever)
    assert scope.cancelled_caught
