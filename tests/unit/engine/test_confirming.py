"""Calls that wait for the service: how many, how long, and what they learn."""

from functools import partial
from pathlib import Path

import pytest
import trio

from mountcloud.engine.confirming import Confirmation
from mountcloud.model.errors import Busy, Failure, Forbidden, Unavailable
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, on_trio


def confirming(here: Machine, most: int = 2) -> Confirmation:
    found = Confirmation(here.index, here.journal, here.local.held, 30.0, most)
    here.replayer.refused, here.replayer.finished = found.refused, found.finished
    return found


async def outcome(confirmation: Confirmation, here: Machine, path: str, told: list[type[Failure] | None]) -> None:
    entry = here.index.require(await here.inode(path))
    try:
        await confirmation.of(entry.inode, entry.node.id)
    except Failure as failure:
        told.append(type(failure))
    else:
        told.append(None)


@pytest.mark.durability("remote-deadline")
@on_trio
async def test_no_more_than_so_many_wait_and_none_for_ever(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=0).boot()
        confirmation, told = confirming(here), list[type[Failure] | None]()
        for name in "abc":
            service.faults.hold_next("upload")
            await here.write(name, name.encode())
        begin = trio.current_time()
        async with trio.open_nursery() as waiting:
            for name in "abc":
                waiting.start_soon(partial(outcome, confirmation, here, name, told))
        assert told == [Busy, Unavailable, Unavailable]
        assert trio.current_time() - begin == pytest.approx(30.0)
        assert len(here.owed) == 3
        nursery.cancel_scope.cancel()


@on_trio
async def test_they_learn_of_success_and_of_refusal(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=0).boot()
        confirmation, told = confirming(here), list[type[Failure] | None]()
        await here.write("a", b"1")
        await outcome(confirmation, here, "a", told)
        service.faults.fail_next("upload", Forbidden("not you"))
        await here.write("b", b"2")
        await outcome(confirmation, here, "b", told)
        await here.mkdir("d")
        await outcome(confirmation, here, "d", told)
        assert told == [None, Forbidden, None]
        nursery.cancel_scope.cancel()
