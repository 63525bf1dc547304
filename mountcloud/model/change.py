"""What changed on the service, and what the kernel must forget because of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mountcloud.model.ids import Cursor, Inode, NodeId
from mountcloud.model.node import Node


@dataclass(frozen=True, slots=True)
class Upserted:
    """The node is there now, with these values."""

    node: Node


@dataclass(frozen=True, slots=True)
class Removed:
    """The service said in so many words that the node is gone. Never derived from a failure."""

    id: NodeId


Change = Upserted | Removed


@dataclass(frozen=True, slots=True)
class ChangeBatch:
    """One answer of a change feed. ``reset`` means: forget the picture and list again."""

    changes: tuple[Change, ...]
    cursor: Cursor
    more: bool = False
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """What the kernel must forget: the entry (parent, name), and the attributes (or also the content) of an inode."""

    inode: Inode
    parent: Inode | None = None
    name: str | None = None
    content: bool = False


class KernelCache(Protocol):
    """What the kernel remembers of us; implemented in ``fuse/notify.py``."""

    def forget(self, stale: Sequence[Stale]) -> None:
        """Forget these, soon; never blocks and never raises."""

    async def forget_content(self, inode: Inode) -> None:
        """Forget what it keeps of this file's bytes; returns when it has. Never raises."""
