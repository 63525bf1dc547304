"""Cells and read-ahead as arithmetic."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mountcloud.model.span import StoredSpan
from mountcloud.policy.cells import CELL, CellMap, cover, indices, runs, span_of
from mountcloud.policy.readahead import BACK, FIRST, FORWARD, LARGEST, MIB, Window, advance, at_once


@st.composite
def span_in_file(draw: st.DrawFn) -> tuple[StoredSpan, int]:
    size = draw(st.integers(1, 20 * CELL))
    start = draw(st.integers(0, size - 1))
    return StoredSpan(start, draw(st.integers(start + 1, size))), size


@given(span_in_file())
def test_cells_cover_the_span_and_no_cell_too_much(drawn: tuple[StoredSpan, int]) -> None:
    span, size = drawn
    whole = cover(span, size)
    assert whole.start <= span.start < whole.start + CELL
    assert span.end <= whole.end <= min(size, span.end + CELL - 1)
    assert span_of(indices(span), size) == whole


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1)))))
def test_a_map_knows_what_was_added(drawn: tuple[int, list[int]]) -> None:
    count, added = drawn
    cells = CellMap(count * CELL - 1)
    for cell in added:
        cells.add(range(cell, cell + 1))
    assert cells.missing(range(count)) == [cell for cell in range(count) if cell not in set(added)]
    assert cells.present == len(set(added))
    assert cells.complete == (len(set(added)) == count)
    again = CellMap(count * CELL - 1, bytes(cells))
    assert again.missing(range(count)) == cells.missing(range(count))
    again.discard(range(count))
    assert again.present == 0


@given(st.sets(st.integers(0, 50)))
def test_runs_are_the_same_cells(cells: set[int]) -> None:
    found = runs(sorted(cells))
    assert [cell for run in found for cell in run] == sorted(cells)
    assert all(one.stop < two.start for one, two in pairwise(found))


@given(st.integers(1, 300), st.integers(1, 4 * MIB))
def test_forward_reads_grow_the_window_to_its_bound(reads: int, size: int) -> None:
    window = Window()
    ahead = []
    for number in range(reads):
        window = advance(window, number * size, (number + 1) * size)
        ahead.append(window.ahead)
    assert ahead == sorted(ahead)
    assert MIB <= ahead[-1] <= LARGEST
    assert window.piece <= window.ahead


@given(st.integers(0, 1 << 40), st.integers(1, MIB), st.sampled_from([-1, 1]), st.integers(1, 1 << 30))
def test_a_jump_ends_it(position: int, size: int, direction: int, beyond: int) -> None:
    window = Window(position, 10 * MIB)
    start = position - BACK - beyond if direction < 0 else position + FORWARD + beyond
    if start >= 0:
        assert advance(window, start, start + size).ahead == 0


@given(st.integers(2 * MIB, 1 << 40), st.integers(-BACK, FORWARD), st.integers(1, MIB))
def test_the_kernels_reordering_is_no_jump(position: int, step: int, size: int) -> None:
    window = advance(Window(position, 10 * MIB), position + step, position + step + size)
    assert window.ahead >= 20 * MIB
    assert window.position >= position


def test_the_first_read_brings_what_the_kernel_will_ask_for() -> None:
    assert at_once(Window(), 0, 4096, 1 << 30) == FIRST
    assert at_once(Window(), 0, 4096, 5000) == 5000
    assert at_once(Window(), 1 << 20, (1 << 20) + 4096, 1 << 30) == (1 << 20) + 4096
