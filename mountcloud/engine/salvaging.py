"""Open files whose place was taken: a program may go on reading what this machine is about to replace."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from mountcloud.engine.background import spared
from mountcloud.engine.reading import Library, Reader
from mountcloud.model.errors import Failure
from mountcloud.model.ids import Inode, NodeId
from mountcloud.model.node import Node

log = logging.getLogger(__name__)

LARGEST = 256 << 20
"""Bytes up to which a file is fetched for those who have it open. A larger one is not removed before they close it;
where it is replaced they get ESTALE."""


@dataclass(slots=True)
class Salvage:
    """Fetches what is about to be replaced, and keeps it at hand until its last handle is closed."""

    library: Library
    nursery: trio.Nursery
    done: Callable[[], None] = lambda: None
    _kept: dict[Inode, Reader] = field(default_factory=dict)
    _coming: dict[NodeId, trio.CancelScope] = field(default_factory=dict)

    def start(self, inode: Inode, node: Node) -> None:
        """The file is open and loses its place."""
        self._kept[inode] = self.library.reader(node)
        if node.size <= LARGEST:
            self._coming[node.id] = trio.CancelScope()
            self.nursery.start_soon(spared, self._fetch, node, self._coming[node.id])

    def holds(self, node: NodeId) -> bool:
        """True while the node must not be replaced yet."""
        return node in self._coming

    def needs(self, node: NodeId) -> bool:
        """True while the node must not be removed yet: it is being fetched, or too large for that and still open."""
        large = {reader.node.id for reader in self._kept.values() if reader.node.size > LARGEST}
        return node in self._coming or node in large

    def end(self, inode: Inode) -> None:
        """Nobody has it open any more."""
        reader = self._kept.pop(inode, None)
        if reader is not None:
            if (coming := self._coming.pop(reader.node.id, None)) is not None:
                coming.cancel()
            self.nursery.start_soon(spared, reader.aclose)

    async def _fetch(self, node: Node, scope: trio.CancelScope) -> None:
        try:
            with scope:
                await self.library.keep(node)
        except Failure as failure:
            log.info("what is open of node %s cannot be kept: %s", node.id, failure)
        finally:
            if self._coming.get(node.id) is scope:
                del self._coming[node.id]
            self.done()
