"""A sealed draft is a file like any other, and its bytes on the disk tell nothing."""

import contextlib
import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mountcloud.crypt.draft_cipher import UNIT
from mountcloud.model.errors import OutOfSpace
from mountcloud.store.reserve import NoReserve
from mountcloud.store.staged_file import SealedFile
from tests.unit.store.sealing import sealer

MARK = b"nobody may read this sentence on the disk "


class Dies(Exception):
    """The process is dead."""


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    """An offset and a length: around blocks, units and the end, or anywhere in three units."""
    near = draw(st.sampled_from([0, 16, 4096, UNIT, 2 * UNIT, 3 * UNIT]))
    offset = max(near + draw(st.integers(-40, 40)), 0) if draw(st.booleans()) else draw(st.integers(0, 3 * UNIT))
    return offset, draw(st.sampled_from([0, 1, 15, 16, 17, 100, 4096, UNIT - 1, UNIT, 2 * UNIT]))


steps = st.lists(st.tuples(st.sampled_from(["write", "write", "write", "truncate", "reopen"]), places()), max_size=12)


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(0, 1 << 30))
def test_it_holds_what_a_plain_file_holds(history: list[tuple[str, tuple[int, int]]], seed: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        file, model = SealedFile(Path(directory) / "draft", NoReserve(), sealer()), bytearray()
        for verb, (offset, length) in history:
            if verb == "write":
                data = random.Random(seed + offset + length).randbytes(length)
                assert file.pwrite(data, offset) == length
                if data:
                    model.extend(bytes(max(offset - len(model), 0)))
                    model[offset : offset + length] = data
            elif verb == "truncate":
                file.truncate(offset)
                model = model[:offset].ljust(offset, b"\0")
            else:
                file.close()
                file = SealedFile(file.path, NoReserve(), sealer())
            assert file.size == len(model)
            assert file.pread(length + 50, offset) == bytes(model[offset : offset + length + 50])
        assert file.pread(len(model) + 1, 0) == model
        assert SealedFile.size_at(file.path) == len(model)
        file.close()


def test_nothing_of_the_content_is_on_the_disk(tmp_path: Path) -> None:
    file = SealedFile(tmp_path / "draft", NoReserve(), sealer())
    file.pwrite(MARK * 10_000, 5)
    file.pwrite(MARK, 7_000_000)
    file.truncate(3 * len(MARK))
    assert MARK[:16] not in file.path.read_bytes()
    assert MARK in file.pread(1000, 0)
    file.close()


def disk_calls(monkeypatch: pytest.MonkeyPatch, before: Callable[[], None]) -> None:
    """Call ``before`` ahead of everything that changes the file."""
    for name in ("pwrite", "ftruncate"):
        original = getattr(os, name)

        def call(*arguments: object, original: Callable[..., object] = original) -> object:
            before()
            return original(*arguments)

        monkeypatch.setattr(os, name, call)


CHANGES: list[Callable[[SealedFile], object]] = [
    lambda file: file.pwrite(b"new" * 50, 95),
    lambda file: file.pwrite(b"new" * 50, 500),
    lambda file: file.pwrite(b"N", 3),
    lambda file: file.truncate(7),
    lambda file: file.truncate(1000),
]


def content_after(change: Callable[[SealedFile], object], old: bytes, path: Path) -> bytes:
    file = SealedFile(path, NoReserve(), sealer())
    file.pwrite(old, 0)
    change(file)
    content = file.pread(5000, 0)
    file.close()
    return content


@pytest.mark.parametrize("change", CHANGES)
def test_a_kill_between_any_two_calls_leaves_the_old_or_the_new_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[SealedFile], object]
) -> None:
    """What was written before is whole, and what comes behind the end later reads as zeros."""
    old = b"0123456789" * 10
    new = content_after(change, old, tmp_path / "whole")
    left = [0]

    def count_down() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Dies

    for at in range(6):
        with monkeypatch.context() as patch:
            left[0] = 1000
            disk_calls(patch, count_down)
            file = SealedFile(tmp_path / f"draft-{at}", NoReserve(), sealer())
            file.pwrite(old, 0)
            left[0] = at
            with contextlib.suppress(Dies):
                change(file)
            file.close()
        again = SealedFile(file.path, NoReserve(), sealer())
        size = again.size
        assert size in {len(old), len(new)}
        content = again.pread(5000, 0)
        same = min(len(old), len(new), size)
        assert all(a in pair for a, *pair in zip(content[:same], old[:same], new[:same], strict=True))
        again.truncate(size + 100)
        assert again.pread(200, size) == bytes(100)
        again.close()


def test_a_disk_that_fills_up_in_a_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SealedFile(tmp_path / "draft", NoReserve(), sealer())
    file.pwrite(b"before", 0)
    whole = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if offset > 9000:
            raise OSError(errno.ENOSPC, "full")
        return whole(descriptor, data[:2000], offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OutOfSpace):
            file.pwrite(b"y" * 20_000, 6)
    assert (file.size, file.pread(100, 0)) == (6, b"before")
    file.truncate(30)
    assert file.pread(100, 0) == b"before" + bytes(24)
    file.close()
