"""The disk cache: sparse, bounded before anything is added, true after restarts and power cuts."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from mountcloud.model.errors import Corrupt
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.span import StoredSpan
from mountcloud.policy.cells import CELL
from mountcloud.store.chunk_store import EXTENT, ChunkStore, Limits

ROOMY = 1 << 40


def store(directory: Path, most: int = ROOMY, keep_free: int = 0, free: int = ROOMY, boot: str = "b") -> ChunkStore:
    return ChunkStore(directory, Limits(most, keep_free), boot, lambda: free)


def ref(name: str) -> Ref:
    return Ref(NodeId(name), Version("1"))


def cell(number: int) -> bytes:
    return bytes([number % 256]) * CELL


def files(directory: Path) -> list[Path]:
    """Those with cached bytes."""
    return [path for path in directory.rglob("*") if path.is_file() and "db" not in path.name]


def data_in(path: Path) -> int:
    """Bytes of a sparse file that are no hole. Some disks tell late how many blocks a file has."""
    found, end, size = 0, 0, path.stat().st_size
    with path.open("rb") as file:
        while end < size:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError as error:
                assert error.errno == errno.ENXIO, "there is no more data"  # noqa: PT017 - the other outcome is data
                break
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            found += end - start
    return found


def test_what_was_written_is_here_after_a_restart(tmp_path: Path) -> None:
    first = store(tmp_path)
    cached = first.version(ref("a"), 10 * CELL)
    assert first.write(cached, range(3, 5), cell(3) + cell(4))
    first.release(cached)
    first.close()
    second = store(tmp_path)
    cached = second.version(ref("a"), 10 * CELL)
    assert second.missing(cached, StoredSpan(0, 10 * CELL)) == [0, 1, 2, 5, 6, 7, 8, 9]
    assert second.read(cached, StoredSpan(4 * CELL - 1, 4 * CELL + 1)) == b"\x03\x04"
    assert second.used == 2 * CELL
    second.release(cached)
    second.close()


def test_another_version_is_another_file(tmp_path: Path) -> None:
    chunks = store(tmp_path)
    old = chunks.version(ref("a"), CELL)
    chunks.write(old, range(1), cell(1))
    new = chunks.version(Ref(NodeId("a"), Version("2")), CELL)
    assert chunks.missing(new, StoredSpan(0, CELL)) == [0]
    chunks.close()


def test_the_limit_holds_at_every_moment_and_the_oldest_goes(tmp_path: Path) -> None:
    most = 4 * EXTENT * CELL
    chunks = store(tmp_path, most)
    for number in range(8):
        cached = chunks.version(ref(str(number)), EXTENT * CELL)
        assert chunks.write(cached, range(EXTENT), cell(number) * EXTENT)
        assert chunks.used <= most
        chunks.release(cached)
    gone = chunks.version(ref("0"), EXTENT * CELL)
    kept = chunks.version(ref("7"), EXTENT * CELL)
    assert len(chunks.missing(gone, StoredSpan(0, EXTENT * CELL))) == EXTENT
    assert chunks.missing(kept, StoredSpan(0, EXTENT * CELL)) == []
    assert sum(map(data_in, files(tmp_path))) <= most
    chunks.close()


def test_what_is_read_stays_longer(tmp_path: Path) -> None:
    chunks = store(tmp_path, 2 * EXTENT * CELL)
    for name in "ab":
        cached = chunks.version(ref(name), EXTENT * CELL)
        chunks.write(cached, range(EXTENT), cell(1) * EXTENT)
        chunks.release(cached)
    first = chunks.version(ref("a"), EXTENT * CELL)
    chunks.read(first, StoredSpan(0, 1))
    third = chunks.version(ref("c"), EXTENT * CELL)
    chunks.write(third, range(EXTENT), cell(1) * EXTENT)
    assert chunks.missing(first, StoredSpan(0, CELL)) == []
    chunks.close()


def test_what_was_used_last_stays_longer_after_a_restart_too(tmp_path: Path) -> None:
    most = 3 * EXTENT * CELL
    chunks = store(tmp_path, most)
    for name in "cab":
        cached = chunks.version(ref(name), EXTENT * CELL)
        chunks.write(cached, range(EXTENT), cell(1) * EXTENT)
        chunks.release(cached)
    chunks.close()
    later = store(tmp_path, most)
    new = later.version(ref("new"), EXTENT * CELL)
    later.write(new, range(EXTENT), cell(2) * EXTENT)
    assert {name: later.here(ref(name)) // CELL for name in "abc"} == {"a": EXTENT, "b": EXTENT, "c": 0}
    later.release(new)
    later.close()


def test_a_file_larger_than_the_limit_gives_up_its_own_beginning(tmp_path: Path) -> None:
    chunks = store(tmp_path, 2 * EXTENT * CELL)
    cached = chunks.version(ref("a"), 4 * EXTENT * CELL)
    for extent in range(4):
        cells = range(extent * EXTENT, (extent + 1) * EXTENT)
        assert chunks.write(cached, cells, cell(extent) * EXTENT)
    assert chunks.missing(cached, StoredSpan(0, CELL)) == [0]
    assert chunks.read(cached, StoredSpan(3 * EXTENT * CELL, 3 * EXTENT * CELL + 1)) == b"\x03"
    chunks.close()


@pytest.mark.parametrize(("most", "keep_free"), [(0, 0), (ROOMY, ROOMY)])
def test_without_room_nothing_is_kept(tmp_path: Path, most: int, keep_free: int) -> None:
    chunks = store(tmp_path, most, keep_free)
    cached = chunks.version(ref("a"), CELL)
    assert not chunks.write(cached, range(1), cell(1))
    assert chunks.missing(cached, StoredSpan(0, CELL)) == [0]
    chunks.close()


@pytest.mark.parametrize(("boot", "left"), [("b", 1), ("another", 0)])
def test_a_power_cut_drops_what_may_not_have_reached_the_disk(tmp_path: Path, boot: str, left: int) -> None:
    chunks = store(tmp_path)
    cached = chunks.version(ref("a"), CELL)
    chunks.write(cached, range(1), cell(1))
    chunks.save()
    chunks._db.close()
    later = store(tmp_path, boot=boot)
    assert later.used == left * CELL
    later.close()


def test_after_a_kill_nothing_is_claimed_that_was_given_back(tmp_path: Path) -> None:
    chunks = store(tmp_path, EXTENT * CELL)
    old = chunks.version(ref("a"), EXTENT * CELL)
    chunks.write(old, range(EXTENT), cell(1) * EXTENT)
    chunks.save()
    new = chunks.version(ref("b"), EXTENT * CELL)
    chunks.write(new, range(1), cell(2))
    chunks._db.close()
    later = store(tmp_path)
    assert later.missing(later.version(ref("a"), EXTENT * CELL), StoredSpan(0, CELL)) == [0]
    later.close()


@pytest.mark.parametrize("left", [None, 0, 2 * CELL - 1])
def test_a_file_that_somebody_else_took_is_fetched_again_and_never_zeros(tmp_path: Path, left: int | None) -> None:
    first = store(tmp_path)
    cached = first.version(ref("a"), 3 * CELL)
    first.write(cached, range(2), cell(1) + cell(2))
    cached.verdict = True
    first.release(cached)
    first.close()
    [path] = [each for each in tmp_path.rglob("*") if each.is_file() and len(each.name) == 40]
    path.unlink() if left is None else os.truncate(path, left)
    second = store(tmp_path)
    assert second.here(ref("a")) == 0
    cached = second.version(ref("a"), 3 * CELL)
    assert (second.missing(cached, StoredSpan(0, 3 * CELL)), cached.verdict, second.used) == ([0, 1, 2], None, 0)
    second.write(cached, range(2, 3), cell(3))
    assert second.missing(cached, StoredSpan(0, 3 * CELL)) == [0, 1]
    second.release(cached)
    second.close()
    third = store(tmp_path)
    assert (third.here(ref("a")), third.used) == (CELL, CELL)
    third.close()


def test_what_somebody_else_took_makes_way_without_harm(tmp_path: Path) -> None:
    first = store(tmp_path)
    fill(first, "a", extents=2)
    first.close()
    [path] = [each for each in tmp_path.rglob("*") if each.is_file() and len(each.name) == 40]
    path.unlink()
    second = store(tmp_path, most=2 * EXTENT * CELL)
    fill(second, "b", extents=2)
    assert second.used == 2 * EXTENT * CELL
    second.close()


def test_a_broken_list_is_begun_again(tmp_path: Path) -> None:
    store(tmp_path).close()
    (tmp_path / "chunks.db").write_bytes(b"no database at all" * 100)
    chunks = store(tmp_path)
    assert chunks.used == 0
    chunks.close()


def test_eviction_takes_the_check_back(tmp_path: Path) -> None:
    chunks = store(tmp_path, EXTENT * CELL)
    cached = chunks.version(ref("a"), EXTENT * CELL)
    chunks.write(cached, range(EXTENT), cell(1) * EXTENT)
    cached.check_state = b"so far"
    chunks.write(chunks.version(ref("b"), CELL), range(1), cell(1))
    assert (cached.check_state, cached.evictions) == (b"", 1)
    chunks.close()


def fill(chunks: ChunkStore, name: str, extents: int = 1) -> None:
    cached = chunks.version(ref(name), extents * EXTENT * CELL)
    for extent in range(extents):
        chunks.write(cached, range(extent * EXTENT, (extent + 1) * EXTENT), cell(1) * EXTENT)
    chunks.release(cached)


def test_what_is_pinned_stays_and_the_limit_holds(tmp_path: Path) -> None:
    chunks = store(tmp_path, 3 * EXTENT * CELL)
    fill(chunks, "a")
    chunks.pin([ref("a"), ref("b")], release_others=True)
    for name in "bcdef":
        fill(chunks, name)
    assert [chunks.here(ref(name)) // CELL for name in "abcdef"] == [EXTENT, EXTENT, 0, 0, 0, EXTENT]
    fill(chunks, "g", 2)
    assert chunks.used <= 3 * EXTENT * CELL
    chunks.close()


def test_a_pin_survives_a_restart_and_may_be_released(tmp_path: Path) -> None:
    chunks = store(tmp_path, 2 * EXTENT * CELL)
    chunks.pin([ref("a")], release_others=True)
    fill(chunks, "a")
    chunks.close()
    chunks = store(tmp_path, 2 * EXTENT * CELL)
    fill(chunks, "b", 2)
    assert chunks.here(ref("a")) == EXTENT * CELL
    chunks.pin([], release_others=False)
    fill(chunks, "c", 2)
    assert chunks.here(ref("a")) == EXTENT * CELL
    chunks.pin([], release_others=True)
    fill(chunks, "d", 2)
    assert chunks.here(ref("a")) == 0
    assert chunks.used == 2 * EXTENT * CELL
    chunks.close()


def test_where_everything_is_pinned_there_is_no_room(tmp_path: Path) -> None:
    chunks = store(tmp_path, EXTENT * CELL)
    chunks.pin([ref("a")], release_others=True)
    fill(chunks, "a")
    other = chunks.version(ref("b"), CELL)
    assert not chunks.write(other, range(1), cell(1))
    assert chunks.can_hold(EXTENT * CELL, 0)
    assert not chunks.can_hold(EXTENT * CELL + 1, 0)
    chunks.close()


def test_what_is_given_back_leaves_the_disk(tmp_path: Path) -> None:
    chunks = store(tmp_path)
    fill(chunks, "a", 3)
    open_one = chunks.version(ref("a"), 3 * EXTENT * CELL)
    assert chunks.forget(ref("a")) == 3 * EXTENT * CELL
    assert (chunks.forget(ref("a")), chunks.forget(ref("b")), chunks.used) == (0, 0, 0)
    assert len(chunks.missing(open_one, StoredSpan(0, CELL))) == 1
    chunks.release(open_one)
    assert files(tmp_path) == []
    chunks.close()


def test_the_quarantined_are_known_until_they_are_forgotten(tmp_path: Path) -> None:
    chunks = store(tmp_path)
    cached = chunks.version(ref("a"), CELL)
    chunks.drop(cached, quarantine=True)
    chunks.release(cached)
    assert chunks.quarantined == [ref("a")]
    chunks.forget(ref("a"))
    assert chunks.quarantined == []
    chunks.close()


def test_what_a_thread_wrote_is_here_once_it_is_admitted(tmp_path: Path) -> None:
    chunks = store(tmp_path)
    cached = chunks.version(ref("a"), 4 * CELL)
    shelf = chunks.reserve(cached, range(1, 3))
    assert shelf is not None
    assert shelf.write(range(1, 2), memoryview(cell(1)))
    assert chunks.missing(cached, StoredSpan(0, 4 * CELL)) == [0, 1, 2, 3]
    chunks.admit(cached, shelf, range(1, 2))
    chunks.unreserve(cached, shelf)
    assert chunks.missing(cached, StoredSpan(0, 4 * CELL)) == [0, 2, 3]
    assert chunks.read(cached, StoredSpan(CELL, 2 * CELL)) == cell(1)
    assert chunks.used == CELL
    chunks.release(cached)
    chunks.close()


def test_what_is_on_its_way_counts_against_the_limit(tmp_path: Path) -> None:
    chunks = store(tmp_path, most=10 * CELL)
    cached = chunks.version(ref("a"), 64 * CELL)
    first = chunks.reserve(cached, range(6))
    assert first is not None
    assert chunks.reserve(cached, range(6, 11)) is None
    assert not chunks.write(cached, range(6, 11), cell(0) * 5)
    second = chunks.reserve(cached, range(6, 10))
    assert second is not None
    for shelf in (first, second):
        chunks.admit(cached, shelf, shelf.cells)
        chunks.unreserve(cached, shelf)
    assert chunks.used == 10 * CELL
    chunks.release(cached)
    chunks.close()


def test_what_is_just_being_written_is_not_evicted(tmp_path: Path) -> None:
    """A hole that is made while a thread writes would be read as zeros."""
    chunks = store(tmp_path, most=2 * EXTENT * CELL)
    cached = chunks.version(ref("a"), EXTENT * CELL)
    assert chunks.write(cached, range(1), cell(7))
    shelf = chunks.reserve(cached, range(1, 3))
    assert shelf is not None
    other = chunks.version(ref("b"), 2 * EXTENT * CELL)
    assert not chunks.write(other, range(2 * EXTENT), cell(0) * 2 * EXTENT)
    assert chunks.missing(cached, StoredSpan(0, CELL)) == []
    chunks.unreserve(cached, shelf)
    assert chunks.write(other, range(2 * EXTENT), cell(0) * 2 * EXTENT)
    assert chunks.missing(cached, StoredSpan(0, CELL)) == [0]
    for each in (cached, other):
        chunks.release(each)
    chunks.close()


def test_bytes_that_are_given_back_while_a_thread_writes_are_never_zeros(tmp_path: Path) -> None:
    chunks = store(tmp_path)
    cached = chunks.version(ref("a"), 4 * CELL)
    shelf = chunks.reserve(cached, range(2))
    assert shelf is not None
    assert shelf.write(range(1), memoryview(cell(5)))
    chunks.admit(cached, shelf, range(1))
    assert shelf.write(range(1, 2), memoryview(cell(6)))
    chunks.forget(ref("a"))
    chunks.admit(cached, shelf, range(1, 2))
    chunks.unreserve(cached, shelf)
    assert chunks.missing(cached, StoredSpan(0, 4 * CELL)) == [0, 2, 3]
    assert chunks.read(cached, StoredSpan(CELL, 2 * CELL)) == cell(6)
    chunks.release(cached)
    chunks.close()


def test_what_was_written_in_vain_leaves_the_disk(tmp_path: Path) -> None:
    chunks = store(tmp_path)
    cached = chunks.version(ref("a"), 8 * EXTENT * CELL)
    assert chunks.write(cached, range(EXTENT), cell(1) * EXTENT)
    shelf = chunks.reserve(cached, range(EXTENT, 4 * EXTENT))
    assert shelf is not None
    assert shelf.write(shelf.cells, memoryview(cell(2) * 3 * EXTENT))
    chunks.unreserve(cached, shelf)
    [file] = files(tmp_path)
    assert data_in(file) == chunks.used == EXTENT * CELL
    chunks.release(cached)
    chunks.close()


def test_a_thread_does_not_take_a_hole_for_bytes(tmp_path: Path) -> None:
    chunks = store(tmp_path)
    cached, room = chunks.version(ref("a"), 2 * CELL), memoryview(bytearray(CELL + 1))
    assert chunks.write(cached, range(2), cell(1) + cell(2))
    peek = chunks.peeker(cached, StoredSpan(CELL - 1, 2 * CELL))
    assert peek(room)
    assert bytes(room) == b"\1" + cell(2)
    [file] = files(tmp_path)
    os.truncate(file, 2 * CELL - 1)
    with pytest.raises(Corrupt, match="shorter"):
        peek(room)
    chunks.forget(ref("a"))
    assert not peek(room)
    chunks.release(cached)
    chunks.close()


@pytest.mark.parametrize(("free", "most"), [(1 << 40, 10 << 30), (10 << 30, 2 << 30), (0, 0)])
def test_the_usual_limits_leave_room_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, most: int
) -> None:
    """10 GiB or a fifth of what is free, whichever is less; a tenth of the disk stays free."""
    disk = SimpleNamespace(total=2 << 40, used=(2 << 40) - free, free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda _: disk)
    assert Limits.usual(tmp_path) == Limits(most, (2 << 40) // 10)
