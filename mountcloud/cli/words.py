"""Numbers as people read them."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def size(count: float) -> str:
    """``1.5 GiB``."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def span(seconds: float) -> str:
    """``4 s``, ``3 min``, ``2 h``: the largest unit that says enough."""
    for length, unit in _SPANS:
        if seconds >= 2 * length:
            return f"{math.floor(seconds / length)} {unit}"
    return f"{max(math.ceil(seconds), 0)} s"


def moment(seconds: float) -> str:
    """Date and time of this machine's zone, of seconds since the epoch."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def counted(number: object, word: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def number(value: object) -> float | None:
    """A number out of JSON, None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def told(value: object, words: Callable[[float], str], otherwise: str = "?") -> str:
    """A number out of JSON in words, or what to say without one."""
    known = number(value)
    return otherwise if known is None else words(known)
