"""A call had its effect and the answer was lost: the next attempt knows what it finds, and nothing is made twice."""

import os
from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import Unavailable
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, on_trio


@pytest.mark.parametrize("method", ["upload", "make_directory", "move", "remove", "set_times"])
@on_trio
async def test_a_lost_reply_is_recognised(tmp_path: Path, service: MemoryService, remote: Remote, method: str) -> None:
    remote.write("moved", b"m")
    remote.write("removed", b"r")
    remote.write("dated", b"d")
    remote.write("written", b"w")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next(method, Unavailable("no answer"), after=True)
        service.faults.fail_next(method, Unavailable("no answer"), after=True)
        await here.write("written", b"w2")
        await here.write("new", b"n")
        await here.mkdir("d")
        await here.rename("moved", "d/m")
        await here.unlink("removed")
        await here.set_mtime("dated", 7_000_000_000)
        await here.settle()
        expected = {"written": b"w2", "new": b"n", "d": {"m": b"m"}, "dated": b"d"}
        assert remote.tree() == expected
        assert await here.tree() == expected
        assert remote.node("dated").mtime_ns == 7_000_000_000
        assert (here.owed, here.staged) == ([], [])
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_lost_reply_of_a_rename_over_another_file(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    kept = remote.write("a", b"a")
    remote.write("b", b"b")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("move", Unavailable("no answer"), after=True)
        await here.rename("a", "b")
        await here.settle()
        assert remote.tree() == {"b": b"a"} == await here.tree()
        assert (await here.node("b")).id == kept.id
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_second_save_with_the_same_size_and_time_is_not_taken_for_the_first(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("upload", Unavailable("no answer"), after=True)
        await _save_dated(here, b"one")
        await trio.sleep(1.2)
        assert remote.tree() == {"a": b"one"}
        await _save_dated(here, b"two")
        await here.drain()
        assert remote.tree() == {"a": b"two"}
        nursery.cancel_scope.cancel()


async def _save_dated(here: Machine, data: bytes) -> None:
    handle = await here.open("a", os.O_WRONLY | os.O_CREAT)
    await here.fs.files.write(handle, 0, data)
    await here.set_mtime("a", 7_000_000_000)
    await here.close(handle)


@on_trio
async def test_an_attempt_that_is_finished_late_makes_no_conflict(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """The connection broke, the next attempt began, and only then the service finished the first one."""
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        base = remote.write("a", b"base")
        await here.settle()
        service.faults.fail_next("upload", Unavailable("broken off"))
        await _save_dated(here, b"one!")
        await trio.sleep(3.2)  # an overwritten file rests for 3 s
        assert remote.tree() == {"a": b"base"}
        second = service.faults.hold_next("upload")
        await here.write("a", b"two")
        await second.arrived.wait()
        service.replace_content(base.id, b"one!", 7_000_000_000)
        assert second.gate is not None
        second.gate.set()
        await here.drain()
        await here.settle()
        assert remote.tree() == {"a": b"two"}
        assert await here.list() == ["a"]
        nursery.cancel_scope.cancel()


@on_trio
async def test_no_ghost_of_an_upload_is_shown_beside_it(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    """Found by killing the daemon at random: a listing named a file twice, and one of them was gone when asked for."""
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("upload", Unavailable("no answer"), after=True)
        await here.write("new", b"n")
        while not remote.tree():
            await trio.sleep(0.01)
        await here.syncer.poll_safely()
        assert await here.list("") == ["new"]
        await here.settle()
        assert await here.tree() == {"new": b"n"} == remote.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_no_ghost_of_a_directory_is_shown_beside_it(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """Found by killing the daemon at random: a walk met a directory that was gone when it was opened."""
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("make_directory", Unavailable("no answer"), after=True)
        await here.mkdir("d")
        await here.write("d/inside", b"i")
        while not remote.tree():
            await trio.sleep(0.01)
        await here.syncer.poll_safely()
        assert await here.list("") == ["d"]
        await here.settle()
        assert await here.tree() == {"d": {"inside": b"i"}} == remote.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_no_ghost_of_an_attempt_that_was_finished_late_is_shown(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """The daemon was killed, a longer content is on its way, and only then the service finished the first one."""
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("upload", Unavailable("broken off"))
        second = service.faults.hold_next("upload")
        await _save_dated(here, b"one!")
        await here.write("a", b"longer")
        await second.arrived.wait()
        remote.write("a", b"one!")
        await here.syncer.poll_safely()
        assert await here.list("") == ["a"]
        nursery.cancel_scope.cancel()
