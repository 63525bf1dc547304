"""Small files go while large ones take their time."""

from pathlib import Path

import pytest
import trio

from mountcloud.policy import lanes
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, on_trio


@pytest.mark.parametrize("parallel", [1, 4])
@on_trio
async def test_large_files_never_block_small_ones(
    tmp_path: Path, service: MemoryService, remote: Remote, monkeypatch: pytest.MonkeyPatch, parallel: int
) -> None:
    monkeypatch.setattr(lanes, "LARGE", 1000)
    large = max(parallel - 1, 1)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        here.replayer.parallel = parallel
        held = [service.faults.hold_next("upload") for _ in range(large)]
        for number in range(70):
            await here.write(f"large {number}", bytes(1000))
        for each in held:
            await each.arrived.wait()
        for number in range(20):
            await here.write(f"small {number}", b"x")
        await trio.sleep(10)
        assert sorted(remote.tree()) == sorted(f"small {number}" for number in range(20))
        for each in held:
            assert each.gate is not None
            each.gate.set()
        await here.drain()
        assert len(remote.tree()) == 90
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("changes", "sent_meanwhile"), [(300, False), (1000, True)])
@on_trio
async def test_programs_come_first_but_not_for_long(
    tmp_path: Path, service: MemoryService, remote: Remote, changes: int, sent_meanwhile: bool
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        for number in range(changes):
            await here.mkdir(str(number))
            await trio.sleep(0.01)
        sent = remote.calls.get("make_directory", 0)
        assert (sent > 20) == sent_meanwhile  # the first ones are no burst yet
        await here.drain()
        assert len(remote.tree()) == changes
        nursery.cancel_scope.cancel()
