"""Arithmetic of a partly present file: which cells of it are here, which are missing."""

from collections.abc import Iterator

from mountcloud.model.span import StoredSpan

CELL = 128 * 1024
"""Stored bytes in a cell, the smallest piece that is fetched and kept: what the kernel asks for at a time."""


def cover(span: StoredSpan, stored_size: int) -> StoredSpan:
    """The whole cells that hold the span, cut at the end of the file."""
    end = -(-span.end // CELL) * CELL
    return StoredSpan(span.start // CELL * CELL, max(min(end, stored_size), span.start // CELL * CELL))


def indices(span: StoredSpan) -> range:
    """The cells that the span touches."""
    return range(span.start // CELL, -(-span.end // CELL))


def within(span: StoredSpan, stored_size: int) -> range:
    """The cells of which the span holds all bytes."""
    stop = -(-span.end // CELL) if span.end == stored_size else span.end // CELL
    first = -(-span.start // CELL)
    return range(first, max(stop, first))


def span_of(cells: range, stored_size: int) -> StoredSpan:
    """The bytes of a run of cells."""
    return StoredSpan(cells.start * CELL, min(cells.stop * CELL, stored_size))


def whole_cells(size: int) -> int:
    """The bytes of the cells that hold so many bytes."""
    return -(-size // CELL) * CELL


def runs(cells: Iterator[int] | list[int]) -> list[range]:
    """Ascending cell numbers as runs of neighbours."""
    found: list[range] = []
    for cell in cells:
        if found and found[-1].stop == cell:
            found[-1] = range(found[-1].start, cell + 1)
        else:
            found.append(range(cell, cell + 1))
    return found


def pieces(cells: list[int], largest: int) -> Iterator[range]:
    """The runs of ascending cell numbers, cut into pieces of at most ``largest`` (0 = not cut)."""
    for run in runs(cells):
        for first in range(run.start, run.stop, largest or len(run)):
            yield range(first, min(first + (largest or len(run)), run.stop))


class CellMap:
    """Which cells of a file are present, as a bitmap; one bit a cell, so 10 GiB take 10 KiB."""

    def __init__(self, stored_size: int, bits: bytes = b"") -> None:
        self.count = -(-stored_size // CELL)
        self._bits = bytearray(-(-self.count // 8))
        self._bits[: len(bits)] = bits[: len(self._bits)]
        self.present = int.from_bytes(self._bits, "little").bit_count()

    def __contains__(self, cell: int) -> bool:
        return bool(self._bits[cell >> 3] & (1 << (cell & 7)))

    def add(self, cells: range) -> int:
        """Mark them present; tells how many were missing."""
        new = [cell for cell in cells if cell not in self]
        for cell in new:
            self._bits[cell >> 3] |= 1 << (cell & 7)
        self.present += len(new)
        return len(new)

    def discard(self, cells: range) -> int:
        """Mark them missing; tells how many were present."""
        old = [cell for cell in cells if cell < self.count and cell in self]
        for cell in old:
            self._bits[cell >> 3] &= ~(1 << (cell & 7))
        self.present -= len(old)
        return len(old)

    def missing(self, cells: range) -> list[int]:
        """Those of the cells that are not here. Looked at all at once: it is asked with every read."""
        bits = int.from_bytes(self._bits[cells.start >> 3 : (cells.stop + 7) >> 3], "little") >> (cells.start & 7)
        absent = ~bits & ((1 << len(cells)) - 1)
        return [cell for place, cell in enumerate(cells) if absent >> place & 1] if absent else []

    @property
    def end(self) -> int:
        """The number after that of the last cell that is here, 0 if none is."""
        return int.from_bytes(self._bits, "little").bit_length()

    @property
    def complete(self) -> bool:
        """True if nothing is missing."""
        return self.present == self.count

    def __bytes__(self) -> bytes:
        return bytes(self._bits)
