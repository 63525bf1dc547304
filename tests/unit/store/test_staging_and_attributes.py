import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mountcloud.model.errors import Corrupt, OutOfSpace, Unavailable
from mountcloud.model.ids import NodeId
from mountcloud.store.attributes import Attributes, Stored
from mountcloud.store.staging import Staging


@pytest.mark.parametrize(
    ("number", "failure"), [(errno.ENOSPC, OutOfSpace), (errno.EDQUOT, OutOfSpace), (errno.EIO, Unavailable)]
)
@pytest.mark.parametrize("call", ["pwrite", "ftruncate"])
def test_a_disk_in_trouble_has_its_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, failure: type[Exception], call: str
) -> None:
    def trouble(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    file = Staging(tmp_path).create()
    monkeypatch.setattr(os, call, trouble)
    with pytest.raises(failure):
        file.pwrite(b"1", 0) if call == "pwrite" else file.truncate(1)
    file.close()


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, offset: whole(descriptor, data[:3], offset))
    file = Staging(tmp_path).create()
    assert file.pwrite(b"0123456789", 2) == 10
    assert file.pread(100, 0) == b"\0\0" + b"0123456789"
    file.close()


def test_drafts_are_private_and_found_again(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "s")
    file = staging.create()
    file.pwrite(b"1", 0)
    file.close()
    file.close()
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    assert file.path.stat().st_mode & 0o777 == 0o600
    again = staging.open(file.name)
    assert (again.pread(9, 0), staging.size_of(file.name)) == (b"1", 1)
    again.close()
    staging.remove(file.name)
    staging.remove(file.name)
    assert staging.size_of(file.name) is None
    with pytest.raises(Corrupt):
        staging.open(file.name)


def test_orphans_are_set_aside_and_nothing_else(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    kept, orphan, empty = staging.create(), staging.create(), staging.create()
    kept.pwrite(b"kept", 0)
    orphan.pwrite(b"orphan", 0)
    for file in (kept, orphan, empty):
        file.close()
    (moved,) = staging.set_aside([kept.name])
    assert moved.read_bytes() == b"orphan"
    assert staging.set_aside([kept.name]) == [], "what was set aside stays there"
    assert moved.read_bytes() == b"orphan"
    assert kept.path.read_bytes() == b"kept"
    assert not empty.path.exists()


def test_attributes_survive_and_follow_their_node(tmp_path: Path) -> None:
    attributes = Attributes(tmp_path / "a.db")
    local, real = NodeId("local:1"), NodeId("7")
    attributes.put(local, Stored(mode=0o600))
    attributes.put(real, Stored(mode=0o777, uid=5))
    attributes.rebind(local, real)
    attributes.rebind(NodeId("unknown"), real)
    attributes.rebind(real, real)
    assert (attributes.get(local), attributes.get(real)) == (Stored(), Stored(mode=0o600))
    attributes.close()
    attributes = Attributes(tmp_path / "a.db")
    assert attributes.get(real) == Stored(mode=0o600)
    attributes.forget(real)
    attributes.forget(real)
    attributes.close()
    attributes = Attributes(tmp_path / "a.db")
    assert attributes.get(real) == Stored()
    attributes.close()
