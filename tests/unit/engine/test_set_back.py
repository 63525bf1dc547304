"""Somebody sets the clock of this machine back: what is owed is sent all the same, and changes of others are seen."""

from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import Unavailable
from mountcloud.model.provider import ChangeFeed
from mountcloud.providers.memory import MemoryProvider
from tests.unit.engine import harness
from tests.unit.engine.harness import EPOCH, RECHECK_S, Machine, Remote, new_service, on_trio

DAY_S = 86_400.0


@pytest.mark.durability("clock-back")
@pytest.mark.parametrize("waits", ["to settle", "for its next attempt"])
@on_trio
async def test_what_is_owed_does_not_wait_for_the_time_to_come_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: str
) -> None:
    service = new_service()
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        if waits == "for its next attempt":
            service.faults.fail_next("upload", Unavailable("closed for an hour", retry_after=3600))
        await here.write("file", b"saved")
        if waits == "for its next attempt":
            await trio.sleep(60)
        [owed] = here.owed
        assert owed.not_before > here.now()
        monkeypatch.setattr(harness, "EPOCH", EPOCH - DAY_S / 12)
        await trio.sleep(61 if waits == "to settle" else 3661)
        assert Remote(service).tree() == {"file": b"saved"}
        await here.kill()
        nursery.cancel_scope.cancel()


@pytest.mark.durability("clock-back")
@on_trio
async def test_what_was_put_off_under_a_wrong_clock_goes_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = new_service()
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write("file", b"saved")
        await here.kill()
        monkeypatch.setattr(harness, "EPOCH", EPOCH - DAY_S)
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await trio.sleep(60)
        assert Remote(service).tree() == {"file": b"saved"}
        await here.kill()
        nursery.cancel_scope.cancel()


@on_trio
async def test_changes_of_others_are_seen_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = new_service(ChangeFeed.NONE)
    remote = Remote(service)
    remote.mkdir("d")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        assert await here.list("d") == []
        monkeypatch.setattr(harness, "EPOCH", EPOCH - DAY_S)
        remote.write("d/new", b"theirs")
        await trio.sleep(RECHECK_S + 1)
        await here.syncer.poll()
        assert await here.list("d") == ["new"]
        await here.kill()
        nursery.cancel_scope.cancel()
