"""What other clients do is seen here; a failure never removes anything, and what is in flux here is left alone."""

from dataclasses import replace
from pathlib import Path

import pytest
import trio
import trio.testing

from mountcloud.engine.syncing import Syncer
from mountcloud.model.errors import NotFound, TooLarge, Unavailable
from mountcloud.model.provider import ChangeFeed
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import CONFLICT, RECHECK_S, Machine, Remote, new_service, on_trio


@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_a_second_client_is_seen(tmp_path: Path, feed: ChangeFeed) -> None:
    service = new_service(feed)
    remote = Remote(service)
    remote.mkdir("d")
    remote.mkdir("e")
    for name in ("d/changed", "d/renamed", "d/moved", "d/removed", "d/one", "d/two"):
        remote.write(name, name.encode())
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        assert await here.tree() == remote.tree()
        inode = await here.inode("d/renamed")
        remote.write("d/new", b"new")
        remote.mkdir("d/sub")
        remote.write("d/sub/deep", b"deep")
        remote.write("d/changed", b"other")
        remote.rename("d/renamed", "d/other name")
        remote.rename("d/moved", "e/moved")
        remote.remove("d/removed")
        remote.rename("d/one", "d/aside")
        remote.rename("d/two", "d/one")
        remote.rename("d/aside", "d/two")
        await trio.sleep(RECHECK_S + 1)
        await here.syncer.poll()
        assert await here.tree() == remote.tree()
        assert await here.inode("d/other name") == inode
        remote.remove("d")
        await trio.sleep(RECHECK_S + 1)
        await here.syncer.poll()
        assert await here.tree() == {"e": {"moved": b"d/moved"}}
        nursery.cancel_scope.cancel()


