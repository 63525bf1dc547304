"""A file much larger than the memory, and mostly holes: written at its end, sent, and changed in place."""

import errno
import os
import shutil
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import DiskFull, Forbidden, Unavailable
from mountcloud.model.node import Node
from mountcloud.model.provider import Source, UploadProgress, UploadTarget
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.staged_file import StagedFile
from tests.unit.engine.harness import Machine, Remote, on_trio

MIB = 1 << 20
PIECE = 4 * MIB
SIZES = [128 * MIB, pytest.param(6 << 30, marks=pytest.mark.slow)]


class Reading(MemoryProvider):
    """Reads all of an upload in pieces, as providers do, and keeps only what is not zero of the last one."""

    def __init__(self, service: MemoryService) -> None:
        super().__init__(service)
        self.read = 0
        self.end = b""

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        while data := await source.pread(PIECE, self.read):
            self.read += len(data)
            self.end = data.lstrip(b"\0")
        return await super().upload(UploadTarget(target.parent, target.name, None, 0, 1), Nothing())


class Nothing:
    """Implements ``Source``."""

    size = 0

    async def pread(self, size: int, offset: int) -> bytes:
        return b""


@contextmanager
def at_most(most: int) -> Iterator[None]:
    """The Python objects made inside take no more memory than that at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("encrypted", [False, True])
@on_trio
async def test_it_takes_neither_memory_nor_disk(
    tmp_path: Path, service: MemoryService, remote: Remote, encrypted: bool, size: int
) -> None:
    remote.mkdir("d")
    if encrypted:
        service.encrypt_below(remote.node("d").id)
    async with trio.open_nursery() as nursery:
        provider = Reading(service)
        here = await Machine(tmp_path, provider, nursery).boot()
        with at_most(12 * PIECE):
            handle = await here.open("d/image", os.O_WRONLY | os.O_CREAT)
            await here.fs.files.write(handle, size - 5, b"at it")
            await here.close(handle)
            assert (await here.stat("d/image")).size == size
            assert sum(path.stat().st_blocks * 512 for path in (tmp_path / "staging").iterdir()) < MIB
            await here.drain()
        assert (provider.read, provider.end) == (size, b"at it")
        assert here.staged == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_changing_it_in_place_copies_it_in_pieces(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("image", bytes(64 * MIB))
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await here.list("")
        handle = await here.open("image", os.O_RDWR)
        with at_most(48 * MIB):
            await here.fs.files.write(handle, 64 * MIB, b"more")
        assert here.drafts.all[0].file.size == 64 * MIB + 4
        nursery.cancel_scope.cancel()


async def refused(home: Path, service: MemoryService, nursery: trio.Nursery) -> Machine:
    here = await Machine(home, MemoryProvider(service), nursery).boot()
    service.faults.fail_next("upload", Forbidden("not you"))
    await here.write("big", b"mine" * 1000)
    await here.drain()
    return here


@on_trio
async def test_a_copy_is_not_begun_where_it_has_no_room(
    tmp_path: Path, service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    (keep := tmp_path / "kept").mkdir()
    async with trio.open_nursery() as nursery:
        here = await refused(tmp_path / "home", service, nursery)
        real = shutil.disk_usage(keep)
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _: real._replace(free=3999))
            with pytest.raises(DiskFull):
                await here.queue.discard("big", str(keep))
        assert list(keep.iterdir()) == []
        assert await here.read("big") == b"mine" * 1000
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_copy_that_fails_leaves_nothing_and_gives_nothing_up(
    tmp_path: Path, service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    (keep := tmp_path / "kept").mkdir()

    def full(self: StagedFile, size: int, offset: int) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with trio.open_nursery() as nursery:
        here = await refused(tmp_path / "home", service, nursery)
        with monkeypatch.context() as patch:
            patch.setattr(StagedFile, "pread", full)
            with pytest.raises(Unavailable, match="No space left"):
                await here.queue.discard("big", str(keep))
        assert list(keep.iterdir()) == []
        assert await here.read("big") == b"mine" * 1000
        nursery.cancel_scope.cancel()
