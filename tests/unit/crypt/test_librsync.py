"""librsync's format by its vectors, by random edits, and by Debian's ``rdiff`` both ways (SmartFile facts, 11)."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mountcloud.crypt import librsync
from mountcloud.crypt.librsync import DeltaJob, PatchJob, SignatureJob, is_available
from mountcloud.model.errors import Corrupt, Unsupported

OLD = b"ABCDEFGHIJKLMNOP"
NEW = b"ABCDEFGHxxIJKLMNOP"
SIGNATURE = bytes.fromhex("7273013600000008000000080dd4031cbd67be4b6106d1bf0ef4035c13be4ae1175a75db")
DELTA = bytes.fromhex("7273023645000802787845080800")
EMPTY = bytes.fromhex("727301360000080000000008")


@pytest.fixture(autouse=True)
def _needs_the_library() -> None:
    if not is_available():
        assert not os.environ.get("CI"), "librsync must be tested here"
        pytest.skip("librsync is not installed; ./run setup brings it")


def signature(old: bytes, block: int = 8, step: int = 1 << 20) -> bytes:
    job = SignatureJob(block)
    return b"".join(job.update(old[at : at + step]) for at in range(0, len(old), step)) + job.finish()


def delta(sums: bytes, new: bytes, step: int = 1 << 20) -> bytes:
    job = DeltaJob(sums)
    return b"".join(job.update(new[at : at + step]) for at in range(0, len(new), step)) + job.finish()


def patched(old: bytes, changes: bytes) -> bytes:
    job = PatchJob(lambda size, offset: old[offset : offset + size])
    return job.update(changes) + job.finish()


def test_the_vectors() -> None:
    assert signature(OLD) == SIGNATURE
    assert delta(SIGNATURE, NEW) == DELTA
    assert patched(OLD, DELTA) == NEW
    assert signature(b"", 2048) == EMPTY
    assert delta(EMPTY, b"hi") == bytes.fromhex("7273023602686900")


def test_every_width_of_a_number_is_understood() -> None:
    for where, offset_width in enumerate((1, 2, 4, 8)):
        for how, length_width in enumerate((1, 2, 4, 8)):
            copy = (
                bytes([0x45 + 4 * where + how]) + (3).to_bytes(offset_width, "big") + (2).to_bytes(length_width, "big")
            )
            literal = bytes([0x41 + how]) + (3).to_bytes(length_width, "big") + b"new"
            assert patched(b"abcdef", b"rs\x026" + copy + literal + b"\0") == b"denew"


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_any_edit_travels(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 4000))
    old = random.Random(size).randbytes(size)
    new = bytearray(old)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(new)))
        new[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    step = data.draw(st.integers(7, 5000))
    sums = signature(old, 64, step)
    assert sums == signature(old, 64)
    changes = delta(sums, bytes(new), step)
    assert patched(old, changes) == new
    if size > 2000:
        assert len(changes) < size


@pytest.mark.parametrize("broken", [b"", b"rs\x026\x45\xff\x10", DELTA[:-1], DELTA[:-1] + b"\x60", b"no delta at all"])
def test_what_is_no_delta_is_refused(broken: bytes) -> None:
    with pytest.raises(Corrupt):
        patched(OLD, broken)


def test_copies_from_beyond_the_old_file_are_refused() -> None:
    with pytest.raises(Corrupt):
        patched(b"abc", b"rs\x026\x45\x10\x05\0")


@pytest.mark.parametrize("broken", [b"", SIGNATURE[:9], b"rs\x026" + SIGNATURE[4:]])
def test_what_is_no_signature_is_refused(broken: bytes) -> None:
    with pytest.raises(Corrupt):
        delta(broken, NEW)


def test_without_the_library_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(librsync, "_library", lambda: None)
    assert not is_available()
    with pytest.raises(Unsupported, match="librsync2"):
        SignatureJob(8)


def test_rdiff_agrees_in_both_directions(tmp_path: Path) -> None:
    rdiff = shutil.which("rdiff")
    if rdiff is None:
        assert not os.environ.get("CI"), "rdiff must be there"
        pytest.skip("rdiff is not installed; ./run setup brings it")
    old, new = random.Random(1).randbytes(300_000), bytearray(random.Random(1).randbytes(300_000))
    new[100_000:100_010] = b"something longer than before"
    for name, data in (("old", old), ("new", bytes(new)), ("ours", delta(signature(old, 512), bytes(new)))):
        (tmp_path / name).write_bytes(data)

    def run(*words: str) -> None:
        subprocess.run([rdiff, *words], cwd=tmp_path, check=True, timeout=60)

    run("-H", "md4", "-R", "rollsum", "-b", "512", "-S", "8", "signature", "old", "sums")
    assert (tmp_path / "sums").read_bytes() == signature(old, 512)
    run("patch", "old", "ours", "made")
    assert (tmp_path / "made").read_bytes() == new
    run("delta", "sums", "new", "theirs")
    assert patched(old, (tmp_path / "theirs").read_bytes()) == new
