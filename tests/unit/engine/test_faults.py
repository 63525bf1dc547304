"""A fault in the background harms what it concerns, and never ends the mount."""

import logging
from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import DiskFull
from mountcloud.model.operation import OperationState
from mountcloud.providers.memory import MemoryProvider
from tests.unit.engine.harness import Machine, Remote, new_service, on_trio


@on_trio
async def test_pinning_goes_on_after_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = new_service()
    Remote(service).write("file", b"pinned")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.pinner.pin(here.index.require(await here.inode("file")))

        def full(*_: object, **__: object) -> None:
            raise DiskFull("no room")

        with monkeypatch.context() as patch:
            patch.setattr(here.chunks, "pin", full)
            nursery.start_soon(here.pinner.run)
            await trio.sleep(10)
            assert "no room" in here.pinner.trouble
        await trio.sleep(10)
        assert (here.pinner.trouble, here.pinner.missing) == ("", 0)
        await here.kill()
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_fault_after_the_answer_of_the_service_parks_the_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service = new_service()
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()

        def broken(*_: object) -> None:
            raise ValueError("a fault")

        with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL):
            patch.setattr(here.index, "rebind", broken)
            await here.write("file", b"1")
            await trio.sleep(10)
            assert [each.state for each in here.owed] == [OperationState.PARKED]
        here.replayer.retry_parked()
        await here.drain()
        assert (here.owed, Remote(service).tree()) == ([], {"file": b"1"})
        await here.kill()
        nursery.cancel_scope.cancel()
