"""How far an upload has come is kept over attempts and restarts, and given back when nobody wants the upload."""

from pathlib import Path

import trio

from mountcloud.model.errors import Failure, Forbidden, Unavailable
from mountcloud.model.node import Node
from mountcloud.model.provider import Source, UploadProgress, UploadTarget
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, on_trio


class Halting(MemoryProvider):
    """Keeps a state, and then fails while there is a ``failure``."""

    def __init__(self, service: MemoryService) -> None:
        super().__init__(service)
        self.failure: Failure | None = Unavailable("no network")
        self.seen: list[str] = []
        self.discarded: list[str] = []

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        assert progress is not None
        self.seen.append(progress.state)
        progress.save(f"half of {target.name}")
        if self.failure is not None:
            raise self.failure
        return await super().upload(target, source, progress)

    async def discard_upload(self, state: str) -> None:
        self.discarded.append(state)
        await super().discard_upload(state)


@on_trio
async def test_the_next_attempt_knows_what_the_last_one_did(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        provider = Halting(service)
        here = await Machine(tmp_path, provider, nursery).boot()
        await here.write("a", b"1")
        while len(provider.seen) < 2:
            await trio.sleep(1)
        assert provider.seen[:2] == ["", "half of a"]
        await here.kill()
        provider.failure = None
        there = await Machine(tmp_path, provider, nursery).boot()
        await there.drain()
        assert provider.seen[-1] == "half of a"
        assert remote.tree() == {"a": b"1"}
        await trio.sleep(1)
        assert (provider.discarded, there.journal.abandoned_uploads()) == ([], {})
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_nobody_wants_any_more_is_given_back(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        provider = Halting(service)
        here = await Machine(tmp_path, provider, nursery).boot()
        provider.failure = Forbidden("not you")
        await here.write("a", b"1")
        await here.drain()
        await here.unlink("a")
        await here.drain()
        await trio.sleep(1)
        assert provider.discarded == ["half of a"]
        assert here.journal.abandoned_uploads() == {}
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_could_not_be_given_back_is_tried_at_the_next_start(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        provider = Halting(service)
        here = await Machine(tmp_path, provider, nursery).boot()
        provider.failure = Forbidden("not you")
        await here.write("a", b"1")
        await here.drain()
        service.faults.fail_next("discard_upload", Unavailable("no network"))
        await here.unlink("a")
        await here.drain()
        await trio.sleep(1)
        assert here.journal.abandoned_uploads()
        await here.kill()
        there = await Machine(tmp_path, provider, nursery).boot()
        await trio.sleep(1)
        assert provider.discarded == ["half of a", "half of a"]
        assert there.journal.abandoned_uploads() == {}
        nursery.cancel_scope.cancel()
