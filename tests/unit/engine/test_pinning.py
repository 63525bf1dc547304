"""What is pinned is here, whole and fresh, and stays."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from mountcloud.engine.pinning import Pinner
from mountcloud.model.errors import Busy, InvalidArgument, OutOfSpace, Unavailable
from mountcloud.model.ids import ROOT_INODE, NodeId, Ref
from mountcloud.policy.cells import CELL, whole_cells
from mountcloud.providers.memory import MemoryProvider
from mountcloud.store.chunk_store import Limits
from mountcloud.store.index import Entry
from tests.unit.engine.harness import POLL_S, Machine, Remote, on_trio
from tests.unit.engine.test_feeds import disturb

INTERVAL_S = 30.0
LARGE = b"large" * CELL


class Site:
    """A machine that pins."""

    def __init__(self, machine: Machine, remote: Remote) -> None:
        self.machine, self.remote = machine, remote
        self.pinner = Pinner(
            machine.index, machine.attributes, machine.syncer, machine.library, machine.chunks, INTERVAL_S
        )

    async def pin(self, path: str) -> list[str]:
        return sorted(node.name for node in await self.pinner.pin(await self.machine.core.at(path)))

    async def unpin(self, path: str) -> None:
        self.pinner.unpin(await self.machine.core.at(path))

    async def evict(self, path: str) -> int:
        return self.pinner.evict(await self.machine.core.at(path))

    async def here(self, path: str) -> int:
        return self.machine.chunks.here((await self.machine.core.at(path)).node.ref)

    @property
    def fetches(self) -> int:
        return self.remote.service.faults.calls["fetch"]

    def cut_off(self, failing: bool) -> None:
        for _ in range(50 if failing else 0):
            self.remote.service.faults.fail_next("fetch", Unavailable("no network"))


@asynccontextmanager
async def site(tmp_path: Path, remote: Remote) -> AsyncIterator[Site]:
    async with trio.open_nursery() as nursery:
        machine = await Machine(tmp_path, MemoryProvider(remote.service), nursery).boot()
        found = Site(machine, remote)
        machine.services.start_soon(found.pinner.run)
        machine.services.start_soon(machine.syncer.run)
        yield found
        machine.chunks.save()
        await machine.kill()
        nursery.cancel_scope.cancel()


@pytest.fixture
def files(remote: Remote) -> Remote:
    """``/d/sub/a``, ``/d/b`` and ``/c``."""
    remote.mkdir("d")
    remote.mkdir("d/sub")
    remote.write("d/sub/a", LARGE)
    remote.write("d/b", b"b")
    remote.write("c", b"c")
    return remote


@on_trio
async def test_a_directory_comes_with_all_that_is_below_it(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        assert await here.pin("d") == ["a", "b"]
        await trio.sleep(1)
        assert [await here.here(path) for path in ("d/sub/a", "d/b", "c")] == [whole_cells(len(LARGE)), CELL, 0]
        assert (here.pinner.missing, here.pinner.trouble) == (0, "")
        fetches = here.fetches
        assert await here.machine.read("d/sub/a") == LARGE
        assert here.fetches == fetches


@on_trio
async def test_what_changes_or_comes_is_fetched_and_the_old_version_may_go(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        await here.pin("d")
        await trio.sleep(1)
        old = (await here.machine.core.at("d/sub/a")).node.ref
        files.write("d/sub/a", b"new" * CELL)
        files.write("d/sub/fresh", b"fresh")
        await trio.sleep(2 * INTERVAL_S + 2 * POLL_S)
        assert [await here.here(path) for path in ("d/sub/a", "d/sub/fresh")] == [3 * CELL, CELL]
        here.machine.chunks._limits = Limits(here.machine.chunks.used - CELL, 0)
        await here.machine.read("c")
        assert (here.machine.chunks.here(old), await here.here("d/sub/a")) == (0, 3 * CELL)


@on_trio
async def test_it_stays_while_others_make_way_until_it_is_unpinned(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        await here.pin("d/sub/a")
        await trio.sleep(1)
        here.machine.chunks._limits = Limits(len(LARGE), 0)
        assert await here.machine.read("c") == b"c"
        assert await here.here("d/sub/a") == len(LARGE)
        await here.unpin("d/sub/a")
        await trio.sleep(1)
        await here.machine.read("d/b")
        assert await here.here("d/sub/a") == 0


@on_trio
async def test_what_cannot_fit_is_refused_at_once(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        here.machine.chunks._limits = Limits(len(LARGE), 0)
        with pytest.raises(OutOfSpace, match="disk_mib"):
            await here.pin("d")
        await here.pin("d/sub/a")
        with pytest.raises(OutOfSpace):
            await here.pin("c")
        assert here.pinner.paths == ["d/sub/a"]


@on_trio
async def test_what_grew_beyond_the_cache_is_told(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        await here.pin("d/b")
        await trio.sleep(1)
        here.machine.chunks._limits = Limits(2 * CELL, 0)
        files.write("d/b", LARGE)
        await trio.sleep(2 * INTERVAL_S)
        assert "no room" in here.pinner.trouble
        assert here.pinner.missing == 1


@on_trio
async def test_trouble_is_told_and_passes(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        here.cut_off(failing=True)
        await here.pin("d")
        await trio.sleep(1)
        assert "no network" in here.pinner.trouble
        here.remote.service.faults._waiting.clear()
        await trio.sleep(INTERVAL_S + 1)
        assert (here.pinner.trouble, here.pinner.missing) == ("", 0)
        assert await here.here("d/sub/a") == len(LARGE)


@on_trio
async def test_a_restart_keeps_the_wish(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        await here.pin("d")
        await trio.sleep(1)
    files.write("d/b", b"b" * 3 * CELL)
    async with site(tmp_path, files) as here:
        await trio.sleep(2 * INTERVAL_S)
        assert [await here.here(path) for path in ("d/sub/a", "d/b")] == [len(LARGE), 3 * CELL]


@on_trio
async def test_a_fresh_index_finds_what_was_pinned(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        await here.pin("d/sub")
        await here.pin("c")
    for path in [*tmp_path.glob("index.db*"), *tmp_path.glob("chunks/*.db*")]:
        path.unlink()
    files.rename("c", "elsewhere")
    async with site(tmp_path, files) as here:
        assert here.pinner.paths == ["c", "d/sub"]
        await trio.sleep(2 * INTERVAL_S)
        assert await here.here("d/sub/a") == len(LARGE)
        assert here.pinner.trouble == ""
        await here.machine.tree()
        assert here.pinner.paths == ["elsewhere", "d/sub"]


@on_trio
async def test_only_what_was_pinned_can_be_unpinned(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        await here.pin("d")
        with pytest.raises(InvalidArgument, match="'d' above"):
            await here.unpin("d/sub/a")
        with pytest.raises(InvalidArgument):
            await here.unpin("c")
        await here.unpin("d")


@on_trio
async def test_evicting_gives_back_what_is_not_pinned(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        for path in ("d/sub/a", "d/b", "c"):
            await here.machine.read(path)
        await here.pin("d/sub")
        await trio.sleep(1)
        with pytest.raises(Busy, match="'sub' is pinned"):
            await here.evict("d/sub/a")
        assert await here.evict("") == 2 * CELL
        assert [await here.here(path) for path in ("d/sub/a", "d/b", "c")] == [len(LARGE), 0, 0]
        assert await here.machine.read("d/b") == b"b"


@on_trio
async def test_what_is_written_and_not_sent_is_no_cache(tmp_path: Path, files: Remote) -> None:
    async with site(tmp_path, files) as here:
        for _ in range(20):
            here.remote.service.faults.fail_next("upload", Unavailable("no network"))
        await here.machine.write("d/b", b"mine")
        await here.machine.write("mine", b"mine too")
        with pytest.raises(Busy, match="not on the service"):
            await here.pin("mine")
        await here.evict("")
        assert await here.machine.read("d/b") == b"mine"
        assert await here.machine.read("mine") == b"mine too"


def all_files(machine: Machine) -> set[Ref]:
    """What a walk through the whole index finds."""
    entries = [machine.index.by_id(node) for node in machine.index.below(machine.index.require(ROOT_INODE).node.id)]
    return {each.node.ref for each in entries if each is not None and not each.node.is_directory}


@on_trio
async def test_a_look_reads_only_directories_in_which_something_changed(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        remote.mkdir(f"d{number}")
        remote.write(f"d{number}/file", b"1")
    async with site(tmp_path, remote) as here:
        await here.pin("")
        await trio.sleep(1)
        index, read = here.machine.index, list[NodeId]()
        children = index.children

        def counted(node: NodeId) -> list[Entry]:
            read.append(node)
            return children(node)

        monkeypatch.setattr(index, "children", counted)
        await here.pinner._look()
        assert read == []
        remote.write("d7/file", b"other")
        await here.machine.syncer.poll()
        read.clear()
        wanted = await here.pinner._wanted()
        # The change rose through the version of the directory, which is a node of the root.
        assert set(read) == {remote.node("d7").id, remote.node("").id}
        assert {node.ref for node in wanted} == all_files(here.machine)


@pytest.mark.parametrize("seed", range(4))
@on_trio
async def test_what_is_remembered_of_directories_is_true(tmp_path: Path, remote: Remote, seed: int) -> None:
    rng = random.Random(seed)
    async with site(tmp_path, remote) as here:
        await here.pin("")
        for _ in range(40):
            for _ in range(rng.randrange(4)):
                disturb(remote, rng)
            if rng.random() < 0.3:
                await here.machine.write(rng.choice(("x", "y")), rng.randbytes(2))
                await here.machine.drain()
            await here.machine.syncer.poll()
            assert {node.ref for node in await here.pinner._wanted()} == all_files(here.machine)