@pytest.mark.semantics("remote-failure")
@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_no_failure_removes_anything(tmp_path: Path, feed: ChangeFeed) -> None:
    service = new_service(feed)
    remote = Remote(service)
    remote.mkdir("d")
    remote.write("d/a", b"a")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        before = await here.tree()
        remote.write("d/b", b"b")
        for _ in range(3):
            for method in ("children", "changes", "node", "root", "usage"):
                service.faults.fail_next(method, Unavailable("no answer"))
            await trio.sleep(RECHECK_S + 1)
            await here.syncer.poll_safely()
            assert await here.list("") == ["d"]
            assert set(before["d"]) <= set(await here.list("d"))
        for _ in range(9):
            await trio.sleep(RECHECK_S + 1)
            await here.syncer.poll_safely()
        assert await here.tree() == remote.tree()
        assert here.syncer.healthy
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_directory_that_the_service_calls_gone_goes(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.mkdir("d")
    remote.write("d/a", b"a")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        inode = await here.inode("d")
        remote.remove("d")
        with pytest.raises(NotFound):
            await here.list("d")
        assert here.index.entry(inode) is None
        assert await here.list("") == []
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("make", ["file", "directory"])
@on_trio
async def test_an_older_listing_does_not_hide_what_was_made_since(
    tmp_path: Path, service: MemoryService, remote: Remote, make: str
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await (here.write("a", b"1") if make == "file" else here.mkdir("a"))
        held = service.faults.hold_next("children", after=True)
        nursery.start_soon(here.syncer.poll)
        await held.arrived.wait()
        await here.drain()
        assert set(remote.tree()) == {"a"}
        assert held.gate is not None
        held.gate.set()
        await trio.testing.wait_all_tasks_blocked()
        assert await here.list("") == ["a"]
        nursery.cancel_scope.cancel()


@on_trio
async def test_an_older_listing_undoes_nothing_that_was_done_since(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    for name in ("removed", "renamed", "written", "dated", "replaced", "over"):
        remote.write(name, b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        held = service.faults.hold_next("children", after=True)
        nursery.start_soon(here.syncer.poll)
        await held.arrived.wait()
        await here.unlink("removed")
        await here.rename("renamed", "other")
        await here.write("written", b"newer")
        await here.set_mtime("dated", 7_000_000_000)
        await here.save("replaced", b"saved")
        await here.rename("over", "written")
        await here.drain()
        expected = {"other": b"old", "written": b"old", "dated": b"old", "replaced": b"saved"}
        assert remote.tree() == expected
        assert held.gate is not None
        held.gate.set()
        await trio.testing.wait_all_tasks_blocked()
        assert await here.tree() == expected
        assert (await here.stat("dated")).mtime_ns == 7_000_000_000
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_a_change_told_while_something_is_owed_is_seen_afterwards(tmp_path: Path, feed: ChangeFeed) -> None:
    service = new_service(feed)
    remote = Remote(service)
    remote.mkdir("d")
    remote.write("d/a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.tree()
        held = service.faults.hold_next("set_times")
        await here.set_mtime("d/a", 7_000_000_000)
        await held.arrived.wait()
        remote.rename("d/a", "d/b")
        await here.syncer.poll()
        assert await here.list("d") == ["a"]
        assert held.gate is not None
        held.gate.set()
        await here.drain()
        await trio.sleep(RECHECK_S + 1 if feed is ChangeFeed.NONE else 11)
        await here.syncer.poll()
        await here.syncer.poll()
        assert await here.list("d") == ["b"]
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_listing_that_is_older_than_the_feed_does_not_bring_back_the_past(tmp_path: Path) -> None:
    service = new_service(ChangeFeed.CURSOR)
    remote = Remote(service)
    remote.mkdir("d")
    remote.write("d/a", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.list("")
        held = service.faults.hold_next("children", after=True)
        nursery.start_soon(here.list, "d")
        await held.arrived.wait()
        remote.write("d/b", b"2")
        remote.rename("d/a", "d/c")
        await here.syncer.poll()
        assert held.gate is not None
        held.gate.set()
        await trio.testing.wait_all_tasks_blocked()
        await here.syncer.poll()
        await here.syncer.poll()
        assert await here.list("d") == ["b", "c"]
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_feed_that_starts_anew_is_followed(tmp_path: Path) -> None:
    service = new_service(ChangeFeed.CURSOR)
    remote = Remote(service)
    remote.mkdir("d")
    remote.write("d/a", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.tree()
        remote.remove("d/a")
        remote.write("d/b", b"2")
        service.log.forget()
        await here.syncer.poll()
        assert await here.tree() == {"d": {"b": b"2"}}
        remote.write("d/c", b"3")
        await here.syncer.poll()
        assert await here.tree() == {"d": {"b": b"2", "c": b"3"}}
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_a_directory_that_both_made_is_one_with_the_children_of_both(tmp_path: Path, feed: ChangeFeed) -> None:
    service = new_service(feed)
    remote = Remote(service)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.list("")
        here.replayer.pause(paused=True)
        await here.mkdir("d")
        await here.write("d/ours", b"o")
        await here.write("d/both", b"here")
        remote.mkdir("d")
        remote.write("d/theirs", b"t")
        remote.write("d/both", b"there")
        await here.syncer.poll()
        twin = next(name for name in await here.list("") if name != "d")
        await here.list(twin)
        here.replayer.pause(paused=False)
        await here.settle()
        expected = {"d": {"ours": b"o", "theirs": b"t", "both": b"there", f"both{CONFLICT}": b"here"}}
        assert remote.tree() == expected
        assert await here.tree() == expected
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_an_adopted_directory_shows_what_it_held(tmp_path: Path, feed: ChangeFeed) -> None:
    service = new_service(feed)
    remote = Remote(service)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.list("")
        await here.mkdir("d")
        remote.mkdir("d")
        remote.write("d/theirs", b"t")
        await here.drain()
        await trio.sleep(1)
        await here.syncer.poll()
        await here.syncer.poll()
        assert await here.list("d") == ["theirs"]
        nursery.cancel_scope.cancel()


@pytest.mark.semantics("dir-rmdir")
@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_a_directory_with_unseen_children_is_not_removed_and_comes_back(tmp_path: Path, feed: ChangeFeed) -> None:
    service = new_service(feed)
    remote = Remote(service)
    remote.mkdir("d")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.tree()
        remote.write("d/theirs", b"t")
        await here.rmdir("d")
        assert await here.list("") == []
        await here.drain()
        await here.syncer.poll()
        await here.syncer.poll()
        assert await here.tree() == {"d": {"theirs": b"t"}} == remote.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_fault_of_ours_does_not_end_the_polling(
    tmp_path: Path, service: MemoryService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: Syncer) -> None:
        raise ValueError("a node that nobody thought of")

    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path / "here", MemoryProvider(service), nursery).boot()
        monkeypatch.setattr(Syncer, "poll", broken)
        await here.syncer.poll_safely()
        assert "fault of mountcloud" in caplog.text
        assert not here.syncer.healthy
        await here.kill()
        nursery.cancel_scope.cancel()


@pytest.mark.semantics("name-escaped")
@pytest.mark.parametrize("name", ["half \ud83d.txt", "..", ".", "\u241b", "nul\0", "\udfff" * 200 + ".txt"])
@on_trio
async def test_a_name_that_linux_cannot_hold_is_shown_escaped_and_used_as_any_other(
    tmp_path: Path, service: MemoryService, remote: Remote, name: str
) -> None:
    node = service.make_file(service.root, name, b"content", 1)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        assert here.syncer.healthy
        (shown,) = await here.list("")
        assert "\u241b" in shown
        assert await here.read(shown) == b"content"
        assert here.index.require(await here.inode(shown)).node.name == name
        await here.set_mtime(shown, 7_000_000_000)
        await here.kill()
        again = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        assert await again.list("") == [shown]
        await again.write(shown, b"new content")
        await again.drain()
        assert service.tree.entry(node.id).stored == b"new content"
        await again.unlink(shown)
        await again.drain()
        assert remote.tree() == {}
        assert again.parked == []
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_what_is_owed_new_content_and_was_then_replaced_is_not_shown_again(
    tmp_path: Path, feed: ChangeFeed
) -> None:
    """Found by killing the daemon at random: a listing brought it back, beside what had taken its place."""
    service = new_service(feed)
    remote = Remote(service)
    remote.write("a", b"old")
    remote.write("c", b"c")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.list("")
        here.replayer.pause(paused=True)
        await here.write("a", b"newer")
        held = service.faults.hold_next("upload")
        here.replayer.pause(paused=False)
        await held.arrived.wait()
        await here.rename("c", "a")
        await here.syncer.list_again((await here.node("")).id)
        assert await here.list("") == ["a"]
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        assert await here.tree() == {"a": b"c"} == remote.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_size_that_cannot_be_hides_nothing_and_is_not_read(tmp_path: Path) -> None:
    service = new_service()
    remote = Remote(service)
    remote.write("good", b"1")
    for name, size, mtime_ns in (("huge", 1 << 70, 10**30), ("negative", -5, -(10**30)), ("long", 1 << 62, 0)):
        stored = service.tree.entry(remote.write(name, b"x").id)
        stored.node = replace(stored.node, size=size, mtime_ns=mtime_ns)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        assert await here.list() == ["good", "huge", "long", "negative"]
        assert ((await here.stat("huge")).size, (await here.stat("negative")).size) == ((1 << 63) - 1, 0)
        assert await here.read("good") == b"1"
        for name in ("huge", "long"):
            with pytest.raises(TooLarge):
                await here.read(name)
        await here.kill()
        nursery.cancel_scope.cancel()
