"""What looking for changes costs, how often it happens, and that no failure on the way removes anything."""

import os
from inspect import isclass
from pathlib import Path

import pytest
import trio

from mountcloud.model import errors
from mountcloud.model.errors import Failure, NotFound
from mountcloud.model.provider import ChangeFeed, Usage
from mountcloud.policy.freshness import Pace
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_faults import Fault, Faults
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import POLL_S, RECHECK_S, Machine, Remote, new_service, on_trio

PACE = Pace(active_s=POLL_S, idle_s=60.0, idle_after_s=300.0)
READING = ("root", "node", "children", "changes", "usage")


def asked(service: MemoryService) -> int:
    return sum(service.faults.calls[each] for each in READING)


def planted(remote: Remote, directories: int = 20) -> None:
    for number in range(directories):
        remote.mkdir(f"d{number}")
        remote.mkdir(f"d{number}/sub")
        remote.write(f"d{number}/sub/file", b"old")


@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_a_poll_of_an_unchanged_idle_tree_is_one_request(tmp_path: Path, feed: ChangeFeed) -> None:
    service = new_service(feed)
    planted(Remote(service))
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.tree()
        await trio.sleep(3000)
        for _ in range(3):
            before = asked(service)
            await here.syncer.poll()
            assert asked(service) - before == 1
            await trio.sleep(60)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("feed", [ChangeFeed.TREE_VERSION, ChangeFeed.CURSOR])
