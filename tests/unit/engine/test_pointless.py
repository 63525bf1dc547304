"""An upload whose file is removed meanwhile is not sent to its end."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import Unavailable
from mountcloud.model.ids import NodeId, OperationId, Ref, Version
from mountcloud.model.node import Node
from mountcloud.model.operation import Operation, OperationKind
from mountcloud.model.provider import Source, UploadProgress, UploadTarget
from mountcloud.policy.merging import abandon
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, on_trio

UPLOAD = Operation(OperationId(1), OperationKind.UPLOAD, NodeId("local:a"))
MOVE = Operation(OperationId(2), OperationKind.MOVE, NodeId("local:a"))
REMOVE = Operation(OperationId(3), OperationKind.REMOVE, NodeId("local:a"))
OTHER = Ref(NodeId("7"), Version("v"))


class InPieces(MemoryProvider):
    """Reads a byte at a time, and waits for ``gate`` after the first."""

    def __init__(self, service: MemoryService) -> None:
        super().__init__(service)
        self.gate, self.begun = trio.Event(), trio.Event()
        self.entered = self.pieces = 0

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        self.entered += 1
        for offset in range(source.size):
            await source.pread(1, offset)
            self.pieces += 1
            self.begun.set()
            await self.gate.wait()
        return await super().upload(target, source, progress)


def test_what_is_left_of_an_upload_whose_file_is_gone() -> None:
    amendment = abandon(UPLOAD, [UPLOAD, MOVE, REMOVE])
    assert amendment is not None
    assert (amendment.drop, amendment.put) == ((1, 2, 3), ())
    assert abandon(UPLOAD, [UPLOAD, MOVE]) is None
    assert abandon(MOVE, [MOVE, REMOVE]) is None
    assert abandon(UPLOAD, [UPLOAD, replace(MOVE, replaces=OTHER), REMOVE]) is None
    assert abandon(replace(UPLOAD, replaces=OTHER), [replace(UPLOAD, replaces=OTHER), REMOVE]) is None
    known = replace(UPLOAD, node=OTHER.id, replaces=OTHER)
    amendment = abandon(known, [known, replace(REMOVE, node=OTHER.id)])
    assert amendment is not None
    assert amendment.drop == (1,)


@pytest.mark.parametrize("old", [False, True])
@on_trio
async def test_a_removed_file_is_not_sent_to_its_end(
    tmp_path: Path, service: MemoryService, remote: Remote, old: bool
) -> None:
    if old:
        remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        provider = InPieces(service)
        here = await Machine(tmp_path, provider, nursery).boot()
        await here.list()
        await here.write("a", b"0123456789")
        await provider.begun.wait()
        await here.unlink("a")
        provider.gate.set()
        await here.drain()
        assert remote.tree() == {}
        assert (provider.pieces, here.owed, here.staged) == (1, [], [])
        assert remote.calls == ({"remove": 1} if old else {})
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_arrived_though_nobody_heard_of_it_is_removed(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("upload", Unavailable("no answer", retry_after=20.0), after=True)
        await here.write("a", b"0123456789")
        while not remote.tree():
            await trio.sleep(0.1)
        await here.unlink("a")
        await here.drain()
        assert (remote.tree(), here.owed, here.staged) == ({}, [], [])
        assert remote.calls == {"upload": 1, "remove": 1}
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_waits_for_its_next_attempt_is_not_sent_either(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        provider = InPieces(service)
        provider.gate.set()
        here = await Machine(tmp_path, provider, nursery).boot()
        service.faults.fail_next("upload", Unavailable("not now", retry_after=100.0))
        await here.write("a", b"0123456789")
        await trio.sleep(5)
        await here.unlink("a")
        await here.drain()
        assert (remote.tree(), here.owed, here.staged) == ({}, [], [])
        assert provider.entered == 1
        nursery.cancel_scope.cancel()


@on_trio
async def test_who_waits_for_all_need_not_wait_for_the_next_attempt(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("upload", Unavailable("not now", retry_after=100.0))
        await here.write("a", b"1")
        await trio.sleep(5)
        begin = trio.current_time()
        await here.replayer.drained()
        assert trio.current_time() - begin < 2
        assert remote.tree() == {"a": b"1"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_who_waits_for_all_waits_for_no_program_that_holds_some_of_it_back(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """An emptied file that is still open is held back, and so is what comes after it."""
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write("file", b"old")
        await here.drain()
        handle = await here.open("file", os.O_WRONLY | os.O_TRUNC)
        here.fs.files.flush(handle)  # a copy of its descriptor is closed
        await here.rename("file", "renamed")
        await here.drain()
        assert [each.kind for each in here.owed] == [OperationKind.UPLOAD, OperationKind.MOVE]
        assert here.replayer.with_programs == {each.id for each in here.owed}
        await here.close(handle)
        await here.drain()
        assert (here.owed, remote.tree()) == ([], {"renamed": b""})
        nursery.cancel_scope.cancel()
