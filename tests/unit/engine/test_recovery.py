"""What a new process makes of what a dead one left behind."""

import os
from pathlib import Path

import pytest
import trio
import trio.testing

from mountcloud.model.ids import ROOT_INODE
from mountcloud.model.operation import OperationState
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_faults import Fault
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.index import Index
from mountcloud.store.staging import Staging
from tests.unit.engine.harness import Machine, Remote, on_trio
from tests.unit.store.sealing import sealer


class Killed(BaseException):
    """The process is dead."""


async def reborn(home: Path, service: MemoryService, nursery: trio.Nursery) -> Machine:
    return await Machine(home, MemoryProvider(service), nursery).boot()


def forget_index(home: Path) -> None:
    for path in home.glob("index.db*"):
        path.unlink()


@pytest.mark.parametrize("keep_index", [True, False])
@on_trio
async def test_everything_owed_arrives(
    tmp_path: Path, service: MemoryService, remote: Remote, keep_index: bool
) -> None:
    remote.mkdir("old")
    remote.write("old/a", b"a")
    remote.write("gone", b"g")
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        await here.tree()
        await here.mkdir("new")
        await here.write("new/f", b"f")
        await here.rename("old/a", "new/a")
        await here.unlink("gone")
        await here.write("old/b", b"b")
        await here.set_mtime("old/b", 7_000_000_000)
        before = await here.tree()
        inode = await here.inode("new/f")
        await here.kill()
        assert remote.calls == {}
        if not keep_index:
            forget_index(tmp_path)
        here = await reborn(tmp_path, service, nursery)
        assert (await here.stat("")).mode & 0o170000 == 0o040000
        if keep_index:
            assert await here.tree() == before
            assert await here.inode("new/f") == inode
        await here.settle()
        assert remote.tree() == {"old": {"b": b"b"}, "new": {"f": b"f", "a": b"a"}} == await here.tree()
        assert remote.node("old/b").mtime_ns == 7_000_000_000
        assert (here.owed, here.staged) == ([], [])
        nursery.cancel_scope.cancel()


