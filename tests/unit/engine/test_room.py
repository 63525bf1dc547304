"""What the account has no room for is refused while the program can still be told."""

import os
from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import DiskFull, QuotaExceeded, Unavailable
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.reserve import NoReserve
from tests.unit.engine.harness import Machine, Remote, on_trio

KIB = 1024


async def booted(tmp_path: Path, service: MemoryService, nursery: trio.Nursery, quota: int | None) -> Machine:
    """A machine that knows the account's space."""
    service.quota = quota
    here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
    await here.syncer.poll()
    assert here.syncer.space.known is not None
    await here.list("")
    return here


@pytest.mark.semantics("attr-quota")
@on_trio
async def test_a_write_beyond_the_quota_is_refused_at_once(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("old", bytes(40 * KIB))
    async with trio.open_nursery() as nursery:
        here = await booted(tmp_path, service, nursery, 100 * KIB)
        await here.write("a", bytes(30 * KIB))
        handle = await here.open("b", os.O_WRONLY | os.O_CREAT)
        assert await here.fs.files.write(handle, 0, bytes(30 * KIB)) == 30 * KIB
        with pytest.raises(QuotaExceeded):
            await here.fs.files.write(handle, 30 * KIB, b"x")
        await here.close(handle)
        with pytest.raises(QuotaExceeded):
            await here.truncate("a", 71 * KIB)
        await here.drain()
        assert {name: len(data) for name, data in remote.tree().items()} == {
            "old": 40 * KIB,
            "a": 30 * KIB,
            "b": 30 * KIB,
        }
        assert here.parked == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_room_that_was_made_elsewhere_is_seen_at_once(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("old", bytes(100 * KIB))
    async with trio.open_nursery() as nursery:
        here = await booted(tmp_path, service, nursery, 100 * KIB)
        with pytest.raises(QuotaExceeded):
            await here.write("a", b"x")
        remote.remove("old")
        await trio.sleep(3)
        await here.write("a", b"x")
        await here.drain()
        assert remote.tree() == {"a": b"x"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_not_knowing_refuses_nothing(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("old", bytes(100 * KIB))
    async with trio.open_nursery() as nursery:
        here = await booted(tmp_path, service, nursery, 100 * KIB)
        await trio.sleep(3)
        service.faults.fail_next("usage", Unavailable("no network"))
        service.faults.hold_next("usage")
        await here.write("a", b"x")
        await here.write("b", b"y")
        assert await here.list("") == ["a", "b", "old"]
        nursery.cancel_scope.cancel()


@on_trio
async def test_changing_what_is_there_needs_no_room(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("old", bytes(100 * KIB))
    async with trio.open_nursery() as nursery:
        here = await booted(tmp_path, service, nursery, 100 * KIB)
        handle = await here.open("old", os.O_RDWR)
        await here.fs.files.write(handle, 50 * KIB, b"changed")
        with pytest.raises(QuotaExceeded):
            await here.fs.files.write(handle, 100 * KIB, b"x")
        await here.close(handle)
        await here.write("old", bytes(90 * KIB))
        await here.write("old", bytes(50 * KIB) + b"changed" + bytes(KIB))
        await here.drain()
        assert remote.read("old")[50 * KIB :][:7] == b"changed"
        nursery.cancel_scope.cancel()


@on_trio
async def test_without_a_quota_nothing_is_asked(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await booted(tmp_path, service, nursery, None)
        asked = service.faults.calls["usage"]
        await here.write("a", bytes(1 << 20))
        assert service.faults.calls["usage"] == asked
        nursery.cancel_scope.cancel()


class SmallDisk(NoReserve):
    """Room for a kibibyte."""

    def demand(self, size: int = 0) -> None:
        if size > KIB:
            raise DiskFull("no room")


@on_trio
async def test_nothing_is_fetched_to_be_changed_for_which_the_disk_has_no_room(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """Gigabytes of it would come before a program was told."""
    remote.write("big", bytes(2 * KIB))
    remote.write("small", bytes(KIB))
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        here.staging._reserve = SmallDisk()
        with pytest.raises(DiskFull):
            await here.write("big", b"x", os.O_WRONLY)
        assert service.faults.calls["fetch"] == 0
        await here.write("small", b"x", os.O_WRONLY)
        await here.drain()
        assert remote.read("small") == b"x" + bytes(KIB - 1)
        assert remote.read("big") == bytes(2 * KIB)
        nursery.cancel_scope.cancel()
