"""What every request works on: database, stored bytes, switches."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from mountcloud.sandbox.blobs import Blobs
from mountcloud.sandbox.database import Database
from mountcloud.sandbox.switchboard import Switchboard

S = TypeVar("S", bound=Switchboard)


class Box(Generic[S]):
    """One server, kept in one directory that only its owner can read; ``schema`` has the table ``switch``."""

    in_use: ClassVar[str] = "SELECT 1 FROM node WHERE blob = ?1"
    """Finds whatever still has a blob."""

    def __init__(self, directory: Path, schema: str, version: int, switches: S) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.db = Database(directory / "sandbox.db", schema, version)
        self.blobs = Blobs(directory / "blobs")
        self.switches = switches
        self.switches.change({row["name"]: json.loads(row["value"]) for row in self.db.all("SELECT * FROM switch")})
        self._doomed: list[str] = []

    def change_switches(self, values: dict[str, object]) -> None:
        """Set switches and keep them."""
        self.switches.change(values)
        for name, value in values.items():
            self.db.run("INSERT OR REPLACE INTO switch VALUES (?, ?)", name, json.dumps(value))

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
            if self.db.one(self.in_use, blob) is None:
                self.blobs.remove(blob)
        self._doomed.clear()

    def close(self) -> None:
        """End the database connection."""
        self.db.close()
