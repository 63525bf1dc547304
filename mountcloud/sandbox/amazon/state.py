"""What every request works on: database, stored bytes, switches, and the recent past."""

import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mountcloud.sandbox.amazon.schema import SCHEMA, SCHEMA_VERSION
from mountcloud.sandbox.amazon.switches import Switches
from mountcloud.sandbox.blobs import Blobs
from mountcloud.sandbox.database import Database

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Past:
    """How a node looked before it was changed; None: it was not there. ``at`` in monotonic seconds."""

    at: float
    customer: int
    node: str
    before: dict[str, object] | None


class Sandbox:
    """One service, kept in one directory that only its owner can read. ``signed_port`` is the storage host's."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.db = Database(directory / "sandbox.db", SCHEMA, SCHEMA_VERSION)
        self.blobs = Blobs(directory / "blobs")
        self.switches = Switches()
        self.switches.change({row["name"]: json.loads(row["value"]) for row in self.db.all("SELECT * FROM switch")})
        self.past: deque[Past] = deque(maxlen=_REMEMBERED)
        self.signed_port = 0
        self._doomed: list[str] = []

    def change_switches(self, values: dict[str, object]) -> None:
        """Set switches and keep them."""
        self.switches.change(values)
        for name, value in values.items():
            self.db.run("INSERT OR REPLACE INTO switch VALUES (?, ?)", name, json.dumps(value))

    def fact(self, name: str, default: int) -> int:
        """A number that outlives the process."""
        row = self.db.one("SELECT value FROM fact WHERE name = ?", name)
        return default if row is None else int(row["value"])

    def set_fact(self, name: str, value: int) -> None:
        """Keep it."""
        self.db.run("INSERT OR REPLACE INTO fact VALUES (?, ?)", name, str(value))

    def doom(self, blob: str | None) -> None:
        """Remove these bytes once the transaction is through, unless a node still has them."""
        if blob is not None:
            self._doomed.append(blob)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, for the database and the stored bytes."""
        past = len(self.past)
        try:
            with self.db.transaction():
                yield
        except BaseException:
            self._doomed.clear()
            while len(self.past) > past:
                self.past.pop()
            raise
        for blob in self._doomed:
            if self.db.one("SELECT 1 FROM node WHERE blob = ?", blob) is None:
                self.blobs.remove(blob)
        self._doomed.clear()

    def close(self) -> None:
        """End the database connection."""
        self.db.close()


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
