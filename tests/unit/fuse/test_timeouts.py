"""How long the kernel may believe us: for long, since changes are withdrawn; for a second while none can be seen."""

from pathlib import Path
from typing import cast

import pyfuse3
import pytest
import trio

from mountcloud.fuse.attributes import Timeouts
from mountcloud.fuse.operations import Operations
from mountcloud.model.errors import Unavailable
from mountcloud.model.ids import ROOT_INODE
from mountcloud.model.provider import ChangeFeed
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, new_service, on_trio

CONTEXT = cast("pyfuse3.RequestContext", None)
TOKEN = cast("pyfuse3.ReaddirToken", None)
USUAL = Timeouts(300.0, 200.0)


@pytest.fixture
def service() -> MemoryService:
    return new_service()


@on_trio
async def test_what_the_kernel_is_told_holds_shortly_while_changes_cannot_be_seen(
    tmp_path: Path, service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[bytes, float, float]] = []

    def reply(token: object, name: bytes, found: pyfuse3.EntryAttributes, position: int) -> bool:
        told.append((name, found.entry_timeout, found.attr_timeout))
        return True

    monkeypatch.setattr(pyfuse3, "readdir_reply", reply)
    Remote(service).write("file", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        operations = Operations(here.fs, USUAL)
        for healthy in (True, False, True):
            if not healthy:
                service.faults.fail_next("children", Unavailable("no network"))
            await here.syncer.poll_safely()
            assert here.syncer.healthy == healthy
            expected = (300.0, 200.0) if healthy else (1.0, 1.0)
            found = await operations.lookup(pyfuse3.ROOT_INODE, pyfuse3.FileNameT(b"file"), CONTEXT)
            assert (found.entry_timeout, found.attr_timeout) == expected
            for _ in range(2):  # made, then as it was made
                handle = await operations.opendir(pyfuse3.InodeT(ROOT_INODE), CONTEXT)
                await operations.readdir(handle, 0, TOKEN)
                await operations.releasedir(handle)
            assert told == 2 * [(name, *expected) for name in (b".", b"..", b"file")]
            told.clear()
        nursery.cancel_scope.cancel()


@on_trio
async def test_the_kernel_asks_often_where_only_use_tells_what_to_look_at(tmp_path: Path) -> None:
    """While it answers by itself nobody hears that a file is used, and its directory would not be listed in time."""
    service = new_service(ChangeFeed.NONE)
    Remote(service).write("file", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        operations = Operations(here.fs, Timeouts(300.0, 5.0))
        found = await operations.lookup(pyfuse3.ROOT_INODE, pyfuse3.FileNameT(b"file"), CONTEXT)
        assert (found.entry_timeout, found.attr_timeout) == (60.0, 5.0)
        nursery.cancel_scope.cancel()
