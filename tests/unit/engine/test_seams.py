"""What a call knew before it waited for the service is looked up again after it."""

import os
from pathlib import Path

import pytest
import trio
import trio.testing

from mountcloud.fs.filesystem import Wanted
from mountcloud.model.errors import Exists, NotEmpty
from mountcloud.providers.memory import MemoryProvider
from tests.unit.engine.harness import Machine, Remote, new_service, on_trio


@on_trio
async def test_a_directory_that_came_into_the_way_meanwhile_counts_as_full(tmp_path: Path) -> None:
    service = new_service()
    remote = Remote(service)
    for path in ("mine", "empty", "full"):
        remote.mkdir(path)
    remote.write("full/precious", b"theirs")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        assert await here.list() == ["empty", "full", "mine"]
        held = service.faults.hold_next("children")
        failures: list[NotEmpty] = []

        async def rename() -> None:
            try:
                await here.rename("mine", "empty")
            except NotEmpty as failure:
                failures.append(failure)

        nursery.start_soon(rename)
        await held.arrived.wait()
        remote.rename("empty", "elsewhere")
        remote.rename("full", "empty")
        await here.syncer.list_again(service.root)
        assert held.gate is not None
        held.gate.set()
        await trio.testing.wait_all_tasks_blocked()
        assert failures
        assert [each.kind for each in here.owed] == []
        await here.kill()
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_must_not_be_replaced_may_come_while_a_listing_is_awaited(tmp_path: Path) -> None:
    service = new_service()
    remote = Remote(service)
    remote.mkdir("d")
    remote.write("mine", b"mine")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list()
        remote.write("d/theirs", b"theirs")
        with pytest.raises(Exists):
            await here.rename("mine", "d/theirs", replace=False)
        assert here.owed == []
        await here.kill()
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_truncation_by_name_whose_draft_was_given_up_meanwhile_has_another(tmp_path: Path) -> None:
    service = new_service()
    remote = Remote(service)
    remote.write("file", b"0123456789")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        inode = await here.inode("file")
        service.quota = 100
        await trio.sleep(100)
        await here.syncer.poll()
        service.quota = 1 << 30
        await trio.sleep(10)
        held = service.faults.hold_next("usage")
        nursery.start_soon(here.truncate, "file", 1 << 20)
        await held.arrived.wait()
        await here.write("file", b"other")
        assert held.gate is not None
        held.gate.set()
        await trio.testing.wait_all_tasks_blocked()
        await here.drain()
        assert here.fs.attributes(inode).size == 1 << 20
        assert remote.read("file") == b"other".ljust(1 << 20, b"\0")
        await here.kill()
        nursery.cancel_scope.cancel()


@pytest.mark.semantics("file-unlink-open")
@pytest.mark.parametrize("size", [4, 20])
@on_trio
async def test_a_file_without_a_name_is_cut_and_extended_through_its_handle(tmp_path: Path, size: int) -> None:
    service = new_service()
    Remote(service).write("file", b"0123456789")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        handle = await here.open("file", os.O_RDWR)
        inode = await here.inode("file")
        await here.unlink("file")
        await here.fs.set_attributes(inode, Wanted(size=size))
        assert await here.fs.files.read(handle, 0, 100) == b"0123456789"[:size].ljust(size, b"\0")
        await here.close(handle)
        await here.drain()
        assert Remote(service).tree() == {}
        assert here.staged == []
        await here.kill()
        nursery.cancel_scope.cancel()
