"""Files on their way into a directory to which others may write too."""

import json
import os
from pathlib import Path

import pytest

from mountcloud.model.errors import Forbidden
from mountcloud.model.ids import Version
from mountcloud.store.part_file import Arrived, PartFile

VERSION = Version("1")


def test_what_was_noted_is_gone_on_with(tmp_path: Path) -> None:
    with PartFile(tmp_path / "file") as part:
        part.open(VERSION)
        part.write(b"12345", 0)
        part.note(Arrived(VERSION, 4, b"state"))
    with PartFile(tmp_path / "file") as part:
        assert part.open(VERSION) == Arrived(VERSION, 4, b"state")
        part.write(b"4567", 3)
        part.finish(1_000_000_000, overwrite=False)
    assert (tmp_path / "file").read_bytes() == b"1234567"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", [".file.mountcloud-part.new", ".file.mountcloud-part.json"])
def test_no_link_that_somebody_put_there_is_followed(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text(json.dumps({"version": VERSION, "size": 3, "check": ""}))
    before = precious.read_text()
    (tmp_path / name).symlink_to(precious)
    with PartFile(tmp_path / "file") as part:
        assert part.open(VERSION).size == 0
        part.note(Arrived(VERSION, 0))
    assert precious.read_text() == before


def test_a_beginning_that_somebody_else_made_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PartFile(tmp_path / "file") as part:
        part.open(VERSION)
        part.write(b"forged", 0)
        part.note(Arrived(VERSION, 6))
    (tmp_path / ".file.mountcloud-part").rename(tmp_path / "theirs")
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    with PartFile(tmp_path / "file") as part, pytest.raises(Forbidden):
        part.open(VERSION)
