"""How far to fetch ahead, and in which pieces, given how a handle was read so far. Offsets count plaintext bytes."""

from dataclasses import dataclass

MIB = 1 << 20
FIRST = MIB + 128 * 1024
"""The first request of a file that is read from its beginning: the kernel's read-ahead asks 128 KiB beyond 1 MiB."""
LARGEST = 64 * MIB
LARGEST_PIECE = 8 * MIB
PIECES = 8
BACK = MIB
FORWARD = 8 * MIB
"""The kernel reorders what it reads ahead; a step within these bounds still counts as sequential."""
SECONDS = 4.0
"""What would take longer to come is not fetched ahead: on a slow line it would be in the way of what is wanted next."""
SLOWEST = 2 * MIB
"""Bytes that are fetched ahead on the slowest line."""


@dataclass(frozen=True, slots=True)
class Window:
    """``position`` is the end of the furthest read, ``run`` how many bytes were read in one go up to there."""

    position: int = 0
    run: int = 0

    @property
    def ahead(self) -> int:
        """Bytes to have beyond the position: nothing before a second read has shown that they go forward."""
        return min(max(2 * self.run, MIB), LARGEST) if self.run > 0 else 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """``reach`` bytes beyond the window's position, in requests of ``piece`` bytes: latency overlaps with several."""

    reach: int
    piece: int


def ahead(window: Window, in_time: float) -> Ahead:
    """What to fetch ahead, given how many bytes may be expected to come within ``SECONDS``."""
    reach = int(min(window.ahead, max(in_time, SLOWEST)))
    return Ahead(reach, min(max(reach // PIECES, MIB), LARGEST_PIECE))


def advance(window: Window, start: int, end: int) -> Window:
    """After a read of [start, end): grows while reads go forward, collapses when they jump."""
    if not window.position - BACK <= start <= window.position + FORWARD:
        return Window(end, 0)
    if end <= window.position:
        return window
    return Window(end, window.run + end - max(start, window.position))


def at_once(window: Window, start: int, end: int, size: int) -> int:
    """The end of what a read that has to wait should bring along: more at the beginning of a file, else just itself."""
    return min(max(end, FIRST), size) if window.position == 0 and start == 0 else min(end, size)
