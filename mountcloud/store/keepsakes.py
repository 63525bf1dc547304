"""Keepsakes of a provider, beside the list of the cached bytes that they open, under a limit."""

from mountcloud.model.errors import DiskFull
from mountcloud.store.sqlite import Database

_MOST = 20_000
"""Of the largest, wrapped keys, some 25 MB."""
_SPARE = 100
"""So many are forgotten together: to look for the eldest at each addition would cost more than the addition."""


class KeepsakeBox:
    """Implements ``model/keepsakes.py``: what was not used for the longest time makes way."""

    def __init__(self, db: Database, most: int = _MOST) -> None:
        self._db = db
        self._most = most
        self._count = self._number("SELECT count(*) FROM keepsakes")
        self._clock = self._number("SELECT coalesce(max(used), 0) FROM keepsakes")

    def _number(self, statement: str) -> int:
        row = self._db.row(statement)
        assert row is not None
        return int(row[0])

    def get(self, name: str) -> str | None:
        """What was kept under this name."""
        row = self._db.row("SELECT text, used FROM keepsakes WHERE name = ?", (name,))
        if row is None:
            return None
        if row[1] < self._clock - self._most // 4:  # written down only where it can make a difference
            self.put(name, str(row[0]))
        return str(row[0])

    def put(self, name: str, text: str) -> None:
        """Keep it; without room on the disk it will be asked for again."""
        self._clock += 1
        try:
            self._db.run("INSERT OR REPLACE INTO keepsakes VALUES (?, ?, ?)", (name, text, self._clock))
            self._count += 1
            if self._count > self._most + _SPARE:
                self._make_room()
        except DiskFull:
            return

    def _make_room(self) -> None:
        """What was put again was counted twice, so count anew."""
        excess = self._number("SELECT count(*) FROM keepsakes") - self._most
        if excess > 0:
            eldest = "SELECT name FROM keepsakes ORDER BY used LIMIT ?"
            self._db.run(f"DELETE FROM keepsakes WHERE name IN ({eldest})", (excess,))  # noqa: S608 - a constant
        self._count = self._most + min(excess, 0)
