"""Permission bits on a service that keeps them: owed like everything else, and the same on all machines."""

import stat
from pathlib import Path

import pytest
import trio

from mountcloud.fs.filesystem import Wanted
from mountcloud.model.errors import NotFound, Unavailable
from mountcloud.model.operation import OperationKind
from mountcloud.model.provider import Capabilities
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, on_trio


@pytest.fixture
def keeper() -> MemoryService:
    return MemoryService(Capabilities(keeps_modes=True))


async def chmod(machine: Machine, path: str, mode: int) -> None:
    await machine.fs.set_attributes(await machine.inode(path), Wanted(mode=mode))


async def mode(machine: Machine, path: str) -> int:
    return stat.S_IMODE((await machine.stat(path)).mode)


@on_trio
async def test_bits_travel_to_a_machine_that_never_saw_them(tmp_path: Path, keeper: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path / "here", MemoryProvider(keeper), nursery).boot()
        await here.write("script", b"#!")
        await here.mkdir("d")
        await chmod(here, "script", 0o755)
        await chmod(here, "d", 0o700)
        await here.settle()
        there = await Machine(tmp_path / "there", MemoryProvider(keeper), nursery).boot()
        assert (await mode(there, "script"), await mode(there, "d")) == (0o755, 0o700)
        await chmod(there, "script", 0o600)
        await there.settle()
        await here.settle()
        assert await mode(here, "script") == 0o600, "what was sent hides nothing that others do later"
        nursery.cancel_scope.cancel()


@on_trio
async def test_usual_bits_cost_no_call_and_several_changes_one(tmp_path: Path, keeper: MemoryService) -> None:
    remote = Remote(keeper)
    remote.write("old", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(keeper), nursery).boot()
        await here.write("new", b"1")
        await chmod(here, "old", 0o644)
        await here.drain()
        assert remote.calls == {"upload": 1}
        for bits in (0o600, 0o640, 0o4755):
            await chmod(here, "old", bits)
        await here.drain()
        assert remote.calls == {"upload": 1, "set_mode": 1}
        assert remote.node("old").mode == 0o755, "what runs as another user is not for others"
        assert await mode(here, "old") == 0o4755
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_takes_a_files_place_brings_its_own_bits(tmp_path: Path, keeper: MemoryService) -> None:
    """The service keeps bits with the node, which stays the same when its content is replaced."""
    remote = Remote(keeper)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(keeper), nursery).boot()
        await here.write("f", b"old")
        await chmod(here, "f", 0o755)
        await here.settle()
        before = remote.node("f")
        assert before.mode == 0o755
        await here.save("f", b"new")
        assert await mode(here, "f") == 0o644
        await here.settle()
        assert (remote.node("f").id, remote.node("f").mode) == (before.id, 0o644)
        assert await mode(here, "f") == 0o644
        nursery.cancel_scope.cancel()


@on_trio
async def test_bits_that_are_owed_survive_kill_and_win_over_what_is_listed(
    tmp_path: Path, keeper: MemoryService
) -> None:
    remote = Remote(keeper)
    remote.write("f", b"1")
    provider = MemoryProvider(keeper)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, provider, nursery).boot()
        await here.list()
        keeper.faults.fail_next("set_mode", Unavailable("down"))
        await chmod(here, "f", 0o600)
        await trio.sleep(0.1)
        assert remote.calls == {"set_mode": 1}
        assert [each.kind for each in here.owed] == [OperationKind.SET_MODE]
        await here.kill()
        here = await Machine(tmp_path, provider, nursery).boot()
        assert await mode(here, "f") == 0o600
        await here.settle()
        assert (remote.node("f").mode, await mode(here, "f")) == (0o600, 0o600)
        assert here.owed == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_change_while_another_is_sent_is_sent_after_it(tmp_path: Path, keeper: MemoryService) -> None:
    remote = Remote(keeper)
    remote.write("f", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(keeper), nursery).boot()
        await here.list()
        held = keeper.faults.hold_next("set_mode", after=True)
        await chmod(here, "f", 0o600)
        await held.arrived.wait()
        await chmod(here, "f", 0o700)
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        assert (remote.node("f").mode, await mode(here, "f")) == (0o700, 0o700)
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_is_removed_needs_no_bits(tmp_path: Path, keeper: MemoryService) -> None:
    remote = Remote(keeper)
    remote.write("f", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(keeper), nursery).boot()
        await here.list()
        await chmod(here, "f", 0o600)
        await here.unlink("f")
        await here.settle()
        assert (remote.tree(), here.owed) == ({}, [])
        assert "set_mode" not in remote.calls
        nursery.cancel_scope.cancel()


@on_trio
async def test_bits_of_what_another_client_removed_are_not_owed_for_ever(tmp_path: Path, keeper: MemoryService) -> None:
    remote = Remote(keeper)
    remote.write("f", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(keeper), nursery).boot()
        await here.list()
        keeper.faults.fail_next("set_mode", NotFound("it is gone"))
        await chmod(here, "f", 0o600)
        remote.remove("f")
        await here.settle()
        assert (await here.tree(), here.owed) == ({}, [])
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_service_that_keeps_none_is_not_asked_to(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("f", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list()
        await chmod(here, "f", 0o600)
        await here.settle()
        assert await mode(here, "f") == 0o600
        assert remote.calls == {}
        nursery.cancel_scope.cancel()
