"""Cells on their way: however the bytes come, each lands once, whole and right. And the memory that carries them."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import trio
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.engine.buffers import Buffer, Buffers
from mountcloud.engine.flight import Flight
from mountcloud.policy.cells import CELL

MIB = 1 << 20


class Disk:
    """Writes what a thread gives it, unless it is full, and keeps what landed."""

    def __init__(self, full: frozenset[int]) -> None:
        self.full = full
        self.written: dict[int, bytes] = {}
        self.landed: dict[int, bytes] = {}

    @contextmanager
    def prepared(self, cells: range) -> Iterator[None]:
        yield

    def write(self, cells: range, data: memoryview) -> bool:
        if self.full.intersection(cells):
            return False
        self.written |= pieces(cells, bytes(data))
        return True

    def land(self, cells: range, data: memoryview, *, written: bool) -> None:
        assert not self.landed.keys() & set(cells)
        self.landed |= {cell: self.written[cell] for cell in cells} if written else pieces(cells, bytes(data))


def pieces(cells: range, data: bytes) -> dict[int, bytes]:
    return {cell: data[place * CELL : (place + 1) * CELL] for place, cell in enumerate(cells)}


def come(flight: Flight, data: bytes, *, straight: bool, together: bool) -> None:
    """The next bytes: through the room, in two parts that are told together or each, or as a piece from elsewhere."""
    if not straight:
        flight.take(data)
        return
    room, half = flight.room(), len(data) // 2
    for start, end in ((0, half), (half, len(data))):
        room[start:end] = data[start:end]
        flight.settle(end - start)
        if not together:
            flight.take(room[start:end])
    if together:
        flight.take(room[: len(data)])


STEPS = st.integers(1, 6).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.integers(0, CELL - 1),
        st.lists(st.tuples(st.integers(1, count * CELL), st.booleans(), st.booleans()), max_size=8),
        st.frozensets(st.integers(3, 3 + count), max_size=2),
    )
)


@given(STEPS)
def test_each_cell_lands_once_and_right(drawn: tuple[int, int, list[tuple[int, bool, bool]], frozenset[int]]) -> None:
    count, short, steps, full = drawn
    data = Random(count).randbytes(count * CELL - short)

    async def main() -> None:
        disk = Disk(full)
        flight = Flight(range(3, 3 + count), 3 * CELL + len(data), disk)
        flight.begin(Buffer(-1, count * CELL))
        told = 0
        for size, straight, together in [*steps, (len(data), True, False)]:
            piece = data[told : told + size]
            come(flight, piece, straight=straight, together=together)
            told += len(piece)
        assert disk.landed == pieces(range(3, 3 + count), data)
        assert bytes(flight.data) == data
        assert not flight.missing

    trio.run(main)


def test_memory_is_used_again_whatever_it_held() -> None:
    buffers = Buffers(64 * MIB)
    first, second = buffers.lend(8 * MIB), buffers.lend(8 * MIB)
    buffers.give(first)
    assert buffers.lend(3 * MIB) is first
    buffers.give(first)
    assert len(buffers.lend(MIB)) == MIB, "a large one is not taken for a small download"
    assert len(buffers.lend(9 * MIB)) >= 9 * MIB
    assert second is not first


def test_memory_is_kept_between_two_requests_while_somebody_reads() -> None:
    buffers = Buffers(64 * MIB)
    buffers.opened()
    first = buffers.lend(8 * MIB)
    buffers.give(first)
    assert buffers.lend(8 * MIB) is first
    others = [buffers.lend(8 * MIB) for _ in range(3)]
    for each in [first, *others]:
        buffers.give(each)
    assert 0 < buffers.held <= 16 * MIB, "an open file alone keeps little"
    buffers.closed()
    assert buffers.held == 0


def test_what_was_never_touched_does_not_count() -> None:
    buffers = Buffers(64 * MIB)
    large = buffers.lend(3 * MIB)
    assert buffers.held == 3 * MIB
    buffers.lend(CELL)
    buffers.give(large)
    assert buffers.lend(5 * MIB) is large
    assert buffers.held == 5 * MIB + CELL


def test_idle_memory_counts_and_is_given_up_in_the_end() -> None:
    buffers = Buffers(20 * MIB)
    lent = [buffers.lend(8 * MIB), buffers.lend(8 * MIB)]
    buffers.give(lent.pop())
    assert buffers.held == 16 * MIB
    lent += [buffers.lend(5 * MIB), buffers.lend(CELL)]
    buffers.give(lent.pop(1))
    lent.append(buffers.lend(12 * MIB))
    assert buffers.held == 20 * MIB + CELL, "what is free makes way"
    for each in lent:
        buffers.give(each)
    assert buffers.held == 0


@given(st.lists(st.tuples(st.integers(1, 4 * CELL) | st.integers(2 * MIB, 9 * MIB), st.integers(0, 3)), max_size=20))
def test_all_that_is_held_is_lent_or_stays_within_the_bound(steps: list[tuple[int, int]]) -> None:
    buffers, most, readers = Buffers(12 * MIB), 12 * MIB, 0
    lent: list[Buffer] = []
    for size, step in steps:
        if step == 0 and lent:
            buffers.give(lent.pop(0))
        elif step == 1:
            readers += 1
            buffers.opened()
        elif step == 2 and readers:
            readers -= 1
            buffers.closed()
        else:
            lent.append(buffers.lend(size))
            assert len(lent[-1]) >= size
            assert len({id(each) for each in lent}) == len(lent), "nobody gets what another one has"
        assert sum(each.touched for each in lent) <= buffers.held <= max(most, sum(each.touched for each in lent))
        assert lent or readers or not buffers.held