@on_trio
async def test_the_root_keeps_its_inode_when_the_index_is_lost(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        await here.write("a", b"1")
        await here.kill()
        forget_index(tmp_path)
        here = await reborn(tmp_path, service, nursery)
        assert here.index.require(ROOT_INODE).node.is_directory
        assert await here.list() == ["a"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("rest", [b"", b"2", b"a longer state than before"])
@on_trio
async def test_a_file_rewritten_in_place_and_not_closed_is_what_the_disk_has(
    tmp_path: Path, service: MemoryService, remote: Remote, rest: bytes
) -> None:
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        await here.write("a", b"closed state")
        handle = await here.open("a", os.O_WRONLY | os.O_TRUNC)
        await here.fs.files.write(handle, 0, rest)
        await here.kill()
        here = await reborn(tmp_path, service, nursery)
        await here.settle()
        assert here.parked == []
        assert remote.tree() == {"a": rest} == await here.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_was_never_closed_is_set_aside(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        handle = await here.open("a", os.O_WRONLY | os.O_TRUNC)
        await here.fs.files.write(handle, 0, b"not closed")
        await here.kill()
        here = await reborn(tmp_path, service, nursery)
        await here.settle()
        assert remote.tree() == {"a": b"old"} == await here.tree()
        kept = [path.read_bytes() for path in (tmp_path / "staging" / "unclosed").iterdir()]
        assert kept == [b"not closed"]
        nursery.cancel_scope.cancel()


@pytest.mark.durability("kill-reply")
@pytest.mark.parametrize("keep_index", [True, False])
@on_trio
async def test_an_upload_cut_off_after_its_effect_is_recognised(
    tmp_path: Path, service: MemoryService, remote: Remote, keep_index: bool
) -> None:
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        held = service.faults.hold_next("upload", after=True)
        await here.write("a", b"1")
        await held.arrived.wait()
        await here.kill()
        if not keep_index:
            forget_index(tmp_path)
        here = await reborn(tmp_path, service, nursery)
        await here.list()
        await here.syncer.poll()
        await here.settle()
        assert remote.tree() == {"a": b"1"} == await here.tree()
        assert service.faults.calls["upload"] == 1
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("missing", ["drop", "place"])
@on_trio
async def test_a_rename_over_a_file_that_reached_the_journal_only(
    tmp_path: Path, service: MemoryService, remote: Remote, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.write("a", b"a")
    remote.write("b", b"b")

    def die(*_: object) -> None:
        raise Killed

    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        await here.list()
        with monkeypatch.context() as patch:
            patch.setattr(Index, missing, die)
            with pytest.raises(Killed):
                await here.rename("a", "b")
        await here.kill()
        here = await reborn(tmp_path, service, nursery)
        assert await here.list() == ["b"]
        await here.settle()
        assert remote.tree() == {"b": b"a"} == await here.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_missing_bytes_are_told_and_do_not_stop_the_rest(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        await here.write("a", b"1")
        await here.write("b", b"2")
        await here.kill()
        Staging(tmp_path / "staging", sealer()).remove(here.owed[0].staged)
        here = await reborn(tmp_path, service, nursery)
        await here.drain()
        assert remote.tree() == {"b": b"2"}
        assert [each.state for each in here.owed] == [OperationState.PARKED]
        assert "missing" in here.owed[0].error
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("sent_first", [False, True])
@on_trio
async def test_what_was_moved_is_in_its_new_place_though_nobody_looked_into_the_old_one(
    tmp_path: Path, service: MemoryService, remote: Remote, sent_first: bool
) -> None:
    remote.mkdir("old")
    remote.mkdir("old/directory")
    remote.write("old/directory/a", b"a")
    remote.mkdir("new")
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        await here.tree()
        await here.rename("old/directory", "new/directory")
        await here.rename("new/directory/a", "new/b")
        await here.kill()
        assert remote.calls == {}
        forget_index(tmp_path)
        gate = trio.Event()
        for _ in range(2):
            service.faults.add("move", Fault(gate=gate))
        here = await reborn(tmp_path, service, nursery)
        await trio.testing.wait_all_tasks_blocked()
        assert await here.list("new") == ["b", "directory"]
        gate.set()
        if sent_first:
            await here.drain()
        assert await here.tree("new") == {"b": b"a", "directory": {}}
        await here.settle()
        assert await here.tree() == remote.tree() == {"old": {}, "new": {"b": b"a", "directory": {}}}
        await here.kill()


@pytest.mark.parametrize("way", ["renamed over", "made anew", "directory made anew"])
@on_trio
async def test_what_took_the_place_of_something_under_way_has_its_name(
    tmp_path: Path, service: MemoryService, remote: Remote, way: str
) -> None:
    """Found by killing the daemon at random: what was gone came back for a moment, and took the name of the new."""
    remote.write("c", b"c")
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        await here.list()
        under_way = service.faults.hold_next("make_directory" if way.startswith("dir") else "upload")
        await (here.mkdir("a") if way.startswith("dir") else here.write("a", b"first"))
        await under_way.arrived.wait()
        if way == "renamed over":
            await here.rename("c", "a")
        elif way == "made anew":
            await here.unlink("a")
            await here.write("a", b"second")
        else:
            await here.rmdir("a")
            await here.mkdir("a")
        before = await here.tree()
        await here.kill()
        here = Machine(tmp_path, MemoryProvider(service), nursery)
        assert await here.tree() == before
        await here.boot()
        await here.settle()
        assert await here.tree() == remote.tree() == before
        nursery.cancel_scope.cancel()


@on_trio
async def test_an_index_that_knows_nothing_of_the_last_calls_is_brought_up_to_them(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    for name in ("one", "two", "replaced", "removed"):
        remote.write(name, name.encode())
    remote.mkdir("old")
    remote.write("old/inside", b"i")
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        await here.tree()
        await here.rename("one", "between")
        await here.rename("two", "one")
        await here.rename("between", "two")
        await here.mkdir("new")
        await here.rename("old", "new/old")
        await here.write("new/old/inside", b"other")
        await here.unlink("removed")
        await here.write("removed", b"again")
        await here.write("fresh", b"f")
        await here.rename("fresh", "replaced")
        await here.rename("new", "old")
        before = await here.tree()
        await here.kill()
        assert remote.calls == {}
        here = await reborn(tmp_path, service, nursery)
        assert await here.tree() == before
        await here.drain()
        assert remote.tree() == before
        assert await here.tree() == before
        await here.kill()
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_was_removed_on_the_service_too_does_not_come_back(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    for name in ("kept", "removed"):
        remote.write(name, b"1")
    async with trio.open_nursery() as nursery:
        here = await reborn(tmp_path, service, nursery)
        await here.tree()
        await here.unlink("removed")
        await here.drain()
        assert remote.tree() == {"kept": b"1"}
        await here.kill()
        here = await reborn(tmp_path, service, nursery)
        assert [entry.file_name for entry in here.index.children(service.root)] == ["kept"]
        await here.kill()
        nursery.cancel_scope.cancel()
