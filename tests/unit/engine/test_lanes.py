"""Small files go while large ones take their time."""

from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import Throttled
from mountcloud.model.node import Node
from mountcloud.model.provider import Source, UploadProgress, UploadTarget
from mountcloud.policy import lanes
from mountcloud.policy.breadth import Breadth
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, on_trio


@pytest.mark.parametrize("parallel", [1, 4])
@on_trio
async def test_large_files_never_block_small_ones(
    tmp_path: Path, service: MemoryService, remote: Remote, monkeypatch: pytest.MonkeyPatch, parallel: int
) -> None:
    monkeypatch.setattr(lanes, "LARGE", 1000)
    monkeypatch.setattr(lanes, "QUICK", 100)
    large = max(parallel - 1, 1)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        here.replayer.parallel, here.replayer.breadth = parallel, Breadth.of(parallel, parallel)
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


class SlowLine(MemoryProvider):
    """Each upload takes a tenth of a second; ``capacity`` is how many the service works on at a time."""

    def __init__(self, service: MemoryService, capacity: int) -> None:
        super().__init__(service)
        self.places = trio.CapacityLimiter(capacity)
        self.under_way = self.most = 0

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            async with self.places:
                await trio.sleep(0.1)
                return await super().upload(target, source, progress)
        finally:
            self.under_way -= 1


@pytest.mark.parametrize(("capacity", "at_most"), [(100, 12), (1, 6)])
@on_trio
async def test_small_files_go_in_as_many_lanes_as_bring_more_through(
    tmp_path: Path, service: MemoryService, remote: Remote, capacity: int, at_most: int
) -> None:
    provider = SlowLine(service, capacity)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, provider, nursery).boot()
        here.replayer.breadth = Breadth.of(4, 12)
        for number in range(300):
            await here.write(str(number), b"x")
        await here.drain()
        assert provider.most == at_most
        assert len(remote.tree()) == 300
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_service_in_trouble_gets_fewer_small_files(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, SlowLine(service, 100), nursery).boot()
        here.replayer.breadth = Breadth.of(4, 12)
        for _ in range(3):
            service.faults.fail_next("upload", Throttled("less"))
        for number in range(40):
            await here.write(str(number), b"x")
        narrowest = 4
        while here.owed:
            await trio.sleep(0.1)
            narrowest = min(narrowest, here.replayer.breadth.width)
        assert narrowest == 1
        assert len(remote.tree()) == 40
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


class InPieces(MemoryProvider):
    """Reads what is uploaded in small pieces, one a tenth of a second, and remembers when."""

    def __init__(self, service: MemoryService) -> None:
        super().__init__(service)
        self.read_at: list[float] = []

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        for offset in range(source.size):
            await source.pread(1, offset)
            self.read_at.append(trio.current_time())
            await trio.sleep(0.1)
        return await super().upload(target, source, progress)


@on_trio
async def test_an_upload_under_way_lets_programs_go_first_but_not_for_long(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        provider = InPieces(service)
        here = await Machine(tmp_path, provider, nursery).boot()
        await here.write("large", b"x" * 100)
        await trio.sleep(3)
        assert provider.read_at
        began = trio.current_time()
        for number in range(700):
            await here.mkdir(str(number))
            await trio.sleep(0.01)
        ended = trio.current_time()
        meanwhile = [at for at in provider.read_at if began + 0.5 < at < began + 4.9]
        assert meanwhile == []
        assert [at for at in provider.read_at if began + 5.2 < at < ended], "after five seconds it goes on beside them"
        await here.drain()
        assert remote.read("large") == b"x" * 100
        nursery.cancel_scope.cancel()
