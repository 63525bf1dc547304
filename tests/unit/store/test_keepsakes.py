from pathlib import Path

import pytest

from mountcloud.model.errors import DiskFull
from mountcloud.store.chunk_rows import MIGRATIONS
from mountcloud.store.keepsakes import KeepsakeBox
from mountcloud.store.sqlite import Database


def test_what_is_kept_survives_and_may_be_replaced(tmp_path: Path) -> None:
    db = Database(tmp_path / "box.db", MIGRATIONS)
    box = KeepsakeBox(db)
    box.put("name", "old")
    box.put("name", "new")
    db.close()
    again = Database(tmp_path / "box.db", MIGRATIONS)
    assert (KeepsakeBox(again).get("name"), KeepsakeBox(again).get("other")) == ("new", None)
    again.close()


def test_what_was_not_used_for_the_longest_time_makes_way(tmp_path: Path) -> None:
    db = Database(tmp_path / "box.db", MIGRATIONS)
    box = KeepsakeBox(db, most=1000)
    for number in range(3000):
        box.put(f"name {number}", "text")
        box.get("name 0")
        box.put("name 1", f"put again {number}")
    kept = sorted(int(row[0].removeprefix("name ")) for row in db.rows("SELECT name FROM keepsakes"))
    assert kept[:2] == [0, 1]
    assert kept[2:] == list(range(3000 - len(kept) + 2, 3000))
    assert 900 <= len(kept) <= 1101
    db.close()


def test_a_full_disk_keeps_nothing_and_hurts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = Database(tmp_path / "box.db", MIGRATIONS)
    box = KeepsakeBox(db)

    def full(*_: object) -> int:
        raise DiskFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(db, "run", full)
        box.put("name", "text")
    assert box.get("name") is None
    db.close()
