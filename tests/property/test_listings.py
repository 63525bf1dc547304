"""A listing that was made before shows just what one shows that is made anew, whatever happened in between."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mountcloud.fs.attributes import FileAttributes
from mountcloud.fs.filesystem import Wanted
from mountcloud.fs.listings import Listings
from mountcloud.model.ids import HandleId, Inode
from mountcloud.model.provider import ChangeFeed
from mountcloud.store.index import Entry
from tests.property.walk import Step, Walk
from tests.unit.engine.harness import Machine, new_service

VERBS = (
    *("create", "write", "close", "save", "rename", "unlink", "mkdir", "rmdir", "set_times", "truncate", "look"),
    *("set_mode", "set_owner", "set_atime", "move_directory", "draft"),
    *("there_writes", "there_creates", "there_mkdir", "there_renames", "there_removes", "wait", "poll", "restart"),
)
Made = tuple[int, str, FileAttributes]
BEGIN = ("mkdir", "create", "write", "close", "there_creates", "there_mkdir", "poll", "look", "wait")
NUMBER = st.integers(0, 7)
STEP = st.builds(Step, st.sampled_from(VERBS), NUMBER, NUMBER, st.integers(0, 3))


@dataclass(slots=True)
class Listed:
    """The listings of one machine, with a count of what they made, and walks that are not at their end."""

    machine: Machine
    listings: Listings[Made]
    made: list[Made]
    walks: dict[HandleId, Made] = field(default_factory=dict)

    @classmethod
    def of(cls, machine: Machine) -> "Listed":
        made: list[Made] = []

        def make(position: int, name: str, found: FileAttributes) -> Made:
            made.append((position, name, found))
            return made[-1]

        return cls(machine, machine.fs.listings(make), made)

    async def walk(self, directory: Inode) -> list[Made]:
        handle = await self.listings.open(directory)
        found = list(self.listings.read(handle, 0))
        self.listings.close(handle)
        return found

    async def begin(self, directory: Inode) -> None:
        """A walk that is interrupted by what comes next."""
        handle = await self.listings.open(directory)
        self.walks[handle] = list(islice(self.listings.read(handle, 0), 3))[-1]

    def go_on(self) -> None:
        """What is told of a file by a walk that began before is as it is now; it has this name, and has not gone."""
        for handle, (position, _, _) in self.walks.items():
            rest = list(self.listings.read(handle, position))
            assert [each[0] for each in rest] == sorted({each[0] for each in rest})
            assert all(found == self.machine.fs.attributes(found.inode) for _, _, found in rest)
            there = [(name, self.machine.index.require(found.inode)) for _, name, found in rest]
            assert all(entry.file_name == name and entry.node.parent is not None for name, entry in there)
            self.listings.close(handle)
        self.walks.clear()

    def anew(self, directory: Entry) -> list[tuple[str, FileAttributes]]:
        """Without anything that was kept."""
        core = self.machine.core
        own = [(".", directory), ("..", core.above(directory))]
        there = [(each.file_name, each) for each in core.index.children(directory.node.id)]
        return [(name, core.stat(core.index.require(entry.inode))) for name, entry in own + there]

    async def check(self) -> int:
        """Compare every directory; tells how many names were shown without being made again."""
        kept = 0
        for directory in (each for each in self.directories() if each.listed is not None):
            expected = self.anew(directory)
            assert [each[1:] for each in await self.walk(directory.inode)] == expected
            self.made.clear()
            assert [each[1:] for each in await self.walk(directory.inode)] == expected
            still = all(self.machine.drafts.get(found.inode) is None for _, found in expected)
            assert len(self.made) == (2 if still else len(expected)), "only . and .. are made each time"
            kept += len(expected) - len(self.made)
        return kept

    def directories(self) -> Iterable[Entry]:
        root = self.machine.index.require(Inode(1))
        below = [self.machine.index.by_id(each) for each in self.machine.index.below(root.node.id)]
        return [each for each in below if each is not None and each.node.is_directory]


class ListingWalk(Walk):
    """With what a program sets besides."""

    async def set_mode(self, step: Step) -> None:
        await self._set(step, Wanted(mode=0o600 + step.second))

    async def set_owner(self, step: Step) -> None:
        await self._set(step, Wanted(uid=step.second, gid=step.third))

    async def set_atime(self, step: Step) -> None:
        await self._set(step, Wanted(atime_ns=step.second))

    async def _set(self, step: Step, wanted: Wanted) -> None:
        entry = self._pick(step.first, directories=bool(step.third % 2))
        if entry is not None:
            await self.here.fs.set_attributes(entry.inode, wanted)

    async def move_directory(self, step: Step) -> None:
        await self.rename(Step("rename", step.first, step.second, 1 + 2 * step.third))

    async def draft(self, step: Step) -> None:
        """A file is opened for writing, and stays open."""
        await self.open(Step("open", step.first, 0, step.third))
        await self.write(step)


def compare(steps: Sequence[Step], feed: ChangeFeed) -> int:
    """Names that were shown as they had been made."""
    kept = 0

    async def main() -> None:
        nonlocal kept
        with tempfile.TemporaryDirectory() as home:
            async with trio.open_nursery() as nursery:
                walker = ListingWalk(Path(home), new_service(feed), nursery)
                await walker.boot()
                listed = Listed.of(walker.here)
                for step in steps:
                    await walker.take(step)
                    if walker.here is not listed.machine:
                        listed = Listed.of(walker.here)
                    listed.go_on()
                    kept += await listed.check()
                    for directory in listed.directories():
                        await listed.begin(directory.inode)
                await walker.here.kill()
                nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return kept


@settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, max_examples=20)
@given(
    st.integers(1, 20).flatmap(lambda size: st.lists(STEP, min_size=size, max_size=size)), st.sampled_from(ChangeFeed)
)
def test_what_was_made_before_is_what_would_be_made_now(steps: list[Step], feed: ChangeFeed) -> None:
    begin = [Step(verb, number, number, 0) for number, verb in enumerate(BEGIN)]
    assert compare([*begin, *steps], feed) > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, max_examples=1500)
@given(st.lists(STEP, min_size=20, max_size=60), st.sampled_from(ChangeFeed))
def test_what_was_made_before_is_what_would_be_made_now_on_long_walks(steps: list[Step], feed: ChangeFeed) -> None:
    compare(steps, feed)
