"""Cursor feeds that lose, repeat and reorder what they tell: the view is true as soon as they have told everything."""

import random
from pathlib import Path

import pytest
import trio

from mountcloud.model.change import Change, ChangeBatch, Upserted
from mountcloud.model.errors import NotADirectory, Unavailable
from mountcloud.model.ids import Cursor, NodeId
from mountcloud.model.provider import Capabilities, ChangeFeed
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, on_trio

NAMES = ("a", "b", "c")
PLACES = ("", "a/", "b/", "a/b/")


class Troubled(MemoryProvider):
    """Tells every change at least once and those of one node in their order; nothing else is sure.

    ``met`` counts the troubles by their kind.
    """

    def __init__(self, service: MemoryService, rng: random.Random) -> None:
        super().__init__(service)
        self._rng = rng
        self._before: tuple[Change, ...] = ()
        self.met = dict.fromkeys(("lost", "repeated", "reordered", "reset"), 0)

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        batch = await super().changes(cursor)
        if cursor is None or batch.reset:
            self.met["reset"] += batch.reset
            self._before = ()
            return batch
        if self._rng.random() < 0.2:
            self.met["lost"] += bool(batch.changes)
            raise Unavailable("the answer was lost")
        changes = batch.changes
        if self._rng.random() < 0.5:
            self.met["repeated"] += bool(self._before)
            changes = self._before + changes
        if batch.more and self._rng.random() < 0.5:
            changes += (await super().changes(batch.cursor)).changes
        self._before = batch.changes
        shuffled = self._shuffled(changes)
        self.met["reordered"] += shuffled != changes
        return ChangeBatch(shuffled, batch.cursor, batch.more)

    def _shuffled(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Nodes in any order, the changes of each in their own."""
        by_node: dict[NodeId, list[Change]] = {}
        for each in changes:
            by_node.setdefault(each.node.id if isinstance(each, Upserted) else each.id, []).append(each)
        found = []
        while by_node:
            node = self._rng.choice(list(by_node))
            found.append(by_node[node].pop(0))
            if not by_node[node]:
                del by_node[node]
        return tuple(found)


def disturb(remote: Remote, rng: random.Random) -> None:
    """One thing that another client does, unless it cannot be done."""
    path, target = (rng.choice(PLACES) + rng.choice(NAMES) for _ in range(2))
    action = rng.choice(("write", "write", "mkdir", "rename", "rename", "remove"))
    try:
        if action == "write" and not (_there(remote, path) and remote.node(path).is_directory):
            remote.write(path, rng.randbytes(3))
        elif action == "mkdir" and not _there(remote, path):
            remote.mkdir(path)
        elif action == "rename" and not _there(remote, target) and not f"{target}/".startswith(f"{path}/"):
            remote.rename(path, target)
        elif action == "remove":
            remote.remove(path)
    except (FileNotFoundError, NotADirectory):
        return


def _there(remote: Remote, path: str) -> bool:
    """Raises ``NotADirectory`` below a file."""
    try:
        remote.node(path)
    except FileNotFoundError:
        return False
    return True


@pytest.mark.parametrize("seed", range(8))
@on_trio
async def test_the_view_is_true_after_all_was_told(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    service = MemoryService(
        Capabilities(change_feed=ChangeFeed.CURSOR), clock_ns=lambda: 1, batch_size=rng.randrange(1, 5)
    )
    remote, provider = Remote(service), Troubled(service, rng)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, provider, nursery).boot()
        for round in range(25):
            for _ in range(rng.randrange(12)):
                disturb(remote, rng)
            if round % 8 == 7:
                service.log.forget()
            await here.syncer.poll_safely()
            while not here.syncer.healthy:
                await here.syncer.poll_safely()
            assert await here.tree() == remote.tree()
        assert all(provider.met.values()), provider.met
        nursery.cancel_scope.cancel()
