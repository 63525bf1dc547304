from hypothesis import given
from hypothesis import strategies as st

from mountcloud.model.span import PlainSpan
from mountcloud.policy.chunks import CHUNK_SIZE, count, pieces, span_of
from mountcloud.policy.readahead import BACK, CHUNK, FORWARD, LARGEST, Window, advance


@st.composite
def reads(draw: st.DrawFn) -> tuple[int, int, PlainSpan]:
    """A file, a chunk size, and a read that begins in or after the file."""
    size = draw(st.integers(0, 1000))
    start = draw(st.integers(0, size + 10))
    return size, draw(st.integers(1, 300)), PlainSpan(start, start + draw(st.integers(0, 1200)))


@given(reads())
def test_pieces_are_exactly_what_is_read(read: tuple[int, int, PlainSpan]) -> None:
    size, chunk, want = read
    data = bytes(number % 251 for number in range(size))
    found = pieces(want, size, chunk)
    chunks = [
        data[span.start : span.end] for span in (span_of(index, size, chunk) for index in range(count(size, chunk)))
    ]
    assert b"".join(chunks[piece.index][piece.start : piece.end] for piece in found) == data[want.start : want.end]
    assert all(piece.start < piece.end <= len(chunks[piece.index]) for piece in found)
    assert b"".join(chunks) == data
    assert all(chunks)


def test_the_chunks_of_reading_and_of_fetching_ahead_are_the_same() -> None:
    assert CHUNK == CHUNK_SIZE


@given(st.integers(0, 1 << 40), st.lists(st.integers(1, 4 * CHUNK), min_size=1, max_size=12))
def test_reading_forward_doubles_up_to_the_largest(start: int, steps: list[int]) -> None:
    window = Window(start, 0)
    expected = 0
    for step in steps:
        window = advance(window, window.position, window.position + step)
        expected = min(max(2 * expected, CHUNK), LARGEST)
        assert window.ahead == expected


@given(st.integers(0, 1 << 40), st.integers(0, LARGEST), st.integers(0, 1 << 41), st.integers(0, 1 << 20))
def test_a_jump_collapses_and_a_late_request_changes_nothing(position: int, ahead: int, start: int, size: int) -> None:
    after = advance(Window(position, ahead), start, start + size)
    if start < position - BACK or start > position + FORWARD:
        assert after == Window(start + size, 0)
    elif start + size <= position:
        assert after == Window(position, ahead)
    else:
        assert after.position == start + size
        assert CHUNK <= after.ahead <= LARGEST
