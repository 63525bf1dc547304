"""The only import of sqlite3: open, migrate, transactions, and what a commit is worth."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mountcloud.model.errors import Corrupt, OutOfSpace

Row = tuple[Any, ...]


class Database:
    """One SQLite file, used from one thread. Synchronous on purpose: a run of calls is a critical section.

    A commit survives the death of the process; ``sync`` makes all commits survive a power cut.
    """

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        """Open or create; each migration is a script that takes the schema from its index to the next version.

        Raises ``Corrupt`` if the file is no database of ours.
        """
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None)
        path.chmod(0o600)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._migrate(migrations)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise Corrupt(f"{path} cannot be used: {error}") from error

    def _migrate(self, migrations: Sequence[str]) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(migrations):
            raise Corrupt(f"{self.path} was written by a newer mountcloud")
        for number, script in enumerate(migrations[version:], start=version + 1):
            self._db.executescript(f"BEGIN;{script};PRAGMA user_version={number};COMMIT")

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; returns the id of the row that it inserted. Raises ``OutOfSpace`` on a full disk."""
        try:
            return self._db.execute(statement, values).lastrowid or 0
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise OutOfSpace(f"no room to write {self.path.name}") from error
            raise

    def row(self, statement: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        found: Row | None = self._db.execute(statement, values).fetchone()
        return found

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows."""
        return self._db.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. May be nested: the outermost one commits. Must not be held over an await."""
        if self._db.in_transaction:
            yield
            return
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        """A full disk may have ended the transaction already."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def sync(self) -> None:
        """Make what was committed survive a power cut."""
        log = self.path.with_name(self.path.name + "-wal")
        descriptor = os.open(log if log.exists() else self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close; idempotent."""
        self._db.close()
