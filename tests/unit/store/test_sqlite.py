import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from mountcloud.model.errors import Busy, Corrupt, OutOfSpace
from mountcloud.store.sqlite import Database

TABLE = ["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"]


def rows(db: Database) -> list[tuple[Any, ...]]:
    return db.rows("SELECT a, b FROM t ORDER BY a")


def left_by_a_kill(directory: Path) -> list[tuple[Any, ...]]:
    """What a new process finds when the present one dies now."""
    with tempfile.TemporaryDirectory() as copies:
        for path in directory.glob("x.db*"):
            shutil.copy(path, copies)
        db = Database(Path(copies) / "x.db", TABLE)
        found = rows(db)
        db.close()
    return found


def test_the_outermost_transaction_commits(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    with db.transaction():
        db.run("INSERT INTO t VALUES (1, 'one')")
        with db.transaction():
            db.run("INSERT INTO t VALUES (2, 'two')")
        assert left_by_a_kill(tmp_path) == []
    assert left_by_a_kill(tmp_path) == [(1, "one"), (2, "two")]
    db.close()


def test_a_failure_inside_undoes_all(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)

    def insert_and_fail() -> None:
        with db.transaction():
            db.run("INSERT INTO t VALUES (1, 'one')")
            with db.transaction():
                db.run("INSERT INTO t VALUES (2, 'two')")
                raise KeyError

    with pytest.raises(KeyError):
        insert_and_fail()
    assert rows(db) == []
    db.run("INSERT INTO t VALUES (3, 'three')")
    assert rows(db) == [(3, "three")]
    db.close()


def test_a_full_disk_has_its_failure_and_undoes_all(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    db.run("PRAGMA max_page_count = 8")

    def insert_too_much() -> None:
        with db.transaction():
            for number in range(1000):
                db.run("INSERT INTO t VALUES (?, ?)", (number, "x" * 1000))

    with pytest.raises(OutOfSpace):
        insert_too_much()
    assert rows(db) == []
    db.run("INSERT INTO t VALUES (1, 'room')")
    assert rows(db) == [(1, "room")]
    db.close()


class _FullAtCommit:
    """A connection whose next commit finds the disk full, and every statement with the values ``refused``."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.full = True
        self.refused: tuple[object, ...] | None = None

    def execute(self, statement: str, values: Any = ()) -> Any:
        if values and values == self.refused:
            raise sqlite3.OperationalError("database or disk is full")
        if statement == "COMMIT" and self.full:
            self.full = False
            self._connection.execute("ROLLBACK")  # as SQLite does
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(statement, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_a_commit_that_fails_does_not_swallow_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    monkeypatch.setattr(db, "_db", _FullAtCommit(db._db))
    with pytest.raises(OutOfSpace), db.transaction():
        db.run("INSERT INTO t VALUES (1, 'one')")
    with db.transaction():
        db.run("INSERT INTO t VALUES (2, 'two')")
    assert left_by_a_kill(tmp_path) == [(2, "two")]
    db.close()


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    Database(tmp_path / "x.db", [*TABLE, "CREATE TABLE u (c)"]).close()
    with pytest.raises(Corrupt, match="newer"):
        Database(tmp_path / "x.db", TABLE)


def test_an_older_version_is_brought_up(tmp_path: Path) -> None:
    old = Database(tmp_path / "x.db", TABLE)
    old.run("INSERT INTO t VALUES (1, 'one')")
    old.close()
    new = Database(tmp_path / "x.db", [*TABLE, "ALTER TABLE t ADD COLUMN c TEXT NOT NULL DEFAULT 'see'"])
    assert new.rows("SELECT * FROM t") == [(1, "one", "see")]
    new.close()


def test_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"my diary" * 1000)
    with pytest.raises(Corrupt):
        Database(tmp_path / "x.db", TABLE)
    assert (tmp_path / "x.db").read_bytes() == b"my diary" * 1000


def test_the_file_is_private(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    db.run("INSERT INTO t VALUES (1, 'one')")
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
    db.sync()
    db.close()


def test_a_second_process_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    db.run("INSERT INTO t VALUES (1, 'one')")
    with pytest.raises(Busy):
        Database(tmp_path / "x.db", TABLE)
    assert rows(db) == [(1, "one")]
    db.close()


def test_the_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    for number in range(3000):
        db.run("INSERT OR REPLACE INTO t VALUES (1, ?)", ("x" * (number % 4000),))
    assert (tmp_path / "x.db-wal").stat().st_size < 2 << 20
    assert not (tmp_path / "x.db-shm").exists()
    db.close()


def test_a_remark_on_the_last_line_of_a_migration_swallows_nothing(tmp_path: Path) -> None:
    remarked = [f"{TABLE[0]};\n-- the first version"]
    db = Database(tmp_path / "x.db", remarked)
    db.run("INSERT INTO t VALUES (1, 'one')")
    db.close()
    again = Database(tmp_path / "x.db", remarked)
    assert rows(again) == [(1, "one")]
    again.close()


def insert_and_fail(db: Database, change: AbstractContextManager[None]) -> None:
    with change:
        db.run("INSERT INTO t VALUES (2, 'two')")
        raise KeyError


def test_what_is_postponed_is_seen_at_once_and_committed_with_what_follows(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    for number in (1, 2):
        with db.postponed():
            db.run("INSERT INTO t VALUES (?, 'later')", (number,))
    assert rows(db) == [(1, "later"), (2, "later")]
    assert left_by_a_kill(tmp_path) == []
    db.run("INSERT INTO t VALUES (3, 'now')")
    assert left_by_a_kill(tmp_path) == rows(db) == [(1, "later"), (2, "later"), (3, "now")]
    db.close()


@pytest.mark.parametrize("end", [Database.commit, Database.secure_room, Database.close])
def test_what_is_postponed_is_committed_when_it_is_wanted(tmp_path: Path, end: Callable[[Database], None]) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    with db.postponed():
        db.run("INSERT INTO t VALUES (1, 'later')")
    end(db)
    assert left_by_a_kill(tmp_path) == [(1, "later")]
    db.close()


def test_a_transaction_begins_with_what_was_postponed_committed(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    with db.postponed():
        db.run("INSERT INTO t VALUES (1, 'later')")
    with pytest.raises(KeyError):
        insert_and_fail(db, db.transaction())
    assert left_by_a_kill(tmp_path) == rows(db) == [(1, "later")]
    db.close()


def test_many_changes_are_not_postponed_for_ever(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    for number in range(1000):
        with db.postponed():
            db.run("INSERT INTO t VALUES (?, '')", (number,))
    assert 500 < len(left_by_a_kill(tmp_path)) < 1000
    db.close()


def test_a_postponed_change_that_fails_leaves_those_before_it(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    with db.postponed():
        db.run("INSERT INTO t VALUES (1, 'one')")
    with pytest.raises(KeyError):
        insert_and_fail(db, db.postponed())
    with db.postponed():
        db.run("INSERT INTO t VALUES (3, 'three')")
    db.commit()
    assert left_by_a_kill(tmp_path) == rows(db) == [(1, "one"), (3, "three")]
    db.close()


def test_a_full_disk_takes_nothing_of_what_was_postponed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    with db.postponed():
        db.run("INSERT INTO t VALUES (1, 'one')")
    monkeypatch.setattr(db, "_db", _FullAtCommit(db._db))
    with pytest.raises(OutOfSpace):
        db.commit()
    assert rows(db) == [(1, "one")]
    with db.postponed():
        db.run("INSERT INTO t VALUES (2, 'two')")
    db.commit()
    assert left_by_a_kill(tmp_path) == [(1, "one"), (2, "two")]
    db.close()


def test_what_is_made_again_on_a_full_disk_is_made_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    for number in (1, 2):
        with db.postponed():
            db.run("INSERT INTO t VALUES (?, 'later')", (number,))
    full = _FullAtCommit(db._db)
    full.refused = (2,)
    monkeypatch.setattr(db, "_db", full)
    for _ in range(2):
        with pytest.raises(OutOfSpace):
            db.commit()
        assert rows(db) == [], "half of it would be taken for all"
    full.refused = ()
    db.commit()
    assert left_by_a_kill(tmp_path) == rows(db) == [(1, "later"), (2, "later")]
    db.close()


def test_a_change_that_finds_the_disk_full_undoes_itself_alone(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db", TABLE)
    db.run("PRAGMA max_page_count = 8")
    with db.postponed():
        db.run("INSERT INTO t VALUES (1, 'one')")

    def insert_too_much() -> None:
        with db.postponed():
            for number in range(2, 1000):
                db.run("INSERT INTO t VALUES (?, ?)", (number, "x" * 1000))

    with pytest.raises(OutOfSpace):
        insert_too_much()
    assert rows(db) == [(1, "one")]
    db.commit()
    assert left_by_a_kill(tmp_path) == [(1, "one")]
    db.close()
