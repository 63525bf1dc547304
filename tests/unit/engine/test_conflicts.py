"""Two clients change the same thing: both contents survive, and a deletion loses to an edit."""

import os
from pathlib import Path

import pytest
import trio
import trio.testing

from mountcloud.model.errors import Outdated
from mountcloud.model.provider import ChangeFeed
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import CONFLICT, Machine, Remote, new_service, on_trio


@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_both_changed_the_file(tmp_path: Path, feed: ChangeFeed) -> None:
    service = new_service(feed)
    remote = Remote(service)
    remote.write("a.txt", b"base")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.tree()
        await here.write("a.txt", b"here")
        remote.write("a.txt", b"there")
        await here.settle()
        expected = {"a.txt": b"there", f"a{CONFLICT}.txt": b"here"}
        assert remote.tree() == expected
        assert await here.tree() == expected
        assert (here.owed, here.staged) == ([], [])
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_both_made_a_file_of_the_same_name(tmp_path: Path, feed: ChangeFeed) -> None:
    service = new_service(feed)
    remote = Remote(service)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.list("")
        await here.write("a", b"here")
        remote.write("a", b"there")
        await here.syncer.poll()
        await here.settle()
        expected = {"a": b"there", f"a{CONFLICT}": b"here"}
        assert remote.tree() == expected
        assert await here.tree() == expected, "names that were taken are given back"
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_file_changed_there_while_its_draft_is_filled(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """The version that an edit is based on is the one whose bytes are in the draft."""
    remote.write("a", b"base")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        held = service.faults.hold_next("fetch", after=True)
        handle = await here.open("a", os.O_WRONLY)
        async with trio.open_nursery() as programs:
            programs.start_soon(here.fs.files.write, handle, 0, b"edit")
            await held.arrived.wait()
            remote.write("a", b"other")
            await here.syncer.poll()
            assert held.gate is not None
            held.gate.set()
        await here.close(handle)
        await here.settle()
        assert remote.tree() == {"a": b"other", f"a{CONFLICT}": b"edit"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_two_programs_write_while_the_draft_is_filled(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"base content")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        held = service.faults.hold_next("fetch")
        handle = await here.open("a", os.O_WRONLY)
        async with trio.open_nursery() as programs:
            programs.start_soon(here.fs.files.write, handle, 3, b"+++")
            await held.arrived.wait()
            await here.write("a", b"new")
            assert held.gate is not None
            held.gate.set()
        await here.close(handle)
        await here.settle()
        assert remote.tree() == {"a": b"new+++"}
        assert (here.owed, here.staged) == ([], [])
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_program_that_read_one_version_does_not_write_over_the_next(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"base")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        handle = await here.open("a", os.O_RDWR)
        assert await here.fs.files.read(handle, 0, 100) == b"base"
        remote.write("a", b"other")
        await here.syncer.poll()
        with pytest.raises(Outdated):
            await here.fs.files.write(handle, 0, b"B")
        await here.close(handle)
        await here.settle()
        assert remote.tree() == {"a": b"other"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_file_removed_there_while_edited_here_is_made_again(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"base")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        inode = await here.inode("a")
        await here.write("a", b"here")
        remote.remove("a")
        await here.syncer.poll()
        await here.settle()
        assert remote.tree() == {"a": b"here"} == await here.tree()
        assert await here.inode("a") == inode
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_file_renamed_there_while_edited_here_keeps_both_changes(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    base = remote.write("a", b"base")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await here.write("a", b"here")
        remote.rename("a", "b")
        await here.settle()
        assert remote.tree() == {"b": b"here"} == await here.tree()
        assert remote.node("b").id == base.id
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_conflict_of_a_file_that_was_moved_meanwhile(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"base")
    remote.mkdir("d")
    remote.write(f"d/a{CONFLICT}", b"in the way")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.tree()
        await here.write("a", b"here")
        held = service.faults.hold_next("upload")
        here.replayer.hurry()
        await held.arrived.wait()
        await here.rename("a", "d/b")
        remote.write("a", b"there")
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        expected = {"a": b"there", "d": {"b": b"here", f"a{CONFLICT}": b"in the way"}}
        assert remote.tree() == expected
        assert await here.tree() == expected
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_file_removed_there_and_here_stays_removed(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"base")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await here.write("a", b"here")
        held = service.faults.hold_next("upload")
        here.replayer.hurry()
        await held.arrived.wait()
        remote.remove("a")
        await here.unlink("a")
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        assert remote.tree() == {} == await here.tree()
        assert (here.owed, here.staged) == ([], [])
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_name_taken_there_before_a_move_arrives(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("a", b"moved")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await here.rename("a", "b")
        remote.write("b", b"there")
        await here.settle()
        expected = {"b": b"there", f"b{CONFLICT}": b"moved"}
        assert remote.tree() == expected
        assert await here.tree() == expected
        nursery.cancel_scope.cancel()


@on_trio
async def test_writing_on_in_a_file_that_was_unlinked(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("a", b"base")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        handle = await here.open("a", os.O_RDWR)
        await here.unlink("a")
        await here.fs.files.write(handle, 4, b"+")
        assert await here.fs.files.read(handle, 0, 100) == b"base+"
        await here.close(handle)
        await here.settle()
        assert remote.tree() == {}
        assert here.staged == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_directory_moved_below_one_that_left_it(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.mkdir("a")
    remote.mkdir("a/b")
    remote.mkdir("a/b/c")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.tree()
        held = service.faults.hold_next("move")
        await here.rename("a/b", "b")
        await here.rename("a", "b/c/a")
        await held.arrived.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        assert here.parked == []
        assert remote.tree() == {"b": {"c": {"a": {}}}} == await here.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_saving_over_a_name_that_this_machine_made_up(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """Two remote names that Linux would see as one: the second has a name of its own here, and keeps its own there."""
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        handle = await here.open("a", os.O_WRONLY | os.O_CREAT)
        there = remote.write("a", b"there")
        await here.syncer.poll()
        twin = next(name for name in await here.list("") if name != "a")
        await here.save(twin, b"edited")
        await here.drain()
        assert remote.node("a").id == there.id
        assert remote.tree() == {"a": b"edited"}
        await here.close(handle)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("first", ["rename", "set times"])
@on_trio
async def test_a_change_there_learned_from_another_operation_is_not_overwritten(
    tmp_path: Path, service: MemoryService, remote: Remote, first: str
) -> None:
    remote.write("a", b"base")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        if first == "rename":
            await here.rename("a", "b")
        else:
            await here.set_mtime("a", 7_000_000_000)
        name = "b" if first == "rename" else "a"
        await here.write(name, b"here")
        remote.write("a", b"there")
        await here.settle()
        expected = {name: b"there", f"{name}{CONFLICT}": b"here"}
        assert remote.tree() == expected
        assert await here.tree() == expected
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_change_there_of_a_file_that_was_renamed_here_is_seen_whole(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"base")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await here.rename("a", "b")
        remote.write("a", b"longer content", mtime_ns=9_000_000_000)
        await here.drain()
        await here.syncer.poll()
        assert await here.tree() == {"b": b"longer content"}
        found = await here.stat("b")
        assert (found.size, found.mtime_ns) == (14, 9_000_000_000)
        assert any(stale.inode == found.inode and stale.content for stale in here.kernel.forgotten)
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_time_set_on_the_second_sight_of_an_own_upload_is_shown(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """An upload whose answer is still on its way, and that another client has touched, is shown as another file."""
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        held = service.faults.hold_next("upload", after=True)
        await here.write("a", b"1")
        await held.arrived.wait()
        service.set_mtime(remote.node("a").id, 9_000_000_000)
        await here.syncer.poll()
        twin = next(name for name in await here.list("") if name != "a")
        await here.set_mtime(twin, 7_000_000_000)
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        assert remote.node("a").mtime_ns == 7_000_000_000
        assert (await here.stat("a")).mtime_ns == 7_000_000_000
        nursery.cancel_scope.cancel()


@on_trio
async def test_the_time_of_a_change_there_after_a_time_set_here_is_shown(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"base", mtime_ns=5_000_000_000)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await here.set_mtime("a", 3_000_000_000)
        remote.write("a", b"other", mtime_ns=6_000_000_000)
        await here.drain()
        assert remote.node("a").mtime_ns == 3_000_000_000
        remote.write("a", b"third", mtime_ns=5_000_000_000)
        await here.settle()
        assert (await here.stat("a")).mtime_ns == 5_000_000_000
        nursery.cancel_scope.cancel()
