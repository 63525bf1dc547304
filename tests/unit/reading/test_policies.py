"""Cells and read-ahead as arithmetic."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.model.span import StoredSpan
from mountcloud.policy.cells import CELL, CellMap, cover, indices, pieces, runs, span_of
from mountcloud.policy.line import Line
from mountcloud.policy.readahead import (
    BACK,
    FIRST,
    FORWARD,
    LARGEST,
    LARGEST_PIECE,
    MIB,
    SLOWEST,
    Window,
    advance,
    ahead,
    at_once,
)


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


@given(st.sets(st.integers(0, 50)), st.integers(0, 20))
def test_pieces_are_the_same_cells_and_no_larger_than_allowed(cells: set[int], largest: int) -> None:
    found = list(pieces(sorted(cells), largest))
    assert [cell for piece in found for cell in piece] == sorted(cells)
    assert all(0 < len(piece) <= (largest or 51) for piece in found)


@given(st.sets(st.integers(0, 99)), st.integers(0, 99).flatmap(lambda a: st.tuples(st.just(a), st.integers(a, 100))))
def test_missing_cells_of_any_range_are_known(present: set[int], drawn: tuple[int, int]) -> None:
    cells = CellMap(100 * CELL)
    for cell in present:
        cells.add(range(cell, cell + 1))
    assert cells.missing(range(*drawn)) == [cell for cell in range(*drawn) if cell not in present]


@given(st.integers(1, 300), st.integers(1, 4 * MIB))
def test_forward_reads_grow_the_window_to_its_bound(reads: int, size: int) -> None:
    window = Window()
    grown = []
    for number in range(reads):
        window = advance(window, number * size, (number + 1) * size)
        grown.append(window.ahead)
    assert grown == sorted(grown)
    assert MIB <= grown[-1] <= LARGEST


@given(st.integers(0, 1 << 34), st.floats(0, 1e12))
def test_no_more_is_fetched_ahead_than_comes_in_time(run: int, in_time: float) -> None:
    wanted = ahead(Window(run, run), in_time)
    assert wanted.reach <= max(in_time, SLOWEST)
    assert wanted.reach <= Window(run, run).ahead
    assert wanted.piece <= max(wanted.reach, MIB)
    if in_time >= LARGEST:
        assert wanted.reach == Window(run, run).ahead


def test_requests_grow_while_reads_go_forward() -> None:
    window, sizes = Window(), []
    for number in range(64):
        window = advance(window, number * MIB, (number + 1) * MIB)
        sizes.append(ahead(window, float("inf")).piece)
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (MIB, LARGEST_PIECE)
    assert 4 * MIB <= LARGEST_PIECE <= 16 * MIB


@given(st.floats(1e3, 1e9), st.integers(20, 100), st.lists(st.floats(0.2, 5), min_size=20, max_size=20))
def test_a_steady_line_is_measured_right(rate: float, pieces: int, jitter: list[float]) -> None:
    line, now = Line(), 0.0
    for number in range(pieces):
        size = max(int(rate * jitter[number % len(jitter)] / 10), 1)
        now += size / rate
        line = line.after(now, size)
    assert line.within(1.0) == pytest.approx(rate, rel=0.01)


def test_a_rest_says_nothing_of_the_line() -> None:
    line = Line().begun(100.0).after(100.5, 1000)
    assert line.rate == 2000
    line = line.begun(500.0)
    assert line.after(500.5, 1000).rate == 2000
    assert line.after(500.5, 500).rate == 1500


def test_of_an_unknown_line_everything_is_expected() -> None:
    assert Line().within(0.1) == float("inf")


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
