import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mountcloud.model.errors import DiskFull
from mountcloud.store.reserve import FLOOR, SIZE, STEP, Reserve
from mountcloud.store.sqlite import Database
from mountcloud.store.staging import Staging
from tests.unit.store.sealing import sealer


class Disk:
    """What ``statvfs`` tells."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 100 * SIZE
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=self.free, f_frsize=1))


class FullOnce:
    """A connection that finds the disk full at its first insertion."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.full = True

    def execute(self, statement: str, values: Any = ()) -> Any:
        if statement.startswith("INSERT") and self.full:
            self.full = False
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(statement, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def taken(tmp_path: Path) -> int:
    return (tmp_path / "reserve").stat().st_blocks * 512


def test_it_is_kept_back_and_given_to_a_database_that_finds_the_disk_full(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = Reserve(tmp_path / "reserve")
    assert taken(tmp_path) >= SIZE
    db = Database(tmp_path / "x.db", ["CREATE TABLE t (a)"], reserve)
    db.run("INSERT INTO t VALUES (1)")
    assert taken(tmp_path) >= SIZE
    monkeypatch.setattr(db, "_db", FullOnce(db._db))
    db.run("INSERT INTO t VALUES (2)")
    assert 0 < taken(tmp_path) <= SIZE - STEP, "what is left is out of the reach of others"
    assert db.rows("SELECT a FROM t") == [(1,), (2,)]
    disk.free = 0
    while reserve.release():
        pass
    assert taken(tmp_path) == 0
    monkeypatch.setattr(db, "_db", FullOnce(db._db))
    with pytest.raises(DiskFull):
        db.run("INSERT INTO t VALUES (3)")
    db.close()


def test_it_is_given_step_by_step_until_there_is_room(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = Reserve(tmp_path / "reserve")
    db = Database(tmp_path / "x.db", ["CREATE TABLE t (a)"], reserve)
    disk.free = 0
    monkeypatch.setattr(db, "_db", FullOnce(FullOnce(db._db)))
    db.run("INSERT INTO t VALUES (1)")
    assert 0 < taken(tmp_path) <= SIZE - 2 * STEP
    assert not reserve.hold()
    disk.free = 2 * STEP + 2 * FLOOR
    assert reserve.hold()
    assert taken(tmp_path) >= SIZE
    db.close()


def test_it_survives_a_restart_on_a_full_disk(tmp_path: Path, disk: Disk) -> None:
    Reserve(tmp_path / "reserve")
    disk.free = 0
    again = Reserve(tmp_path / "reserve")
    assert again.held
    assert again.release()
    assert not Reserve(tmp_path / "reserve").held


def test_nothing_new_is_begun_while_it_is_given_away(tmp_path: Path, disk: Disk) -> None:
    reserve = Reserve(tmp_path / "reserve")
    staging = Staging(tmp_path / "staging", sealer(), reserve)
    drafts = [staging.create(sealed=sealed) for sealed in (True, False)]
    disk.free = 0
    assert reserve.release()
    for draft in drafts:
        with pytest.raises(DiskFull):
            draft.pwrite(b"x", 0)
    with pytest.raises(DiskFull):
        staging.demand_room()
    with pytest.raises(DiskFull):
        staging.create(sealed=True)
    assert len(list((tmp_path / "staging").iterdir())) == 2
    disk.free = STEP + FLOOR
    with pytest.raises(DiskFull):
        staging.demand_room()
    disk.free = 2 * SIZE
    staging.demand_room()
    assert reserve.held
    for draft in drafts:
        assert draft.pwrite(b"x", 0) == 1
        draft.close()


def test_what_is_begun_needs_room_for_all_that_is_known_of_it(tmp_path: Path, disk: Disk) -> None:
    staging = Staging(tmp_path / "staging", sealer(), Reserve(tmp_path / "reserve"))
    disk.free = FLOOR + 1000
    staging.demand_room(1000)
    with pytest.raises(DiskFull):
        staging.demand_room(1001)
