"""Which pieces of which chunks a read needs."""

from dataclasses import dataclass

from mountcloud.model.span import PlainSpan

CHUNK_SIZE = 1 << 20
"""Bytes of plaintext in a chunk; the last one of a file is shorter."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes [start, end) of one chunk."""

    index: int
    start: int
    end: int


def pieces(want: PlainSpan, file_size: int, chunk_size: int = CHUNK_SIZE) -> list[Piece]:
    """The pieces that make up ``want``, in order; nothing beyond the end of the file."""
    end = min(want.end, file_size)
    if want.start >= end:
        return []
    found = []
    for index in range(want.start // chunk_size, (end - 1) // chunk_size + 1):
        base = index * chunk_size
        found.append(Piece(index, max(want.start - base, 0), min(end - base, chunk_size)))
    return found


def span_of(index: int, file_size: int, chunk_size: int = CHUNK_SIZE) -> PlainSpan:
    """The plaintext of one chunk."""
    return PlainSpan(index * chunk_size, min((index + 1) * chunk_size, file_size))


def count(file_size: int, chunk_size: int = CHUNK_SIZE) -> int:
    """Chunks in a file."""
    return -(-file_size // chunk_size)
