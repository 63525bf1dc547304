"""The whole tree is listed in the background: slowly, over restarts, and never in front of a program."""

from pathlib import Path

import trio

from mountcloud.engine.surveying import Progress, Surveyor
from mountcloud.model.errors import Forbidden
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, on_trio

WIDE, DEEP = 8, 3
ALL = 1 + WIDE * DEEP


def planted(remote: Remote) -> None:
    for wide in range(WIDE):
        path = f"d{wide}"
        for _ in range(DEEP):
            remote.mkdir(path)
            remote.write(f"{path}/file", b"x")
            path += "/below"


@on_trio
async def test_everything_is_listed_at_the_given_rate(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    planted(remote)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        surveyor = Surveyor(here.index, here.syncer, per_second=2)
        here.services.start_soon(surveyor.run)
        await trio.sleep(ALL / 4)
        assert ALL / 2 - 2 <= service.faults.calls["children"] <= ALL / 2 + 2
        await trio.sleep(ALL)
        assert service.faults.calls["children"] == ALL
        assert surveyor.progress() == Progress(ALL, 0)
        remote.mkdir("d0/new")
        await here.syncer.poll()
        await trio.sleep(70)
        assert surveyor.progress() == Progress(ALL + 1, 0)
        nursery.cancel_scope.cancel()


@on_trio
async def test_it_goes_on_where_it_stood(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    planted(remote)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        here.services.start_soon(Surveyor(here.index, here.syncer, per_second=2).run)
        await trio.sleep(ALL / 4)
        await here.kill()
        again = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        surveyor = Surveyor(again.index, again.syncer, per_second=2)
        assert 0 < surveyor.progress().listed < ALL
        again.services.start_soon(surveyor.run)
        await trio.sleep(ALL)
        assert surveyor.progress() == Progress(ALL, 0)
        assert service.faults.calls["children"] == ALL
        nursery.cancel_scope.cancel()


@on_trio
async def test_programs_come_first(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    planted(remote)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        held = service.faults.hold_next("children")
        nursery.start_soon(here.list, "d0")
        await held.arrived.wait()
        here.services.start_soon(Surveyor(here.index, here.syncer, per_second=2).run)
        await trio.sleep(10)
        assert service.faults.calls["children"] == 2
        assert held.gate is not None
        held.gate.set()
        await trio.sleep(10)
        assert service.faults.calls["children"] > 10
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_cannot_be_listed_has_its_turn_again(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    planted(remote)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        service.faults.fail_next("children", Forbidden("not now"))
        surveyor = Surveyor(here.index, here.syncer, per_second=2)
        here.services.start_soon(surveyor.run)
        await trio.sleep(ALL)
        assert surveyor.progress().left == 1
        await trio.sleep(100)
        assert surveyor.progress() == Progress(ALL, 0)
        nursery.cancel_scope.cancel()
