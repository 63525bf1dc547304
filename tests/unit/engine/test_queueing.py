"""What the owner of a queue sees of it and may do with it; too many removals wait for a word."""

from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import Busy, Exists, Forbidden, InvalidArgument, NotFound, Unavailable
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Content, Machine, Remote, on_trio

MANY = 201


def filled(remote: Remote, count: int) -> dict[str, Content]:
    remote.mkdir("d")
    for number in range(count):
        remote.write(f"d/{number}", b"%d" % number)
    return remote.tree()


async def remove_all(here: Machine, directory: str = "d") -> None:
    for name in await here.list(directory):
        await here.unlink(f"{directory}/{name}")
    await here.rmdir(directory)


@pytest.mark.semantics("delete-guard")
@on_trio
async def test_too_many_removals_wait_for_a_word_and_all_else_goes(
    tmp_path: Path, service: MemoryService, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    before = filled(remote, MANY)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await remove_all(here)
        assert await here.tree() == {}
        await here.write("new", b"goes")
        await here.drain()
        assert remote.tree() == {**before, "new": b"goes"}
        assert {each.state for each in here.queue.items()} == {"held"}
        assert len(here.queue.items()) == MANY + 1
        assert "removals wait" in here.queue.trouble
        assert "--allow-deletes" in caplog.text
        assert here.queue.allow_deletes() == MANY + 1
        await here.drain()
        assert remote.tree() == {"new": b"goes"}
        assert here.queue.trouble == ""
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_restart_lets_nothing_go(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    before = filled(remote, MANY)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await remove_all(here)
        await here.kill()
        there = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await there.settle()
        assert remote.tree() == before
        assert there.removals.stopped
        nursery.cancel_scope.cancel()


@on_trio
async def test_removals_that_are_taken_back_show_again(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    before = filled(remote, MANY)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await remove_all(here)
        await here.drain()
        assert here.queue.discard_deletes() == MANY + 1
        assert here.owed == []
        await here.settle()
        assert remote.tree() == before
        assert await here.tree() == before
        await here.unlink("d/1")
        await here.drain()
        assert len(remote.tree("d")) == MANY - 1
        nursery.cancel_scope.cancel()


@on_trio
async def test_clearing_away_what_was_just_made_here_needs_no_word(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.mkdir("d")
        for number in range(MANY):
            await here.write(f"d/{number}", b"object file")
        await here.drain()
        assert len(remote.tree("d")) == MANY
        await remove_all(here)
        await here.drain()
        assert (remote.tree(), here.queue.trouble) == ({}, "")
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_another_client_changed_since_counts(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.mkdir("d")
        for number in range(MANY):
            await here.write(f"d/{number}", b"first")
        await here.drain()
        for number in range(MANY):
            remote.write(f"d/{number}", b"somebody's work")
        await here.settle()
        for name in await here.list("d"):
            await here.unlink(f"d/{name}")
        await here.drain()
        assert here.removals.stopped
        assert len(remote.tree("d")) == MANY
        nursery.cancel_scope.cancel()


@on_trio
async def test_the_list_tells_where_why_and_when(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("old", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        service.faults.fail_next("upload", Forbidden("not you"))
        service.faults.fail_next("make_directory", Unavailable("no network", retry_after=500))
        service.faults.hold_next("remove")
        await here.mkdir("d")
        await here.write("a", b"12345")
        await here.unlink("old")
        await trio.sleep(10)
        found = {each.path: each for each in here.queue.items()}
        assert (found["a"].kind, found["a"].state, found["a"].size) == ("upload", "parked", 5)
        assert (found["a"].reason, found["a"].attempts, found["a"].next_try) == ("not you", 1, None)
        assert (found["d"].kind, found["d"].state) == ("make-directory", "waiting")
        assert found["d"].next_try is not None
        assert found["d"].next_try > here.now() + 400
        assert (found["old"].kind, found["old"].state) == ("remove", "sending")
        assert [each.path for each in here.queue.items("d")] == ["d"]
        assert here.queue.retry("d") == 1
        await trio.sleep(1)
        assert remote.tree("d") == {}
        assert here.queue.retry(None) == 1
        await trio.sleep(1)
        assert remote.read("a") == b"12345"
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_pause_outlasts_a_restart(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        here.queue.pause(paused=True)
        await here.write("a", b"1")
        await here.drain()
        await trio.sleep(100)
        assert remote.tree() == {}
        await here.kill()
        there = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await trio.sleep(100)
        assert (remote.tree(), "paused" in there.queue.trouble) == ({}, True)
        assert there.queue.pause(paused=False)
        await there.drain()
        assert remote.tree() == {"a": b"1"}
        nursery.cancel_scope.cancel()


async def parked(tmp_path: Path, service: MemoryService, nursery: trio.Nursery, *paths: str) -> Machine:
    """A machine whose changes of these files the service refuses."""
    here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
    await here.list("")
    for path in paths:
        service.faults.fail_next("upload", Forbidden("not you"))
        await here.write(path, b"mine")
    await here.drain()
    assert len(here.parked) == len(paths)
    return here


@on_trio
async def test_a_discarded_overwrite_shows_the_services_content(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"the service's")
    async with trio.open_nursery() as nursery:
        here = await parked(tmp_path, service, nursery, "a")
        assert await here.queue.discard("a", None) == 1
        await here.settle()
        assert await here.tree() == {"a": b"the service's"} == remote.tree()
        assert (await here.stat("a")).size == 13
        assert (here.owed, here.staged) == ([], [])
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_discarded_new_file_goes_and_its_content_is_kept_where_the_user_says(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    keep = tmp_path / "kept"
    keep.mkdir()
    async with trio.open_nursery() as nursery:
        here = await parked(tmp_path / "home", service, nursery, "a", "b")
        with pytest.raises(InvalidArgument, match="no directory"):
            await here.queue.discard("a", str(tmp_path / "nowhere"))
        assert await here.queue.discard("a", str(keep)) == 1
        assert (keep / "a").read_bytes() == b"mine"
        (keep / "b").write_bytes(b"precious")
        with pytest.raises(Exists):
            await here.queue.discard("b", str(keep))
        assert (keep / "b").read_bytes() == b"precious"
        assert await here.tree() == {"b": b"mine"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_discarded_directory_takes_all_below_with_it(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("make_directory", Forbidden("not you"))
        await here.mkdir("d")
        await here.mkdir("d/e")
        await here.write("d/e/a", b"1")
        await here.write("other", b"2")
        await here.drain()
        assert await here.queue.discard("d", None) == 3
        await here.settle()
        assert await here.tree() == {"other": b"2"} == remote.tree()
        assert here.staged == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_discarded_move_is_undone(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("a", b"1")
    remote.mkdir("d")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        service.faults.fail_next("move", Forbidden("not you"))
        await here.rename("a", "d/b")
        await here.drain()
        assert await here.queue.discard("d/b", None) == 1
        await here.settle()
        assert await here.tree() == {"a": b"1", "d": {}} == remote.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_an_attempt_that_is_under_way_is_ended(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        held = service.faults.hold_next("upload")
        await here.write("a", b"1")
        await held.arrived.wait()
        await here.queue.discard("a", None)
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        assert (remote.tree(), await here.tree(), here.owed) == ({}, {}, [])
        nursery.cancel_scope.cancel()


@on_trio
async def test_an_open_file_and_an_unknown_path_are_refused(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await parked(tmp_path, service, nursery, "a")
        handle = await here.open("a")
        with pytest.raises(Busy):
            await here.queue.discard("a", None)
        await here.close(handle)
        with pytest.raises(NotFound):
            await here.queue.discard("nothing", None)
        with pytest.raises(InvalidArgument):
            await here.queue.discard("", None)
        assert len(here.parked) == 1
        nursery.cancel_scope.cancel()
