"""The sandbox' SQLite file and its transactions."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Value = str | int | float | bytes | None


class UnusableData(Exception):
    """The directory cannot be served: it is in use, or of another version."""


@contextmanager
def only_server_of(directory: Path) -> Iterator[None]:
    """Nobody else serves this directory meanwhile, nor reads it; raises ``UnusableData`` if somebody serves it."""
    os.umask(0o077)
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnusableData(f"another sandbox serves {directory}") from None
        yield


class Database:
    """One connection, used by one thread. Reads see what the open transaction wrote."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
        )
        self._migrate(schema, version)

    def _migrate(self, schema: str, version: int) -> None:
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            self._connection.executescript(f"BEGIN; {schema} PRAGMA user_version = {version}; COMMIT;")
        elif found != version:
            raise UnusableData(
                f"the sandbox data are of version {found}, this is version {version}: use a new directory"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def all(self, sql: str, *arguments: Value) -> list[sqlite3.Row]:
        """All rows."""
        return self._connection.execute(sql, arguments).fetchall()

    def one(self, sql: str, *arguments: Value) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self._connection.execute(sql, arguments).fetchone()
        return row

    def number(self, sql: str, *arguments: Value) -> int:
        """The integer in the first column of the first row."""
        row = self._connection.execute(sql, arguments).fetchone()
        return int(row[0])

    def run(self, sql: str, *arguments: Value) -> int:
        """Execute; the count of changed rows."""
        return self._connection.execute(sql, arguments).rowcount

    def insert(self, table: str, values: Mapping[str, Value]) -> None:
        """Insert one row; table and columns come from the code, never from a request."""
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 - names are ours
        self._connection.execute(sql, tuple(values.values()))

    def update(self, table: str, key: int, values: Mapping[str, Value]) -> None:
        """Change columns of the row with this ``id``; names come from the code."""
        if values:
            sets = ", ".join(f"{name} = ?" for name in values)
            self._connection.execute(f"UPDATE {table} SET {sets} WHERE id = ?", (*values.values(), key))  # noqa: S608 - names are ours

    def next(self, counter: str, at_least: int = 0) -> int:
        """The next number of a counter, strictly growing over restarts."""
        sql = "UPDATE counter SET value = max(value + 1, ?) WHERE name = ? RETURNING value"
        return self.number(sql, at_least, counter)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
