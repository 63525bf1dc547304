"""How far to fetch ahead, given how a handle was read so far."""

from dataclasses import dataclass

CHUNK = 1 << 20
LARGEST = 16 * CHUNK
BACK = CHUNK
FORWARD = 8 * CHUNK
"""The kernel's own read-ahead reorders requests; a step within these bounds still counts as sequential."""


@dataclass(frozen=True, slots=True)
class Window:
    """``position`` is the end of the furthest read, ``ahead`` the bytes to have beyond it."""

    position: int = 0
    ahead: int = 0


def advance(window: Window, start: int, end: int) -> Window:
    """After a read of [start, end): doubles while the reads go forward, collapses when they jump."""
    sequential = window.position - BACK <= start <= window.position + FORWARD
    if not sequential:
        return Window(end, 0)
    if end <= window.position:
        return window
    return Window(end, min(max(2 * window.ahead, CHUNK), LARGEST))
