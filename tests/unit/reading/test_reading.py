"""Reading: right bytes from any place, each fetched once, checked as a whole, in bounded time and memory."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest
import trio
import trio.testing

from mountcloud.engine.fetching import DEADLINE
from mountcloud.engine.reading import Library
from mountcloud.model.arrival import Arrived
from mountcloud.model.errors import Corrupt, Outdated, Unavailable
from mountcloud.model.node import Node
from mountcloud.model.provider import Content
from mountcloud.model.span import StoredSpan
from mountcloud.policy.cells import CELL
from mountcloud.policy.readahead import FIRST
from tests.unit.reading.library import Place, place

MIB = 1 << 20


def run(main: Callable[[], Awaitable[None]]) -> None:
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.2))


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
def encrypted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=["tag", "md5"])
def check(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("size", [0, 1, CELL - 1, CELL, CELL + 1, 3 * MIB + 5])
def test_a_file_reads_as_it_is(tmp_path: Path, size: int, encrypted: bool) -> None:
    here = place(tmp_path, size, encrypted=encrypted)

    async def main() -> None:
        async with here.library() as library:
            assert await here.read_all(library) == here.content

    run(main)


def test_any_range_reads_as_it_is(tmp_path: Path, encrypted: bool) -> None:
    here = place(tmp_path, 5 * MIB + 77, encrypted=encrypted)
    dice = Random(3)

    async def main() -> None:
        async with here.library(most=2 * MIB) as library:
            reader = library.reader(here.node)
            for _ in range(200):
                size = dice.choice([1, 17, 4096, 100_000, MIB])
                offset = dice.randrange(here.node.size)
                assert await reader.read(offset, size) == here.content[offset : offset + size]
            await reader.aclose()

    run(main)


def test_nothing_is_fetched_twice(tmp_path: Path, encrypted: bool) -> None:
    here = place(tmp_path, 4 * MIB, encrypted=encrypted)

    async def main() -> None:
        async with here.library() as library:
            async with trio.open_nursery() as readers:
                for _ in range(5):
                    readers.start_soon(here.read_all, library)
            fetches = here.service.faults.calls["fetch"]
            assert 1 <= fetches <= 4
            await here.read_all(library)
            assert here.service.faults.calls["fetch"] == fetches
        async with here.library() as later:
            assert await here.read_all(later) == here.content
        assert here.service.faults.calls["fetch"] == fetches

    run(main)


def test_a_random_read_moves_little(tmp_path: Path) -> None:
    here = place(tmp_path, 8 * MIB, encrypted=True)

    async def main() -> None:
        async with here.library() as library:
            reader = library.reader(here.node)
            await reader.read(here.node.size - 4096, 4096)
            await trio.testing.wait_all_tasks_blocked()
            assert library.means.store.used <= 2 * CELL
            await reader.aclose()

    run(main)


def test_altered_bytes_are_noticed_and_never_shown_again(tmp_path: Path) -> None:
    here = place(tmp_path, 3 * MIB, encrypted=True)
    here.service.damage(here.node.id, 2 * MIB + 9)

    async def main() -> None:
        async with here.library() as library:
            reader = library.reader(here.node)
            await reader.read(0, MIB)
            for _ in range(2):
                with pytest.raises(Corrupt):
                    await here.read_all(library)
            await reader.aclose()
            assert library.means.store.used == 0
        async with here.library() as later:
            with pytest.raises(Corrupt):
                await here.read_all(later)

    run(main)


def test_bytes_that_made_way_and_come_back_altered_are_checked_anew(tmp_path: Path) -> None:
    here = place(tmp_path, MIB, encrypted=True)

    async def main() -> None:
        async with here.library() as library:
            reader = library.reader(here.node)
            await reader.read(0, 10)
            assert library.means.store.forget(here.node.ref)
            here.service.damage(here.node.id, 9)
            with pytest.raises(Corrupt):
                await here.read_all(library)
            await reader.aclose()

    run(main)


def test_no_copy_of_an_altered_file_ends_well(tmp_path: Path, check: str) -> None:
    """The read that makes the file whole waits for the verdict."""
    here = place(tmp_path, MIB // 2, encrypted=check == "tag", md5=check == "md5")
    here.service.damage(here.node.id, 9)

    async def main() -> None:
        async with here.library() as library:
            with pytest.raises(Corrupt):
                await here.read_all(library)
        assert here.altered == [here.node]

    run(main)


def test_a_hash_is_taken_in_order_though_the_cells_are_not(tmp_path: Path) -> None:
    here = place(tmp_path, MIB, encrypted=False, md5=True)

    async def main() -> None:
        async with here.library() as library:
            reader = library.reader(here.node)
            for cell in (4, 1, 2, 0, 3, 7, 6, 5):
                assert await reader.read(cell * CELL, CELL) == here.content[cell * CELL : (cell + 1) * CELL]
            await reader.aclose()
        store = here.store()
        assert store.version(here.node.ref, here.node.size).verdict is True
        store.close()

    run(main)


def test_a_check_goes_on_after_a_restart(tmp_path: Path) -> None:
    here = place(tmp_path, 3 * MIB, encrypted=True)
    here.service.damage(here.node.id, 5)

    async def main() -> None:
        async with here.library() as library:
            reader = library.reader(here.node)
            await reader.read(2 * MIB, MIB)
            await reader.aclose()
            await trio.testing.wait_all_tasks_blocked(0.1)
        async with here.library() as later:
            reader = later.reader(here.node)
            with pytest.raises(Corrupt):
                await reader.read(0, 2 * MIB)
            await reader.aclose()

    run(main)


def test_a_good_verdict_is_remembered(tmp_path: Path) -> None:
    here = place(tmp_path, MIB, encrypted=True)

    async def main() -> None:
        async with here.library() as library:
            await here.read_all(library)
            await trio.testing.wait_all_tasks_blocked(0.1)
        store = here.store()
        assert store.version(here.node.ref, here.node.size).verdict is True
        store.close()

    run(main)


def test_strict_shows_no_byte_of_an_altered_file(tmp_path: Path) -> None:
    here = place(tmp_path, 2 * MIB, encrypted=True)
    here.service.damage(here.node.id, 2 * MIB - 1)

    async def main() -> None:
        async with here.library(strict=True) as library:
            reader = library.reader(here.node)
            with pytest.raises(Corrupt):
                await reader.read(0, 1)
            await reader.aclose()

    run(main)


def test_strict_shows_a_good_file(tmp_path: Path, encrypted: bool) -> None:
    here = place(tmp_path, 2 * MIB + 3, encrypted=encrypted)

    async def main() -> None:
        async with here.library(strict=True) as library:
            assert await here.read_all(library) == here.content

    run(main)


@pytest.mark.semantics("read-deadline")
def test_a_read_without_progress_ends(tmp_path: Path) -> None:
    here = place(tmp_path, MIB, encrypted=False)

    async def main() -> None:
        here.service.faults.hold_next("fetch")
        async with here.library() as library:
            reader = library.reader(here.node)
            began = trio.current_time()
            with pytest.raises(Unavailable):
                await reader.read(0, 10)
            assert trio.current_time() - began == pytest.approx(DEADLINE, abs=1)
            await reader.aclose()

    run(main)


class Dripping:
    """Content of which a cell comes every ``pause`` seconds, and then perhaps trouble."""

    def __init__(self, inner: Content, pause: float, fails_after: int = 1 << 62) -> None:
        self._inner, self._pause, self._left = inner, pause, fails_after
        self.cipher, self.stored_size = inner.cipher, inner.stored_size
        self.asked: list[StoredSpan] = []

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        assert arrived is not None
        self.asked.append(span)
        for start in range(span.start, span.end, CELL):
            await trio.sleep(self._pause)
            if self._left == 0:
                raise Unavailable("trouble")
            self._left -= 1
            piece = await self._inner.fetch(StoredSpan(start, min(start + CELL, span.end)))
            arrived(piece[:1000])
            arrived(piece[1000:])
        return b""

    async def aclose(self) -> None:
        await self._inner.aclose()


def drip(library: Library, pause: float, fails_after: int = 1 << 62) -> list[Dripping]:
    """Let all content of this library drip; gives what is opened."""
    provider, opened = library.means.provider, list[Dripping]()
    whole = provider.open

    async def slowly(node: Node) -> Content:
        opened.append(Dripping(await whole(node), pause, fails_after))
        return opened[-1]

    provider.open = slowly  # type: ignore[method-assign] # this one object is for this test alone
    return opened


def test_a_program_gets_a_cell_as_soon_as_it_is_here(tmp_path: Path, encrypted: bool) -> None:
    here = place(tmp_path, 3 * CELL, encrypted=encrypted)

    async def main() -> None:
        async with here.library() as library:
            drip(library, 1.0)
            reader, began = library.reader(here.node), trio.current_time()
            assert await reader.read(0, 1000) == here.content[:1000]
            assert trio.current_time() - began < 2
            await reader.aclose()

    run(main)


def test_a_slow_line_is_no_silence(tmp_path: Path) -> None:
    """The last cell of the first request comes long after the deadline, but something comes all the time."""
    here = place(tmp_path, 4 * CELL, encrypted=True)

    async def main() -> None:
        async with here.library() as library:
            drip(library, DEADLINE * 0.9)
            assert await here.read_all(library) == here.content
        assert library.means.line.rate is not None

    run(main)


def test_what_came_before_a_failure_is_kept(tmp_path: Path) -> None:
    here = place(tmp_path, MIB, encrypted=True)

    async def main() -> None:
        async with here.library() as library:
            opened = drip(library, 0.1, fails_after=2)
            with pytest.raises(Unavailable):
                await here.read_all(library)
            assert library.means.store.used == 2 * CELL
            assert await library.reader(here.node).read(0, 2 * CELL) == here.content[: 2 * CELL]
            assert len(opened) == 1

    run(main)


def test_what_a_program_waits_for_is_not_queued_behind_what_is_ahead(tmp_path: Path) -> None:
    here = place(tmp_path, 40 * MIB, encrypted=False)

    async def main() -> None:
        async with here.library(parallel=2) as library:
            opened = drip(library, 1.0)
            first = library.reader(here.node)
            for offset in range(0, FIRST, CELL):
                await first.read(offset, CELL)
            await trio.sleep(1)
            began = trio.current_time()
            await library.reader(here.node).read(39 * MIB, 10)
            assert trio.current_time() - began < 2
            assert [span.length for span in opened[0].asked] == [FIRST, MIB, CELL]
            await trio.sleep(8)
            assert [span.length for span in opened[0].asked] == [FIRST, MIB, CELL, MIB]

    run(main)


def test_a_failed_download_fails_the_read_and_the_next_one_tries_again(tmp_path: Path) -> None:
    here = place(tmp_path, MIB, encrypted=False)
    here.service.faults.fail_next("fetch", Unavailable("trouble"))

    async def main() -> None:
        async with here.library() as library:
            reader = library.reader(here.node)
            with pytest.raises(Unavailable):
                await reader.read(0, 10)
            assert await reader.read(0, 10) == here.content[:10]
            await reader.aclose()

    run(main)


def test_a_replaced_version_is_outdated_and_told(tmp_path: Path) -> None:
    here = place(tmp_path, 20 * MIB, encrypted=False)

    async def main() -> None:
        async with here.library() as library:
            reader = library.reader(here.node)
            await reader.read(0, 10)
            here.service.replace_content(here.node.id, b"other", 0)
            with pytest.raises(Outdated):
                await reader.read(15 * MIB, 10)
            await reader.aclose()
        assert here.outdated == [here.node]

    run(main)


def test_many_readers_share_one_budget(tmp_path: Path) -> None:
    here = place(tmp_path, 4 * MIB, encrypted=False)
    budget = 2 * MIB

    async def main() -> None:
        async with here.library(budget=budget) as library:
            lowest = budget

            async def watch() -> None:
                nonlocal lowest
                while True:
                    lowest = min(lowest, library.means.budget.left)
                    await trio.lowlevel.checkpoint()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch)
                async with trio.open_nursery() as readers:
                    for _ in range(20):
                        readers.start_soon(here.read_all, library)
                nursery.cancel_scope.cancel()
            assert 0 <= lowest < budget
            assert library.means.budget.left == budget

    trio.run(main)


def test_memory_is_kept_for_the_next_request_until_the_last_reader_goes(tmp_path: Path) -> None:
    here = place(tmp_path, 3 * MIB, encrypted=False)

    async def main() -> None:
        async with here.library() as library:
            idle, reader = library.reader(here.node), library.reader(here.node)
            await reader.read(0, here.node.size)
            await trio.testing.wait_all_tasks_blocked()
            assert 0 < library.means.buffers.held <= 16 * MIB
            await reader.aclose()
            assert library.means.buffers.held > 0
            await idle.aclose()
            assert library.means.buffers.held == 0

    run(main)


def test_a_full_disk_does_not_stop_reading(tmp_path: Path, encrypted: bool) -> None:
    here: Place = place(tmp_path, 3 * MIB, encrypted=encrypted)

    async def main() -> None:
        async with here.library(most=0) as library:
            assert await here.read_all(library) == here.content
            assert library.means.store.used == 0

    run(main)
