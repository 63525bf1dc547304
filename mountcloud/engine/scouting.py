"""Listing ahead of a program that walks through directories which nobody has listed yet.

Each first listing costs a round trip, and a program such as ``find`` waits for one after the other.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from mountcloud.engine.background import spared
from mountcloud.model.errors import Failure
from mountcloud.model.ids import NodeId
from mountcloud.policy.walking import Walk
from mountcloud.store.index import Entry, Index

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Scout:
    """Asks for the directories to which a walk comes next: those in the one just opened, then those beside it.

    ``look`` lists one directory, unless that is under way already; ``nursery`` carries what was asked for.
    """

    index: Index
    look: Callable[[NodeId], Awaitable[None]]
    nursery: trio.Nursery
    clock: Callable[[], float]
    _walk: Walk = field(default_factory=Walk)
    _last: NodeId | None = None
    _under_way: set[NodeId] = field(default_factory=set)
    _ahead: set[NodeId] = field(default_factory=set)

    def opened(self, directory: Entry) -> None:
        """A program opens the directory. It is a step into the unknown if nobody, or only we, had listed it before."""
        if directory.listed is not None and directory.node.id not in self._ahead:
            return
        self._ahead.discard(directory.node.id)
        self._under_way.discard(directory.node.id)
        self._walk = self._walk.step(self.clock(), down=directory.node.parent == self._last)
        self._last = directory.node.id
        if self._walk.length == 1:
            self._ahead.clear()
        self.go_on(directory)

    def go_on(self, directory: Entry) -> None:
        """Ask for what comes after this directory, as far ahead as the walk deserves."""
        room = self._walk.ahead - len(self._under_way) - len(self._ahead)
        for node in self._next(directory, self._walk.ahead)[: max(room, 0)]:
            self._under_way.add(node)
            self.nursery.start_soon(spared, self._list, node)

    def _next(self, directory: Entry, most: int) -> list[NodeId]:
        if not most:
            return []
        known = self._under_way | {directory.node.id}
        inside = self.index.unlisted_in(directory.node.id, "", most)
        parent = directory.node.parent
        beside = self.index.unlisted_in(parent, directory.file_name, most) if parent is not None else []
        return [node for node in [*inside, *beside][:most] if node not in known]

    async def _list(self, node: NodeId) -> None:
        """Nobody waits for it, so a failure is of no interest: who opens the directory is told."""
        try:
            await self.look(node)
            if node in self._under_way:
                self._ahead.add(node)
        except Failure as failure:
            log.debug("cannot list ahead: %s", failure)
            self._walk = Walk()
        finally:
            self._under_way.discard(node)
