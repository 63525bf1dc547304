"""Calls that wait for the service: how many, how long, and what they learn."""

from functools import partial
from pathlib import Path

import pytest
import trio

from mountcloud.engine.confirming import Confirmation
from mountcloud.model.errors import Busy, Failure, Forbidden, Unavailable
from mountcloud.policy.guard import DeleteGuard
from mountcloud.policy.local_names import LocalNames
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.index import Entry
from tests.unit.engine.harness import Machine, Remote, on_trio


def confirming(here: Machine, most: int = 2) -> Confirmation:
    found = Confirmation(
        *(here.index, here.journal, here.local.held, 30.0, most),
        stays_here=here.local.stays_here,
        stopped=lambda: here.removals.stopped,
    )
    here.replayer.refused, here.replayer.finished = found.refused, found.finished
    here.removals.halted = found.finished
    here.replayer.waited_for = lambda: found.waiting > 0
    return found


async def outcome(confirmation: Confirmation, here: Machine, path: str, told: list[type[Failure] | None]) -> None:
    await outcome_of(confirmation, here.index.require(await here.inode(path)), told)


async def outcome_of(confirmation: Confirmation, entry: Entry, told: list[type[Failure] | None]) -> None:
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


@on_trio
async def test_what_stays_here_is_not_waited_for(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=0).boot()
        here.local.local_names = LocalNames((".Trash-*", "*.part"))
        confirmation, told = confirming(here), list[type[Failure] | None]()
        begin = trio.current_time()
        await here.mkdir(".Trash-1000")
        await here.mkdir(".Trash-1000/files")
        await here.write(".Trash-1000/files/a", b"1")
        await here.write("b.part", b"2")
        for path in (".Trash-1000", ".Trash-1000/files", ".Trash-1000/files/a", "b.part"):
            await outcome(confirmation, here, path, told)
        assert told == [None] * 4
        assert trio.current_time() - begin < 1
        nursery.cancel_scope.cancel()


@on_trio
async def test_removals_that_wait_for_a_word_are_told_at_once(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """Those that wait already when the guard stops them learn of it too."""
    for number in range(4):
        remote.write(str(number), b"x")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=0).boot()
        confirmation, told = confirming(here, most=8), list[type[Failure] | None]()
        here.removals.guard = DeleteGuard(2, 60)
        await here.list()
        begin = trio.current_time()
        async with trio.open_nursery() as waiting:
            for number in range(4):
                entry = here.index.require(await here.inode(str(number)))
                service.faults.hold_next("remove")
                here.local.remove(entry)
                waiting.start_soon(partial(outcome_of, confirmation, entry, told))
                await trio.sleep(0.1)
        assert told == [Busy] * 4
        assert trio.current_time() - begin < 1
        nursery.cancel_scope.cancel()


@on_trio
async def test_who_waits_for_the_service_does_not_wait_for_programs_to_rest(
    tmp_path: Path, service: MemoryService
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=0).boot()
        confirmation, told = confirming(here), list[type[Failure] | None]()
        begin = trio.current_time()
        for number in range(40):
            await here.mkdir(f"{number}")
            await outcome(confirmation, here, f"{number}", told)
        assert told == [None] * 40
        assert trio.current_time() - begin < 0.25
        nursery.cancel_scope.cancel()
