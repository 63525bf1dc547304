"""Open files whose place was taken: a program may go on reading what this machine is about to replace."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from mountcloud.engine.reading import Library, Reader
from mountcloud.model.errors import Failure
from mountcloud.model.ids import Inode, NodeId
from mountcloud.model.node import Node

log = logging.getLogger(__name__)

LARGEST = 256 << 20
"""Bytes up to which a file is fetched for those who have it open. A larger one is not removed before they close it;
where it is replaced they get ESTALE."""
_PIECE = 4 << 20


@dataclass(slots=True)
class Salvage:
    """Fetches what is about to be replaced, and keeps it at hand until its last handle is closed."""

    library: Library
    nursery: trio.Nursery
    done: Callable[[], None] = lambda: None
    _kept: dict[Inode, Reader] = field(default_factory=dict)
    _coming: set[NodeId] = field(default_factory=set)

    def start(self, inode: Inode, node: Node) -> None:
        """The file is open and loses its place."""
        self._kept[inode] = self.library.reader(node)
        if node.size <= LARGEST:
            self._coming.add(node.id)
            self.nursery.start_soon(self._fetch, self._kept[inode])

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
            self._coming.discard(reader.node.id)
            self.nursery.start_soon(reader.aclose)

    async def _fetch(self, reader: Reader) -> None:
        try:
            for offset in range(0, reader.node.size, _PIECE):
                await reader.read(offset, _PIECE)
        except Failure as failure:
            log.info("what is open of node %s cannot be kept: %s", reader.node.id, failure)
        finally:
            self._coming.discard(reader.node.id)
            self.done()
