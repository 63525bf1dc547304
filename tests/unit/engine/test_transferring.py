import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from mountcloud.engine import transferring
from mountcloud.engine.transferring import FileSource, KeptProgress, download
from mountcloud.model.errors import Corrupt, Exists, InvalidArgument, IsADirectory, NotFound, Unavailable
from mountcloud.model.node import Node
from mountcloud.model.provider import UploadTarget
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_faults import Fault
from tests.conformance.content import MTIME_NS, BytesSource

PIECE = 1 << 16
DATA = os.urandom(20 * PIECE + 5)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transferring, "_PIECE", PIECE)


async def stored(provider: MemoryProvider, data: bytes = DATA) -> Node:
    return await provider.upload(
        UploadTarget(provider.service.root, "file", None, len(data), MTIME_NS), BytesSource(data)
    )


def on_trio(test: Callable[[MemoryProvider], Awaitable[None]]) -> None:
    trio.run(test, MemoryProvider())


@pytest.mark.parametrize("size", [0, 1, PIECE, 5 * PIECE - 1, len(DATA)])
def test_a_file_comes_whole_with_its_time(tmp_path: Path, size: int) -> None:
    async def test(provider: MemoryProvider) -> None:
        node, told = await stored(provider, DATA[:size]), [0]
        await download(provider, node, tmp_path / "here", progress=told.append)
        assert (tmp_path / "here").read_bytes() == DATA[:size]
        assert (tmp_path / "here").stat().st_mtime_ns == node.mtime_ns
        assert (told == sorted(told), told[-1]) == (True, size)
        assert [each.name for each in tmp_path.iterdir()] == ["here"]

    on_trio(test)


def test_what_came_is_not_fetched_again(tmp_path: Path) -> None:
    async def test(provider: MemoryProvider) -> None:
        node, told, faults = await stored(provider), [0], provider.service.faults
        await cut_off(provider, node, tmp_path / "here", after=10)
        assert not (tmp_path / "here").exists()
        before = faults.calls["fetch"]
        await download(provider, node, tmp_path / "here", progress=told.append)
        assert (tmp_path / "here").read_bytes() == DATA
        assert (told[1], faults.calls["fetch"] - before) == (8 * PIECE, 21 - 8)

    on_trio(test)


async def cut_off(provider: MemoryProvider, node: Node, target: Path, *, after: int) -> None:
    """An attempt whose connection breaks after so many pieces."""
    for _ in range(after):
        provider.service.faults.add("fetch", Fault())
    provider.service.faults.fail_next("fetch", Unavailable("cut off"))
    with pytest.raises(Unavailable):
        await download(provider, node, target)


def test_another_version_is_begun_anew(tmp_path: Path) -> None:
    async def test(provider: MemoryProvider) -> None:
        node = await stored(provider)
        await cut_off(provider, node, tmp_path / "here", after=10)
        newer = provider.service.replace_content(node.id, DATA[::-1], MTIME_NS)
        await download(provider, newer, tmp_path / "here")
        assert (tmp_path / "here").read_bytes() == DATA[::-1]

    on_trio(test)


def test_altered_content_leaves_nothing_also_after_an_interruption(tmp_path: Path) -> None:
    async def test(provider: MemoryProvider) -> None:
        provider.service.encrypt_below(provider.service.root)
        node = await stored(provider)
        await cut_off(provider, node, tmp_path / "here", after=10)
        provider.service.damage(node.id, 15 * PIECE)
        with pytest.raises(Corrupt, match="is not what was uploaded"):
            await download(provider, node, tmp_path / "here")
        assert list(tmp_path.iterdir()) == []

    on_trio(test)


def test_an_encrypted_file_is_checked_over_an_interruption(tmp_path: Path) -> None:
    async def test(provider: MemoryProvider) -> None:
        provider.service.encrypt_below(provider.service.root)
        node = await stored(provider)
        await cut_off(provider, node, tmp_path / "here", after=10)
        await download(provider, node, tmp_path / "here")
        assert (tmp_path / "here").read_bytes() == DATA

    on_trio(test)


def test_a_file_that_is_there_is_replaced_only_on_demand(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"mine")

    async def test(provider: MemoryProvider) -> None:
        node = await stored(provider)
        with pytest.raises(Exists):
            await download(provider, node, tmp_path / "here")
        assert (tmp_path / "here").read_bytes() == b"mine"
        await download(provider, node, tmp_path / "here", overwrite=True)
        assert (tmp_path / "here").read_bytes() == DATA
        with pytest.raises(IsADirectory):
            await download(provider, await provider.root(), tmp_path / "root")

    on_trio(test)


def test_a_file_is_sent_as_it_was_opened(tmp_path: Path) -> None:
    file, told = tmp_path / "file", [0]
    file.write_bytes(DATA)

    async def test(provider: MemoryProvider) -> None:
        source = FileSource.open(file, told.append)
        target = UploadTarget(provider.service.root, "sent", None, source.size, source.mtime_ns)
        node = await provider.upload(target, source)
        assert (node.size, told[-1]) == (len(DATA), len(DATA))
        file.write_bytes(b"other")
        with pytest.raises(InvalidArgument, match="was changed while it was sent"):
            await source.pread(1, 0)
        source.close()

    on_trio(test)
    with pytest.raises(NotFound):
        FileSource.open(tmp_path / "absent")
    with pytest.raises(IsADirectory):
        FileSource.open(tmp_path)


def test_progress_is_kept_until_it_is_over(tmp_path: Path) -> None:
    kept = KeptProgress(tmp_path / "note")
    assert kept.state == ""
    kept.save("half")
    assert (KeptProgress(tmp_path / "note").state, (tmp_path / "note").stat().st_mode & 0o777) == ("half", 0o600)
    kept.save("")
    assert list(tmp_path.iterdir()) == []
