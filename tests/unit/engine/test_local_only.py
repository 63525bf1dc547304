"""Files that programs make for themselves stay on this machine, and become real with a real name."""

import os
from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import CrossesBoundary
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, on_trio

LOCK, DOWNLOAD, BIN = ".~lock.a.odt#", "film.mkv.part", ".Trash-1000"


@pytest.mark.semantics("name-local-only")
@on_trio
async def test_they_are_seen_here_survive_a_restart_and_never_reach_the_service(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write(LOCK, b"me")
        await here.mkdir(BIN)
        await here.mkdir(f"{BIN}/files")
        await here.write(f"{BIN}/files/a", b"old")
        await here.write("real", b"1")
        await here.settle()
        assert remote.tree() == {"real": b"1"}
        assert here.replayer.owed == []
        assert here.queue.items() == []
        seen = {LOCK: b"me", BIN: {"files": {"a": b"old"}}, "real": b"1"}
        assert await here.tree() == seen
        await here.kill()
        for path in tmp_path.glob("index.db*"):
            path.unlink()
        there = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await there.settle()
        assert await there.tree() == seen
        await there.unlink(LOCK)
        await there.unlink(f"{BIN}/files/a")
        await there.rmdir(f"{BIN}/files")
        await there.rmdir(BIN)
        assert (there.owed, there.staged) == ([], [])
        assert remote.calls == {"upload": 1}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_real_name_makes_one_upload(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    old = remote.write("film.mkv", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write(DOWNLOAD, b"film")
        await here.drain()
        await here.rename(DOWNLOAD, "film.mkv")
        await here.drain()
        assert remote.tree() == {"film.mkv": b"film"}
        assert remote.node("film.mkv").id == old.id
        assert remote.calls == {"upload": 1}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_directory_becomes_real_with_all_below(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.mkdir("d.part")
        await here.mkdir("d.part/e")
        await here.write("d.part/e/a", b"1")
        await here.drain()
        assert remote.tree() == {}
        await here.mkdir("place")
        await here.rename("d.part", "place/d")
        await here.drain()
        assert remote.tree() == {"place": {"d": {"e": {"a": b"1"}}}}
        assert here.owed == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_comes_out_of_such_a_directory_becomes_real(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.mkdir(BIN)
        await here.mkdir(f"{BIN}/d")
        await here.write(f"{BIN}/d/a", b"1")
        await here.write(f"{BIN}/b", b"2")
        await here.rename(f"{BIN}/d", "d")
        await here.rename(f"{BIN}/b", "b")
        await here.drain()
        assert remote.tree() == {"d": {"a": b"1"}, "b": b"2"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_file_of_the_service_stays_one(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    """It takes the name there too, and new content of it is sent."""
    remote.write("film.mkv", b"film")
    remote.write("desktop.ini", b"shared")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await here.rename("film.mkv", DOWNLOAD)
        await here.write("desktop.ini", b"mine")
        await here.drain()
        assert remote.tree() == {DOWNLOAD: b"film", "desktop.ini": b"mine"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_the_service_has_cannot_go_where_nothing_is_sent_from(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """Then a desktop's bin is none, and its file manager asks whether to delete: into the service's own bin."""
    remote.write("a", b"1")
    remote.mkdir("d")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.mkdir(BIN)
        await here.mkdir("new")
        for name in ("a", "d", "new"):
            with pytest.raises(CrossesBoundary):
                await here.rename(name, f"{BIN}/{name}")
        await here.write("b", b"2")
        await here.rename("b", f"{BIN}/b")
        await here.drain()
        assert remote.tree() == {"a": b"1", "d": {}, "new": {}}
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("dance", ["aside first", "new first"])
@on_trio
async def test_moving_the_old_aside_is_one_new_version(
    tmp_path: Path, service: MemoryService, remote: Remote, dance: str
) -> None:
    """As vim saves (the old file is moved aside before the new one is written), and as word processors do."""
    old = remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        if dance == "aside first":
            await here.rename("a", "a~")
            await here.write("a", b"new")
        else:
            await here.write("new", b"new")
            await here.rename("a", "a~")
            await here.rename("new", "a")
        await here.unlink("a~")
        await here.settle()
        assert await here.tree() == {"a": b"new"} == remote.tree()
        assert remote.node("a").id == old.id
        assert remote.calls == {"upload": 1}
        assert (here.owed, here.staged) == ([], [])
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_backup_that_stays_is_the_old_file(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    old = remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await here.rename("a", "a~")
        await here.write("a", b"new")
        await here.settle()
        assert await here.tree() == {"a": b"new", "a~": b"old"} == remote.tree()
        assert remote.node("a~").id == old.id
        nursery.cancel_scope.cancel()


@on_trio
async def test_an_old_file_that_another_client_changed_meanwhile_is_kept(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await here.rename("a", "a~")
        await here.write("a", b"new")
        await here.unlink("a~")
        remote.write("a", b"theirs")
        await here.settle()
        assert sorted(str(each) for each in remote.tree().values()) == ["b'new'", "b'theirs'"]
        nursery.cancel_scope.cancel()


@pytest.mark.semantics("close-settle")
@on_trio
async def test_five_saves_in_ten_seconds_are_one_upload(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        for number in range(5):
            await here.write("a", b"save %d" % number)
            await trio.sleep(2.4)
        await trio.sleep(2)
        assert remote.calls == {"upload": 1}
        assert remote.tree() == {"a": b"save 4"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_log_that_is_written_all_the_time_is_sent_now_and_then(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("log", b"")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        for number in range(200):
            handle = await here.open("log", os.O_WRONLY)
            await here.fs.files.write(handle, 4 * number, b"line")
            await here.close(handle)
            await trio.sleep(0.5)
        assert 3 <= remote.calls["upload"] <= 4
        assert len(remote.read("log")) >= 4 * 100
        nursery.cancel_scope.cancel()
