import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mountcloud.model.errors import Corrupt, NoKey, OutOfSpace, TooLarge, Unavailable
from mountcloud.model.ids import NodeId
from mountcloud.store.attributes import Attributes, Stored
from mountcloud.store.staged_file import StagedFile
from mountcloud.store.staging import Staging
from tests.unit.store.sealing import sealer


@pytest.mark.parametrize(
    ("number", "failure"),
    [
        (errno.ENOSPC, OutOfSpace),
        (errno.EDQUOT, OutOfSpace),
        (errno.EFBIG, TooLarge),
        (errno.EIO, Unavailable),
    ],
)
@pytest.mark.parametrize("call", ["pwrite", "ftruncate"])
def test_a_disk_in_trouble_has_its_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, failure: type[Exception], call: str
) -> None:
    def trouble(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    file = Staging(tmp_path, sealer()).create(sealed=False)
    monkeypatch.setattr(os, call, trouble)
    with pytest.raises(failure):
        file.pwrite(b"1", 0) if call == "pwrite" else file.truncate(1)
    file.close()


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, offset: whole(descriptor, data[:3], offset))
    file = Staging(tmp_path, sealer()).create(sealed=False)
    assert file.pwrite(b"0123456789", 2) == 10
    assert file.pread(100, 0) == b"\0\0" + b"0123456789"
    file.close()


@pytest.mark.parametrize("sealed", [False, True])
def test_drafts_are_private_and_found_again(tmp_path: Path, sealed: bool) -> None:
    staging = Staging(tmp_path / "s", sealer())
    file = staging.create(sealed=sealed)
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


@pytest.mark.parametrize("sealed", [False, True])
def test_orphans_are_set_aside_and_nothing_else(tmp_path: Path, sealed: bool) -> None:
    staging = Staging(tmp_path, sealer())
    kept, orphan, empty = (staging.create(sealed=sealed) for _ in range(3))
    kept.pwrite(b"kept", 0)
    orphan.pwrite(b"orphan", 0)
    for file in (kept, orphan, empty):
        file.close()
    (moved,) = staging.set_aside([kept.name])
    assert unclosed(staging) == {moved.name: b"orphan"}
    assert staging.set_aside([kept.name]) == [], "what was set aside stays there"
    assert unclosed(staging) == {orphan.name: b"orphan"}
    assert contents(staging.open(kept.name)) == b"kept"
    assert not empty.path.exists()


def contents(file: StagedFile) -> bytes:
    data = file.pread(file.size, 0)
    file.close()
    return data


def unclosed(staging: Staging) -> dict[str, bytes]:
    return {file.name: contents(file) for file in staging.unclosed()}


def test_a_draft_without_its_key_is_told_of_before_anything_else(tmp_path: Path) -> None:
    file = Staging(tmp_path, sealer("aaaaaaaa")).create(sealed=True)
    file.pwrite(b"1", 0)
    file.close()
    (tmp_path / "damaged.sealed").write_bytes(b"damaged")
    (tmp_path / "being made.sealed").touch()
    Staging(tmp_path, sealer("aaaaaaaa")).demand_keys()
    with pytest.raises(NoKey):
        Staging(tmp_path, sealer("bbbbbbbb")).demand_keys()
    assert contents(Staging(tmp_path, sealer("bbbbbbbb", "aaaaaaaa")).open(file.name)) == b"1"


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


def test_attributes_of_what_vanished_wait_a_month(tmp_path: Path) -> None:
    day = 86_400.0
    attributes = Attributes(tmp_path / "a.db")
    for name in ("1", "2", "3", "local:x", "gone:9"):
        attributes.put_extended(NodeId(name), b"user.a", b"value")
        attributes.put(NodeId(name), Stored(mode=0o600))
    attributes.vanished([NodeId("1"), NodeId("2"), NodeId("unknown")], 0.0)
    attributes.prune(29 * day, lambda node: node == "local:x")
    assert attributes.get(NodeId("1")) == Stored(mode=0o600)
    assert attributes.extended_names(NodeId("local:x")) == [b"user.a"]
    assert attributes.extended_names(NodeId("gone:9")) == []
    attributes.prune(31 * day, lambda node: node == "2")
    assert [attributes.extended_names(NodeId(each)) for each in "123"] == [[], [b"user.a"], [b"user.a"]]
    assert attributes.get(NodeId("1")) == Stored()
    attributes.prune(99 * day, lambda node: False)
    assert attributes.get(NodeId("2")) == Stored(mode=0o600), "it had come back"
    attributes.close()


def test_extended_attributes_follow_and_are_bounded(tmp_path: Path) -> None:
    attributes = Attributes(tmp_path / "a.db")
    local, real, copy = NodeId("local:1"), NodeId("7"), NodeId("gone:7")
    attributes.put_extended(real, b"user.old", b"gone")
    attributes.put_extended(local, b"user.a", b"x" * 1000)
    attributes.put(real, Stored(mode=0o755))
    attributes.rebind(local, real)
    assert attributes.get(real) == Stored(), "the usual mode of the new file, not that of the one it replaced"
    assert attributes.extended_names(real) == [b"user.a"]
    attributes.copy(real, copy)
    assert attributes.extended(copy, b"user.a") == b"x" * 1000
    attributes.put_extended(real, b"user.a", b"x" * ((1 << 20) - 6))
    with pytest.raises(OutOfSpace):
        attributes.put_extended(real, b"user.b", b"")
    attributes.close()


def test_what_is_pinned_follows_its_node(tmp_path: Path) -> None:
    attributes = Attributes(tmp_path / "a.db")
    attributes.pin(NodeId("1"), "d/f")
    attributes.pin(NodeId("2"), "12")
    attributes.rebind(NodeId("1"), NodeId("3"))
    attributes.forget(NodeId("2"))
    attributes.close()
    again = Attributes(tmp_path / "a.db")
    assert again.pinned == {"3": "d/f"}
    again.unpin(NodeId("3"))
    assert again.pinned == {}
    again.close()
