"""What every request works on: database, stored bytes, switches, and the recent past."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mountcloud.sandbox.amazon.schema import SCHEMA, SCHEMA_VERSION
from mountcloud.sandbox.amazon.switches import Switches
from mountcloud.sandbox.box import Box

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Past:
    """How a node looked before it was changed; None: it was not there. ``at`` in monotonic seconds."""

    at: float
    customer: int
    node: str
    before: dict[str, object] | None


class Sandbox(Box[Switches]):
    """One service, kept in one directory that only its owner can read. ``signed_port`` is the storage host's."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, SCHEMA, SCHEMA_VERSION, Switches())
        self.past: deque[Past] = deque(maxlen=_REMEMBERED)
        self.signed_port = 0

    def fact(self, name: str, default: int) -> int:
        """A number that outlives the process."""
        row = self.db.one("SELECT value FROM fact WHERE name = ?", name)
        return default if row is None else int(row["value"])

    def set_fact(self, name: str, value: int) -> None:
        """Keep it."""
        self.db.run("INSERT OR REPLACE INTO fact VALUES (?, ?)", name, str(value))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, for the database, the stored bytes and the recent past."""
        past = len(self.past)
        try:
            with super().transaction():
                yield
        except BaseException:
            while len(self.past) > past:
                self.past.pop()
            raise


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
