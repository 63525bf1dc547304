"""The only import of sqlite3: open, migrate, transactions, and what a commit is worth."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mountcloud.model.errors import Busy, Corrupt, DiskFull
from mountcloud.store.reserve import NoReserve, Reserve
from mountcloud.store.sparse import allocate, sync_path

Row = tuple[Any, ...]

_LOCK_TIMEOUT = 0.5
"""Seconds; nobody but a person with a tool of SQLite could hold a lock."""
_LOG_PAGES = 256
"""Pages of 4 KiB after which the log is written back: it then starts anew, so it grows to little more than 1 MiB."""
_LOG_SIZE = 5 << 18
_GROWTH = 1 << 20
"""Bytes that are kept ready for the log, and for the database to grow."""
_MOST_POSTPONED = 128
"""Statements that may wait for one commit: some dozens of calls, whose pages SQLite can keep in memory until then."""


class Database:
    """One SQLite file, used from one thread. Synchronous on purpose: a run of calls is a critical section.

    A commit survives the death of the process; ``sync`` makes all commits survive a power cut. No other process may
    have it open: so it needs no index of the log on the disk, which could not be made on a full one.

    Changes may be ``postponed``: they are seen at once and committed later, with what follows. SQLite forgets a
    transaction that finds the disk full, so their statements are remembered until then, and done again.
    """

    def __init__(self, path: Path, migrations: Sequence[str], reserve: Reserve | None = None) -> None:
        """Open or create; each migration is a script that takes the schema from its index to the next version.

        ``reserve`` is what it may use on a full disk. Raises ``Corrupt`` if the file is no database of ours,
        ``Busy`` if another process has it open.
        """
        self.path = path
        self._reserve = reserve or NoReserve()
        self._descriptor = -1
        self._inside = False
        self._postponing = False
        self._postponed: list[tuple[str, Sequence[Any]]] = []
        self._db = sqlite3.connect(path, isolation_level=None, timeout=_LOCK_TIMEOUT)
        path.chmod(0o600)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA temp_store=MEMORY")  # what undoes one statement, within a long transaction
            self._migrate(migrations)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)  # closed last: closing it ends SQLite's locks
            self.secure_room()
        except sqlite3.DatabaseError as error:
            self._db.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise Busy(f"another process has {path} open") from error
            raise Corrupt(f"{path} cannot be used: {error}") from error

    def _migrate(self, migrations: Sequence[str]) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(migrations):
            raise Corrupt(f"{self.path} was written by a newer mountcloud")
        for number, script in enumerate(migrations[version:], start=version + 1):
            self._db.executescript(f"BEGIN;{script}\n;PRAGMA user_version={number};COMMIT")
        if version == 0:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a new file is whole on the disk from the start

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; returns the id of the row that it inserted. Raises ``DiskFull``."""
        if not self._inside:
            self.commit()
        alone = not self._db.in_transaction
        while True:
            try:
                return self._execute(statement, values)
            except DiskFull:
                if not self._reserve.release() or not alone:
                    raise

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        try:
            row = self._ask(statement, values).lastrowid or 0
        except sqlite3.OperationalError as error:
            self._tell_of_full_disk(error)
            raise
        if self._postponing:
            self._postponed.append((statement, values))
        return row

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """A statement that may be repeated, for each of these values, within a transaction. Raises ``DiskFull``."""
        try:
            self._insert_all(statement, rows)
        except sqlite3.OperationalError as error:
            self._reserve.release()
            self._tell_of_full_disk(error)
            raise

    def _insert_all(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        try:
            self._db.executemany(statement, rows)
        except UnicodeEncodeError:
            self._db.executemany(statement, [[_storable(value) for value in values] for values in rows])

    def _tell_of_full_disk(self, error: sqlite3.OperationalError) -> None:
        if "full" in str(error):
            raise DiskFull(f"no room to write {self.path.name}", hint="free some space") from error

    def secure_room(self) -> None:
        """Take disk blocks ahead of need, so that what is owed can be written down on a disk that others fill up.

        What was postponed is committed, as far as there is room for it.
        """
        with suppress(DiskFull):
            self.commit()
        while not self._has_allocated():
            if not self._reserve.release():
                return

    def _has_allocated(self) -> bool:
        try:
            self._allocate()
        except OSError:
            return False
        return True

    def _allocate(self) -> None:
        allocate(self._descriptor, os.fstat(self._descriptor).st_size + _GROWTH)
        with self._log.open("rb+") as log:
            allocate(log.fileno(), _LOG_SIZE)

    @property
    def _log(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def row(self, statement: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        found: Row | None = self._ask(statement, values).fetchone()
        return found

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows."""
        return self._ask(statement, values).fetchall()

    def _ask(self, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, values)
        except UnicodeEncodeError:
            return self._db.execute(statement, [_storable(each) for each in values])

    def teach(self, name: str, function: Callable[[Any], object]) -> None:
        """Statements may call this function of one value from now on; what it returns is of no interest."""

        def call(value: Any) -> None:  # noqa: ANN401 - whatever a column holds
            function(value)

        self._db.create_function(name, 1, call)

    def script(self, statements: str) -> None:
        """Execute several statements, outside of a transaction."""
        self.commit()
        self._db.executescript(statements)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. May be nested: the outermost one commits. Must not be held over an await."""
        if self._inside:
            yield
            return
        self.run("BEGIN IMMEDIATE")
        self._inside = True
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._undo()
            raise
        finally:
            self._inside = False

    def _undo(self) -> None:
        """A full disk may have ended the transaction already."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """As ``transaction``, for changes that the death of the process may undo: all since the last ``commit``.

        They are committed before anything else is, by ``secure_room`` and ``close``, or when they are many.
        """
        if self._inside:
            yield
            return
        self._resume()
        before = len(self._postponed)
        self._inside = self._postponing = True
        try:
            yield
        except BaseException:
            self._inside = self._postponing = False
            self._undo_since(before)
            raise
        self._inside = self._postponing = False
        if len(self._postponed) > _MOST_POSTPONED:
            with suppress(DiskFull):  # there may be room for it later
                self.commit()

    def _undo_since(self, before: int) -> None:
        """One change failed; those before it are made again. A savepoint would cost each change that does not fail."""
        del self._postponed[before:]
        self._undo()
        with suppress(DiskFull):  # it is tried again before the next change
            self._resume()

    def _resume(self) -> None:
        """A transaction is open, with all that was postponed in it. Raises ``DiskFull``."""
        if self._db.in_transaction:
            return
        self._execute("BEGIN IMMEDIATE")
        try:
            for statement, values in self._postponed:
                self._execute(statement, values)
        except BaseException:
            self._undo()  # else it would pass for all of them
            raise

    def commit(self) -> None:
        """Commit what was postponed. Raises ``DiskFull``: then it is seen all the same, and waits for the next time."""
        while self._db.in_transaction or self._postponed:
            self._resume()
            try:
                self._execute("COMMIT")
                self._postponed.clear()
            except DiskFull:
                if not self._reserve.release():
                    self._resume()
                    raise

    def sync(self) -> None:
        """Make what was committed survive a power cut."""
        if self._log.exists():  # else nothing was written since it was opened
            sync_path(self._log)
            sync_path(self.path.parent)

    def close(self) -> None:
        """Close; idempotent. What was postponed is committed, if there is room for it."""
        try:
            if self._postponed:
                with suppress(DiskFull):
                    self.commit()
        finally:
            self._db.close()
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1


def _storable(value: object) -> object:
    """A text that is no valid Unicode (services hold such names) is stored as bytes, which ``text`` turns back."""
    if not isinstance(value, str) or not any("\ud800" <= character <= "\udfff" for character in value):
        return value
    return value.encode("utf-8", "surrogatepass")


def text(value: str | bytes) -> str:
    """A text that was stored, whether it is valid Unicode or not."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogatepass")