@pytest.mark.parametrize("directories", [5, 50])
@on_trio
async def test_a_poll_costs_what_changed_and_how_deep(tmp_path: Path, feed: ChangeFeed, directories: int) -> None:
    service = new_service(feed)
    remote = Remote(service)
    planted(remote, directories)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.tree()
        await trio.sleep(3000)
        await here.syncer.poll()
        remote.write("d3/sub/file", b"new")
        before = asked(service)
        await here.syncer.poll()
        assert asked(service) - before <= 3
        assert await here.read("d3/sub/file") == b"new"
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_version_that_moves_up_late_is_not_missed(tmp_path: Path) -> None:
    service = new_service()
    remote = Remote(service)
    planted(remote)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.syncer.poll()
        await here.tree()
        await trio.sleep(3000)
        service.directory_versions.held = True
        remote.write("d3/sub/file", b"new")
        remote.write("d4/sub/other", b"new")
        for _ in range(3):
            await here.syncer.poll()
        service.directory_versions.propagate()
        await here.syncer.poll()
        assert await here.tree() == remote.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_service_that_tells_nothing_is_asked_for_all_in_turn(tmp_path: Path) -> None:
    service = new_service(ChangeFeed.NONE)
    remote = Remote(service)
    planted(remote)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.tree()
        for number in range(20):
            remote.write(f"d{number}/sub/file", b"new content")
        for _ in range(3600 // 60 + 60):
            before = asked(service)
            await trio.sleep(60)
            await here.syncer.poll()
            assert asked(service) - before <= 10
        sizes = {entry.node.size for entry in here.index._many("directory = 0", ())}
        assert sizes == {len(b"new content")}
        nursery.cancel_scope.cancel()


@on_trio
async def test_where_nothing_is_told_what_is_in_use_is_seen_at_the_next_poll(tmp_path: Path) -> None:
    service = new_service(ChangeFeed.NONE)
    remote = Remote(service)
    planted(remote, 50)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        here.syncer.pace = PACE
        await here.tree()
        await trio.sleep(1000)
        for turn in range(3):
            await here.list("d7/sub")
            remote.write(f"d7/sub/made {turn}", b"new")
            await trio.sleep(POLL_S)
            await here.syncer.poll()
            assert f"made {turn}" in [each.file_name for each in here.index.children(remote.node("d7/sub").id)]
        nursery.cancel_scope.cancel()


@on_trio
async def test_polls_follow_the_use_of_the_mount(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        here.syncer.pace = PACE
        await here.list("")
        here.services.start_soon(here.syncer.run)
        await trio.sleep(300)
        before = asked(service)
        await trio.sleep(630)
        assert 8 <= asked(service) - before <= 22, "idle: one a minute, and a few rechecks of what was opened"
        before = asked(service)
        await trio.sleep(1)
        here.syncer.used()
        await trio.sleep(1)
        assert asked(service) - before == 1, "who comes back wants to see the present"
        before = asked(service)
        for _ in range(30):
            await trio.sleep(10)
            here.syncer.used()
        assert 28 <= asked(service) - before <= 31
        before = asked(service)
        here.syncer.poke()
        await trio.sleep(0.1)
        assert asked(service) - before == 1
        nursery.cancel_scope.cancel()


@on_trio
async def test_space_is_asked_for_when_somebody_wants_to_know(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.quota = 1000
        await here.syncer.poll()
        assert here.syncer.space.known == Usage(0, 1000)
        for _ in range(3):
            await trio.sleep(100)
            await here.syncer.poll()
        assert service.faults.calls["usage"] == 2
        service.quota = 2000
        assert here.fs.space().total == 1000
        await here.syncer.poll()
        assert here.fs.space().total == 2000
        await here.kill()
        again = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        assert again.fs.space().total == 2000, "known before anybody is asked"
        nursery.cancel_scope.cancel()


class NthFails(Faults):
    """The call that comes after ``skip`` others fails."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: Failure | None = None
        self.skip = 0

    def take(self, method: str) -> Fault:
        self.skip -= 1
        failure, self.failure = (self.failure, None) if self.skip < 0 else (None, self.failure)
        return Fault(failure) if failure is not None else super().take(method)


KINDS = [each for each in vars(errors).values() if isclass(each) and issubclass(each, Failure) and each is not Failure]


def known(here: Machine) -> set[str]:
    return {entry.file_name for entry in here.index._many("parent IS NOT NULL", ())}


@pytest.mark.semantics("remote-failure")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("feed", list(ChangeFeed))
@on_trio
async def test_a_failure_of_any_call_removes_nothing(tmp_path: Path, feed: ChangeFeed, kind: type[Failure]) -> None:
    """Each call of the change path in turn meets each failure; only a directory that is said to be gone vanishes, and
    afterwards everything is seen."""
    service = new_service(feed)
    service.log.batch_size = 2
    service.faults = faults = NthFails()
    remote = Remote(service)
    planted(remote, 2)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.tree()
        for call in range(50):
            remote.write("d0/sub/file", f"turn {call}".encode())
            remote.rename("d1/sub/file", "d1/sub/aside")
            remote.rename("d1/sub/aside", "d1/sub/file")
            here.fs.space()
            before = known(here)
            await trio.sleep(RECHECK_S + 1)
            faults.skip, faults.failure = call, kind("injected")
            await here.syncer.poll_safely()
            through, faults.failure = faults.failure is not None, None
            kept = {"d0", "d1"} if kind is NotFound else before
            assert kept & known(here), "all is gone"
            assert kind is NotFound or before <= known(here)
            for _ in range(3):
                await trio.sleep(RECHECK_S + 1)
                await here.syncer.poll_safely()
            assert here.syncer.healthy
            assert await here.tree() == remote.tree()
            if through:
                break
        assert 2 < call < 40
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("use", ["open", "stat"])
@on_trio
async def test_a_file_in_use_is_seen_to_change_where_nothing_tells_of_it(tmp_path: Path, use: str) -> None:
    """Nobody lists its directory, and a walk through many others was the last that did."""
    service = new_service(ChangeFeed.NONE)
    remote = Remote(service)
    planted(remote, 50)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.tree()
        inode = here.index.child((await here.node("d3/sub")).id, "file").inode  # type: ignore[union-attr]
        for number in range(30):
            if use == "open":
                handle, _ = here.fs.files.open(inode, os.O_RDONLY)
                await here.fs.files.release(handle)
            else:
                here.fs.attributes(inode)
            content = b"new" * (number + 1)
            remote.write("d3/sub/file", content)
            await trio.sleep(POLL_S)
            await here.syncer.poll()
            assert here.fs.attributes(inode).size == len(content)
        nursery.cancel_scope.cancel()
