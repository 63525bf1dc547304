"""What the service in memory offers beyond the port, for the tests of others."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from itertools import count

import pytest
import trio
import trio.testing

from mountcloud.crypt.gcm_stream import GcmStreamCipher
from mountcloud.model.change import Removed, Upserted
from mountcloud.model.errors import (
    Conflict,
    CrossesBoundary,
    Forbidden,
    InvalidArgument,
    IsADirectory,
    NoKey,
    NotADirectory,
    NotFound,
    NotPermitted,
    Outdated,
    QuotaExceeded,
    Unavailable,
)
from mountcloud.model.ids import Cursor, NodeId
from mountcloud.model.node import Node, Rights
from mountcloud.model.provider import Capabilities, ChangeFeed, Integrity, UploadTarget, Usage
from mountcloud.model.span import StoredSpan
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.conformance.content import BytesSource

LOST = Unavailable("the line is dead")


def service(feed: ChangeFeed = ChangeFeed.NONE, quota: int | None = None, batch_size: int = 100) -> MemoryService:
    ticks = count(1_000_000_000_000_000_000, 1_000_000_000)
    return MemoryService(
        Capabilities(change_feed=feed), quota=quota, clock_ns=partial(next, ticks), batch_size=batch_size
    )


def in_memory(test: Callable[[MemoryProvider], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        trio.run(test, MemoryProvider(service(quota=1000)))

    return run


async def put(provider: MemoryProvider, name: str, data: bytes, parent: NodeId | None = None) -> Node:
    target = UploadTarget(parent or provider.service.root, name, None, len(data), 0)
    return await provider.upload(target, BytesSource(data))


@in_memory
async def test_a_failure_meets_the_next_call_only(provider: MemoryProvider) -> None:
    provider.service.faults.fail_next("make_directory", LOST)
    with pytest.raises(Unavailable, match="dead"):
        await provider.make_directory(provider.service.root, "name", 0)
    assert list(await provider.children(provider.service.root)) == []
    await provider.make_directory(provider.service.root, "name", 0)
    assert provider.service.faults.calls == {"make_directory": 2, "children": 1}


@in_memory
async def test_a_lost_reply_leaves_its_effect(provider: MemoryProvider) -> None:
    provider.service.faults.fail_next("upload", LOST, after=True)
    with pytest.raises(Unavailable, match="dead"):
        await put(provider, "file", b"abc")
    assert [child.name for child in await provider.children(provider.service.root)] == ["file"]


@in_memory
async def test_faults_are_met_in_their_order(provider: MemoryProvider) -> None:
    provider.service.faults.fail_next("root", LOST)
    provider.service.faults.fail_next("root", Outdated("second"))
    with pytest.raises(Unavailable):
        await provider.root()
    with pytest.raises(Outdated):
        await provider.root()


@pytest.mark.parametrize("after", [False, True])
def test_a_held_call_waits_for_its_gate(after: bool) -> None:
    async def main() -> None:
        provider = MemoryProvider()
        held = provider.service.faults.hold_next("make_directory", after=after)
        assert held.gate is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(provider.make_directory, provider.service.root, "name", 0)
            await held.arrived.wait()
            await trio.testing.wait_all_tasks_blocked()
            assert len(await provider.children(provider.service.root)) == int(after)
            held.gate.set()
        assert len(await provider.children(provider.service.root)) == 1

    trio.run(main)


@in_memory
async def test_fetch_can_fail_too(provider: MemoryProvider) -> None:
    content = await provider.open(await put(provider, "file", b"abc"))
    provider.service.faults.fail_next("fetch", LOST)
    with pytest.raises(Unavailable):
        await content.fetch(StoredSpan(0, 3))
    assert await content.fetch(StoredSpan(1, 3)) == b"bc"
    with pytest.raises(InvalidArgument):
        await content.fetch(StoredSpan(1, 4))


@in_memory
async def test_the_quota_counts_what_an_upload_frees(provider: MemoryProvider) -> None:
    file = await put(provider, "file", bytes(900))
    with pytest.raises(QuotaExceeded):
        await put(provider, "other", bytes(101))
    target = UploadTarget(provider.service.root, "file", file.ref, 1000, 0)
    await provider.upload(target, BytesSource(bytes(1000)))
    assert await provider.usage() == Usage(1000, 1000)


@in_memory
async def test_the_bin_keeps_what_was_replaced_and_removed(provider: MemoryProvider) -> None:
    old = await put(provider, "file", b"old")
    new = await provider.upload(UploadTarget(provider.service.root, "file", old.ref, 3, 0), BytesSource(b"new"))
    await provider.remove(new.ref)
    assert [(binned.node.version, binned.stored) for binned in provider.service.bin] == [
        (old.version, b"old"),
        (new.version, b"new"),
    ]
    first, second = (binned.removed_ns for binned in provider.service.bin)
    assert second - first == 1_000_000_000


@in_memory
async def test_rights_that_were_taken_away_are_missing(provider: MemoryProvider) -> None:
    root = provider.service.root
    file = await put(provider, "file", b"abc")
    bare = await provider.make_directory(root, "bare", 0)
    for node in (file, bare):
        provider.service.restrict(node.id, Rights.NONE)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: provider.open(file),
        lambda: provider.children(bare.id),
        lambda: put(provider, "new", b"", bare.id),
        lambda: provider.upload(UploadTarget(root, "file", file.ref, 0, 0), BytesSource(b"")),
        lambda: provider.make_directory(bare.id, "new", 0),
        lambda: provider.move(file.ref, root, "renamed", None),
        lambda: provider.move(file.ref, bare.id, "file", None),
        lambda: provider.set_times(file.ref, 0),
        lambda: provider.remove(file.ref),
    ]
    for call in calls:
        with pytest.raises(Forbidden):
            await call()
    provider.service.restrict(file.id, Rights.MOVE)
    with pytest.raises(Forbidden):
        await provider.move(file.ref, bare.id, "file", None)
    provider.service.restrict(bare.id, Rights.MOVE_IN)
    provider.service.restrict(file.id, Rights.RENAME)
    with pytest.raises(Forbidden):
        await provider.move(file.ref, bare.id, "file", None)
    provider.service.restrict(file.id, Rights.MOVE)
    assert (await provider.move(file.ref, bare.id, "file", None)).rights is Rights.MOVE


@in_memory
async def test_the_root_stays(provider: MemoryProvider) -> None:
    root = await provider.root()
    directory = await provider.make_directory(root.id, "directory", 0)
    with pytest.raises(NotPermitted):
        await provider.move(root.ref, directory.id, "root", None)
    with pytest.raises(NotPermitted):
        await provider.remove(root.ref)


@in_memory
async def test_files_and_directories_are_not_taken_for_each_other(provider: MemoryProvider) -> None:
    file = await put(provider, "file", b"abc")
    directory = await provider.make_directory(provider.service.root, "directory", 0)
    with pytest.raises(NotADirectory):
        await provider.children(file.id)
    with pytest.raises(NotADirectory):
        await put(provider, "new", b"", file.id)
    with pytest.raises(IsADirectory):
        await provider.open(directory)
    with pytest.raises(IsADirectory):
        await provider.upload(UploadTarget(directory.id, "directory", directory.ref, 0, 0), BytesSource(b""))


@in_memory
async def test_only_the_present_version_opens_or_makes_way(provider: MemoryProvider) -> None:
    file, other = await put(provider, "file", b"abc"), await put(provider, "other", b"abc")
    old = replace(file.ref, version=other.version)
    with pytest.raises(Outdated):
        await provider.open(replace(file, version=other.version))
    with pytest.raises(Conflict):
        await provider.move(other.ref, provider.service.root, "file", old)
    assert len(await provider.children(provider.service.root)) == 2


@in_memory
async def test_a_source_that_ends_early_leaves_nothing(provider: MemoryProvider) -> None:
    with pytest.raises(InvalidArgument, match="3 of 4"):
        await provider.upload(UploadTarget(provider.service.root, "file", None, 4, 0), BytesSource(b"abc"))
    assert list(await provider.children(provider.service.root)) == []


@in_memory
async def test_encrypted_files_are_encrypted_and_stay_on_their_side(provider: MemoryProvider) -> None:
    root = provider.service.root
    secret = await provider.make_directory(root, "secret", 0)
    provider.service.encrypt_below(secret.id)
    file, plain = await put(provider, "file", b"a" * 40, secret.id), await put(provider, "plain", b"a" * 40)
    assert await tag_verdict(provider, file) is True
    for node, target in [(file, root), (plain, secret.id)]:
        with pytest.raises(CrossesBoundary):
            await provider.move(node.ref, target, "moved", None)
    provider.service.damage(file.id, 17)
    assert await tag_verdict(provider, file) is False
    provider.service.withhold_key(file.id)
    with pytest.raises(NoKey):
        await provider.open(file)


async def tag_verdict(provider: MemoryProvider, node: Node) -> bool | None:
    content = await provider.open(node)
    assert content.cipher.integrity is Integrity.WHOLE_FILE
    assert isinstance(content.cipher, GcmStreamCipher)
    check, span = content.cipher.check(b""), StoredSpan(0, node.size)
    stored = await content.fetch(span)
    assert stored != b"a" * 40
    check.add(span, stored)
    return check.verdict()


def test_the_feed_comes_in_batches_and_can_lose_its_memory() -> None:
    async def main() -> None:
        provider = MemoryProvider(service(ChangeFeed.CURSOR, batch_size=2))
        cursor = (await provider.changes(None)).cursor
        made = [await put(provider, name, b"") for name in "abc"]
        await provider.remove(made[0].ref)
        first = await provider.changes(cursor)
        second = await provider.changes(first.cursor)
        assert first.changes == (Upserted(made[0]), Upserted(made[1]))
        assert second.changes == (Upserted(made[2]), Removed(made[0].id))
        assert [first.more, second.more] == [True, False]
        provider.service.log.forget()
        for old in (cursor, first.cursor, Cursor("nonsense"), Cursor("99")):
            batch = await provider.changes(old)
            assert (batch.changes, batch.cursor, batch.reset) == ((), second.cursor, True)
        assert not (await provider.changes(second.cursor)).reset

    trio.run(main)


def test_versions_above_wait_while_they_are_held() -> None:
    async def main() -> None:
        provider = MemoryProvider(service(ChangeFeed.TREE_VERSION))
        directory = await provider.make_directory(provider.service.root, "directory", 0)
        doomed = await provider.make_directory(directory.id, "doomed", 0)
        provider.service.directory_versions.held = True
        root, directory = await provider.root(), await provider.node(directory.ref)
        below = await provider.make_directory(doomed.id, "below", 0)
        assert (await provider.node(directory.ref)).version == directory.version
        await provider.remove(below.ref)
        await provider.remove(doomed.ref)
        assert (await provider.node(directory.ref)).version != directory.version
        assert (await provider.root()).version == root.version
        provider.service.directory_versions.propagate()
        assert (await provider.root()).version != root.version

    trio.run(main)


@in_memory
async def test_directories_without_tree_versions_have_none(provider: MemoryProvider) -> None:
    await put(provider, "file", b"")
    assert (await provider.root()).version == ""
    with pytest.raises(NotFound):
        await provider.children(NodeId("node-99"))
