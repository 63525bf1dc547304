"""A walk through a directory: many children are looked up in one go, and none is shown as it was before."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import trio

from mountcloud.fs.listings import Listings
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.attributes import Stored
from mountcloud.store.sqlite import Database
from tests.unit.engine.harness import Machine, Remote, on_trio

COUNT = 640


@on_trio
async def test_a_walk_asks_the_databases_once_for_many(
    tmp_path: Path, service: MemoryService, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(COUNT):
        remote.write(f"file {number}", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        listings = here.fs.listings(lambda *made: made)
        handle = await listings.open(await here.inode(""))
        asked, ask = list[str](), Database._ask

        def counted(self: Database, statement: str, values: Sequence[Any]) -> object:
            asked.append(statement)
            return ask(self, statement, values)

        monkeypatch.setattr(Database, "_ask", counted)
        position = 0
        while found := list(islice(listings.read(handle, position), 20)):  # as the kernel asks
            position = found[-1][0]
        assert position == COUNT + 2
        assert len(asked) < COUNT / 20
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_changes_during_a_walk_is_shown_as_it_is(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    for number in range(100):
        remote.write(f"file {number:03}", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        listings = here.fs.listings(lambda *made: made)
        handle = await listings.open(await here.inode(""))
        (*_, (position, _, _)) = islice(listings.read(handle, 0), 12)
        await here.unlink("file 020")
        await here.write("file 021", b"longer")
        await here.set_mtime("file 022", 7_000_000_000)
        here.attributes.put((await here.node("file 023")).id, Stored(mode=0o600))
        rest = {name: attributes for _, name, attributes in listings.read(handle, position)}
        assert "file 020" not in rest
        assert rest["file 021"].size == 6
        assert rest["file 022"].mtime_ns == 7_000_000_000
        assert rest["file 023"].mode & 0o777 == 0o600
        assert len(rest) == 100 + 2 - 12 - 1
        nursery.cancel_scope.cancel()


@on_trio
async def test_of_a_tree_that_is_too_large_a_part_is_kept(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    for number in range(30):
        remote.mkdir(f"d{number}")
        for below in range(9):
            remote.write(f"d{number}/{below}", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        made = list[str]()
        listings = Listings(here.core, lambda _, name, __: made.append(name), most=200)
        for walk in range(2):
            made.clear()
            for number in range(30):
                handle = await listings.open(await here.inode(f"d{number}"))
                assert len(list(listings.read(handle, 0))) == 11
                listings.close(handle)
            assert (len(made) == 30 * 11) == (walk == 0)
        nursery.cancel_scope.cancel()
