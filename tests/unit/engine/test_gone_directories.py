"""A directory goes from the service while something in it was written here: nothing is dropped."""

from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import Unavailable
from mountcloud.model.node import Rights
from mountcloud.model.provider import ChangeFeed
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.staged_file import SEALED_SUFFIX
from tests.unit.engine.harness import CONFLICT, Machine, Remote, new_service, on_trio


@pytest.mark.semantics("close-rehomed")
@pytest.mark.parametrize("feed", list(ChangeFeed))
@pytest.mark.parametrize("seen", [False, True])
@on_trio
async def test_it_is_made_again_with_what_was_written(tmp_path: Path, feed: ChangeFeed, seen: bool) -> None:
    service = new_service(feed)
    remote = Remote(service)
    for path in ("d", "d/e"):
        remote.mkdir(path)
    remote.write("d/e/old", b"old")
    remote.write("d/theirs", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await here.tree()
        await here.write("d/e/new", b"new")
        await here.write("d/e/old", b"edited")
        await here.mkdir("d/e/f")
        remote.remove("d")
        if seen:
            await here.syncer.poll()
        await here.settle()
        expected = {"d": {"e": {"new": b"new", "old": b"edited", "f": {}}}}
        assert remote.tree() == expected == await here.tree()
        assert here.owed == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_directory_that_was_renamed_here_comes_back_under_its_new_name(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.mkdir("d")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await here.tree()
        service.faults.fail_next("move", Unavailable("no network", retry_after=50))
        await here.rename("d", "renamed")
        await here.write("renamed/a", b"1")
        remote.remove("d")
        await here.settle()
        assert await here.tree() == remote.tree()
        assert remote.tree().get("renamed") == {"a": b"1"}
        assert here.owed == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_several_uploads_at_a_time_make_it_once(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.mkdir("d")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await here.list("d")
        for number in range(20):
            await here.write(f"d/{number}", b"%d" % number)
        remote.remove("d")
        await here.settle()
        assert remote.tree() == {"d": {str(number): b"%d" % number for number in range(20)}}
        assert remote.calls["make_directory"] == 1
        nursery.cancel_scope.cancel()


@on_trio
async def test_not_knowing_whether_it_is_gone_is_no_deletion(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.mkdir("d")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await here.list("d")
        await here.write("d/a", b"1")
        remote.remove("d")
        service.faults.fail_next("node", Unavailable("no network"))
        await here.settle()
        assert remote.tree() == {"d": {"a": b"1"}}
        nursery.cancel_scope.cancel()


@on_trio
async def test_without_the_right_to_make_it_the_draft_is_kept_and_can_go_elsewhere(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.mkdir("top")
    remote.mkdir("top/d")
    service.restrict(remote.node("top").id, Rights.ALL & ~Rights.CREATE_DIRECTORIES)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await here.list("top/d")
        await here.write("top/d/a", b"1")
        remote.remove("top/d")
        await here.settle()
        assert len(here.parked) == 1
        assert await here.read("top/d/a") == b"1"
        await here.rename("top/d/a", "rescued")
        await here.settle()
        assert remote.tree() == {"top": {}, "rescued": b"1"}
        assert here.owed == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_new_directory_whose_name_a_file_took_goes_beside(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        here.queue.pause(paused=True)
        await here.mkdir("d")
        await here.write("d/a", b"1")
        remote.write("d", b"a file")
        here.queue.pause(paused=False)
        await here.settle()
        assert remote.tree() == {"d": b"a file", f"d{CONFLICT}": {"a": b"1"}} == await here.tree()
        nursery.cancel_scope.cancel()


def lose_index(home: Path) -> None:
    for path in home.glob("index.db*"):
        path.unlink()


@pytest.mark.semantics("close-rehomed")
@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_it_is_made_again_though_the_daemon_died_and_the_index_is_lost(tmp_path: Path, feed: ChangeFeed) -> None:
    """Found by reading: nobody knew then where the directory had been, and its files waited out of sight."""
    service = new_service(feed)
    remote = Remote(service)
    for path in ("d", "d/e", "d/e/moved"):
        remote.mkdir(path)
    remote.write("d/e/old", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await here.tree()
        await here.tree("d/e")
        await here.write("d/e/new", b"new")
        await here.write("d/e/old", b"edited")
        await here.mkdir("d/e/f")
        await here.write("d/e/f/deep", b"deep")
        await here.rename("d/e/moved", "d/e/away")
        await here.write("d/e/away/too", b"too")
        await here.kill()
        remote.remove("d")
        lose_index(tmp_path)
        there = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await there.settle()
        files = {"new": b"new", "old": b"edited", "f": {"deep": b"deep"}, "away": {"too": b"too"}}
        assert remote.tree() == {"d": {"e": files}} == await there.tree()
        assert there.owed == []
        assert there.journal.homes.above(remote.node("d").id) == [], "nothing is owed, so nothing is noted"
        nursery.cancel_scope.cancel()


@pytest.mark.durability("sealed")
@on_trio
async def test_what_is_made_in_an_encrypted_directory_without_an_index_is_sealed(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.mkdir("room")
    service.encrypt_below(remote.node("room").id)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await here.tree()
        here.queue.pause(paused=True)
        await here.mkdir("room/d")
        await here.kill()
        lose_index(tmp_path)
        there = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await there.write("room/d/secret", b"in clear")
        assert [each.endswith(SEALED_SUFFIX) for each in there.staged] == [True]
        nursery.cancel_scope.cancel()
