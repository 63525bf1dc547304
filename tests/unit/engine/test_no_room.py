"""The disk of this machine is full: what is owed waits, and goes on by itself as soon as there is room."""

from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import DiskFull
from mountcloud.model.ids import OperationId
from mountcloud.model.operation import Operation
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.journal import Journal
from tests.unit.engine.harness import Machine, Remote, on_trio

LONG_S = 600.0
SOON_S = 40.0


class Disk:
    """Has no room for notes of operations (only of attempts, if ``attempts``) while it is ``full``."""

    def __init__(self, patch: pytest.MonkeyPatch, *, attempts: bool) -> None:
        self.full = True
        self.refused = 0
        put = Journal.put

        def put_if_there_is_room(journal: Journal, operation: Operation) -> None:
            if self.full and (operation.tried_size >= 0 or not attempts):
                self.refused += 1
                raise DiskFull("no room")
            put(journal, operation)

        patch.setattr(Journal, "put", put_if_there_is_room)


@pytest.mark.parametrize("attempts", [False, True])
@pytest.mark.parametrize("files", [1, 30])
@on_trio
async def test_uploads_go_on_once_there_is_room(
    tmp_path: Path, service: MemoryService, remote: Remote, monkeypatch: pytest.MonkeyPatch, attempts: bool, files: int
) -> None:
    """Nothing wakes the replayer but itself: no program changes anything, and no answer is on its way."""
    disk = Disk(monkeypatch, attempts=attempts)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        for number in range(files):
            await here.write(f"{number}", b"mine")
        await trio.sleep(LONG_S)
        assert disk.refused > 1
        assert service.faults.calls["upload"] == 0
        disk.full = False
        await trio.sleep(SOON_S)
        assert [remote.read(f"{number}") for number in range(files)] == [b"mine"] * files
        assert here.owed == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_the_end_of_a_given_up_upload_needs_no_room(
    tmp_path: Path, service: MemoryService, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(journal: Journal, key: OperationId, state: str) -> None:
        if key == 77:
            asked.set()
            raise DiskFull("no room")

    asked = trio.Event()
    monkeypatch.setattr(Journal, "abandoned_uploads", lambda _: {OperationId(77): "parts"})
    monkeypatch.setattr(Journal, "save_progress", no_room)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await asked.wait()
        await here.write("after", b"mine")
        await here.drain()
        assert remote.read("after") == b"mine"
        nursery.cancel_scope.cancel()
