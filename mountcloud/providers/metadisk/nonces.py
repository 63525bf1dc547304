"""Numbers that never fall (Metadisk facts, 3.2): the service refuses one below the highest that it saw of this user."""

import time
from collections.abc import Callable

from mountcloud.model.places import Places

NOTE = "nonce"
"""The note in the book of places: the highest that was used, or a little less."""

_KEPT_EVERY_MS = 1000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Nonces:
    """Milliseconds since the epoch, as the service's own client has them; or the last one, while a clock goes back."""

    def __init__(self, places: Places, clock: Callable[[], int] = _now_ms) -> None:
        self._places = places
        self._clock = clock
        kept = places.note(NOTE) or ""
        self._kept = self._last = int(kept) if kept.isdecimal() else 0

    def next(self, ahead_ms: int = 0) -> int:
        """One that is not below any before. ``ahead_ms``: so much beyond, since another machine's clock is ahead."""
        self._last = max(self._clock(), self._last) + ahead_ms
        if self._last >= self._kept + _KEPT_EVERY_MS:
            self._kept = self._last
            self._places.set_note(NOTE, str(self._kept))
        return self._last
