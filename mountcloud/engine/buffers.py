"""Memory for what is on its way, used again and again: new memory costs more than the bytes that are put there.

Each page that a program touches for the first time is a fault, at which the kernel fills it with zeros. So buffers are
mapped, not made: the thread that receives into one has these faults, once, and the loop none.
"""

import mmap
from contextlib import suppress

_STEP = 128 * 1024
_SMALL = 2 << 20
_LARGE = 8 << 20
"""Buffers are as large as the largest request, so that each fits any; what is not touched takes no memory. What has
room in a small one gets a small one, since a large one comes in pages of 2 MiB where the kernel has them."""
_KEPT = 2 * _LARGE
"""Bytes that stay while somebody reads and nothing is on its way, as it is between two requests of a fast line."""

_LEARNT = 4 << 20
"""Once so much was given back, the C library takes pieces of up to that size from its heap; before, each came from the
kernel in fresh pages (mallopt(3), the dynamic mmap threshold). Every answer to a read is such a piece."""


class Buffer(mmap.mmap):
    """Memory of its own; ``touched`` bytes of it were in use once, which is what it takes."""

    touched = 0


class Buffers:
    """Buffers that are lent; those that are free count against ``most`` bytes too.

    When nobody reads and none is lent any more all are given up, so an idle mount holds nothing.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._free: list[Buffer] = []
        self._lent = 0
        self._readers = 0
        self.held = 0
        bytearray(_LEARNT)

    def opened(self) -> None:
        """Somebody is going to read for a while: memory is kept for him until as many ``closed``."""
        self._readers += 1

    def closed(self) -> None:
        """One reader less."""
        self._readers -= 1
        self._trim()

    def lend(self, size: int) -> Buffer:
        """A buffer of at least so many bytes; what is in it means nothing. Give it back."""
        self._lent += 1
        length = _length(size)
        known = next((each for each in reversed(self._free) if len(each) == length), None)
        buffer = _mapped(length) if known is None else self._taken(known)
        self.held += max(size - buffer.touched, 0)
        buffer.touched = max(size, buffer.touched)
        self._trim()
        return buffer

    def _taken(self, buffer: Buffer) -> Buffer:
        self._free = [each for each in self._free if each is not buffer]
        return buffer

    def give(self, buffer: Buffer) -> None:
        """Take it back."""
        self._lent -= 1
        self._free.append(buffer)
        self._trim()

    def _trim(self) -> None:
        idle_most = min(self._most, _KEPT) if self._readers else 0
        most = self._most if self._lent else idle_most
        while self._free and self.held > most:
            self.held -= self._taken(self._free[0]).touched


def _length(size: int) -> int:
    """Of the buffer for so many bytes."""
    if size <= _SMALL:
        return -(-size // _STEP) * _STEP
    return -(-size // _LARGE) * _LARGE


def _mapped(length: int) -> Buffer:
    buffer = Buffer(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if length >= _LARGE:
        with suppress(OSError):  # a kernel without large pages
            buffer.madvise(mmap.MADV_HUGEPAGE)
    return buffer
