"""A program that only writes does so past the kernel's pages; whoever reads beside it is shown every byte."""

import os
from pathlib import Path

import pytest
import trio

from mountcloud.model.change import Stale
from mountcloud.model.ids import ROOT_INODE, HandleId
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, on_trio

ANEW = os.O_WRONLY | os.O_TRUNC


async def made(here: Machine, flags: int) -> HandleId:
    return (await here.fs.files.create(ROOT_INODE, "file", 0o644, flags=flags))[0]


@pytest.mark.parametrize(
    ("flags", "direct"), [(os.O_WRONLY, True), (os.O_WRONLY | os.O_APPEND, True), (os.O_RDWR, False)]
)
@on_trio
async def test_only_who_never_reads_a_new_file_goes_past_the_pages(
    tmp_path: Path, service: MemoryService, flags: int, direct: bool
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        assert here.fs.files.is_direct(await made(here, flags)) is direct
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("flags", "direct"), [(ANEW, True), (os.O_RDWR | os.O_TRUNC, False), (os.O_WRONLY, False), (os.O_RDONLY, False)]
)
@on_trio
async def test_a_file_that_is_there_is_written_past_the_pages_if_it_begins_empty(
    tmp_path: Path, service: MemoryService, flags: int, direct: bool
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write("file", b"before")
        assert here.fs.files.is_direct(await here.open("file", flags)) is direct
        nursery.cancel_scope.cancel()


@on_trio
async def test_pages_that_others_read_through_are_forgotten_with_each_write(
    tmp_path: Path, service: MemoryService
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        writer = await made(here, os.O_WRONLY)
        inode, files = await here.inode("file"), here.fs.files
        await files.write(writer, 0, b"alone")
        assert here.kernel.forgotten == []
        reader, unchanged = files.open(inode, os.O_RDONLY)
        assert (files.is_direct(reader), unchanged) == (False, False)
        await files.write(writer, 5, b" no more")
        assert here.kernel.forgotten == [Stale(inode, content=True)]
        await here.close(reader)
        await files.write(writer, 0, b"A")
        assert here.kernel.forgotten == [Stale(inode, content=True)]
        nursery.cancel_scope.cancel()


@on_trio
async def test_pages_from_while_it_was_written_are_never_used_again(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        writer = await made(here, os.O_WRONLY)
        files, unchanged = here.fs.files, []
        for written in (b"begun", b"written on after the reader is gone"):
            reader, same = files.open(await here.inode("file"), os.O_RDONLY)
            await here.close(reader)
            await files.write(writer, 0, written)
            unchanged.append(same)
        await here.close(writer)
        for _ in range(2):
            reader, same = files.open(await here.inode("file"), os.O_RDONLY)
            await here.close(reader)
            unchanged.append(same)
        assert unchanged == [False, False, False, True]
        nursery.cancel_scope.cancel()


@on_trio
async def test_who_comes_to_an_open_file_writes_through_the_pages(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write("file", b"before")
        reader = await here.open("file")
        writer = await here.open("file", ANEW)
        assert not here.fs.files.is_direct(writer)
        await here.fs.files.write(writer, 0, b"now")
        assert here.kernel.forgotten == []
        assert await here.fs.files.read(reader, 0, 100) == b"now"
        nursery.cancel_scope.cancel()
