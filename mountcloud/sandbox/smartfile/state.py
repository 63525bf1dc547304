"""What every request works on: database, stored bytes, switches, and the server's clock."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mountcloud.sandbox.blobs import Blobs
from mountcloud.sandbox.database import Database
from mountcloud.sandbox.smartfile.schema import SCHEMA, SCHEMA_VERSION
from mountcloud.sandbox.smartfile.switches import Switches
from mountcloud.sandbox.smartfile.throttling import Allowance


class Sandbox:
    """One server, kept in one directory that only its owner can read."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.db = Database(directory / "sandbox.db", SCHEMA, SCHEMA_VERSION)
        self.blobs = Blobs(directory / "blobs")
        self.switches = Switches()
        self.switches.change({row["name"]: json.loads(row["value"]) for row in self.db.all("SELECT * FROM switch")})
        self.allowances: dict[str, Allowance] = {}
        self._doomed: list[str] = []

    def change_switches(self, values: dict[str, object]) -> None:
        """Set switches and keep them."""
        self.switches.change(values)
        self.allowances.clear()
        for name, value in values.items():
            self.db.run("INSERT OR REPLACE INTO switch VALUES (?, ?)", name, json.dumps(value))

    def now(self) -> float:
        """Seconds since the epoch, by this server's clock."""
        return time.time() + self.switches.clock

    def doom(self, *blobs: str | None) -> None:
        """Remove these bytes once the transaction is through, unless something still has them."""
        self._doomed += [blob for blob in blobs if blob is not None]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, for the database and the stored bytes."""
        try:
            with self.db.transaction():
                yield
        except BaseException:
            self._doomed.clear()
            raise
        for blob in self._doomed:
            if self.db.one("SELECT 1 FROM node WHERE blob = ?", blob) is None:
                self.blobs.remove(blob)
        self._doomed.clear()

    def close(self) -> None:
        """End the database connection."""
        self.db.close()
