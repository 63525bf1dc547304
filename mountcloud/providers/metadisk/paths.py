"""Who uses a path, and which directory gets another one while its content travels, file by file.

A use and a journey that meet wait for each other; all else goes on.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from mountcloud.model.ids import NodeId
from mountcloud.model.places import Places, is_within


@dataclass(frozen=True, slots=True, eq=False)
class _Use:
    """The paths to these nodes stay as they are until it ended."""

    nodes: tuple[NodeId, ...]
    ended: trio.Event = field(default_factory=trio.Event)


@dataclass(frozen=True, slots=True, eq=False)
class _Journey:
    """Nobody uses a path to these directories, or to what is in them, until it ended."""

    nodes: tuple[NodeId, ...]
    ended: trio.Event = field(default_factory=trio.Event)


class Paths:
    """The paths of one account, by its book of places. Nobody may enter from within."""

    def __init__(self) -> None:
        self._uses: list[_Use] = []
        self._journeys: list[_Journey] = []

    def is_moving(self, places: Places, node: NodeId) -> bool:
        """True if a use of the path to this node would have to wait."""
        return self._in_the_way(places, (node,)) is not None

    @asynccontextmanager
    async def using(self, places: Places, *nodes: NodeId) -> AsyncIterator[None]:
        """None of these nodes gets another path by a move of a directory that it is in, or that it is, meanwhile."""
        while (journey := self._in_the_way(places, nodes)) is not None:
            await journey.ended.wait()
        use = _Use(nodes)
        self._uses.append(use)
        try:
            yield
        finally:
            self._uses.remove(use)
            use.ended.set()

    @asynccontextmanager
    async def moving(self, places: Places, *nodes: NodeId, between: tuple[NodeId, ...] = ()) -> AsyncIterator[None]:
        """Directories get other paths, or go, with all that is in them; the paths to ``between`` are used for that."""
        while (met := self._in_the_way(places, (*nodes, *between)) or self._inside(places, nodes)) is not None:
            await met.ended.wait()
        # Without an await, so that whoever comes next sees both.
        use, journey = _Use(between), _Journey(nodes)
        self._uses.append(use)
        self._journeys.append(journey)
        try:
            while (other := self._used_inside(places, nodes, use)) is not None:
                await other.ended.wait()
            yield
        finally:
            self._uses.remove(use)
            self._journeys.remove(journey)
            use.ended.set()
            journey.ended.set()

    def _in_the_way(self, places: Places, nodes: Iterable[NodeId]) -> _Journey | None:
        return next((each for each in self._journeys if _meet(places, nodes, each.nodes)), None)

    def _inside(self, places: Places, nodes: Iterable[NodeId]) -> _Journey | None:
        return next((each for each in self._journeys if _meet(places, each.nodes, nodes)), None)

    def _used_inside(self, places: Places, nodes: Iterable[NodeId], but: _Use) -> _Use | None:
        return next((each for each in self._uses if each is not but and _meet(places, each.nodes, nodes)), None)


def _meet(places: Places, nodes: Iterable[NodeId], directories: Iterable[NodeId]) -> bool:
    """True if any of the nodes is one of the directories, or in one."""
    return any(is_within(places, node, directory) for node in nodes for directory in directories)
