"""A provider that hands every call to another one, by a way that the wrapper chooses."""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import Protocol, TypeVar

from mountcloud.model.arrival import Arrival, Arrived
from mountcloud.model.change import ChangeBatch
from mountcloud.model.errors import Unsupported
from mountcloud.model.ids import Cursor, NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.model.provider import (
    Capabilities,
    Content,
    ContentCipher,
    InBulk,
    ModeKeeper,
    Provider,
    Source,
    Spare,
    UploadProgress,
    UploadTarget,
    Usage,
)
from mountcloud.model.span import StoredSpan
from mountcloud.policy.lanes import QUICK

Result = TypeVar("Result")


class CallKind(Enum):
    """What a wrapper needs to know of a call."""

    READ = auto()
    """Changes nothing, so it may be repeated at will."""
    FETCH = auto()
    """The same, and it brings content."""
    CHANGE = auto()
    """Changes the tree; after a failure nobody knows whether it did."""
    UPLOAD = auto()
    """The same, and it may take long."""


class Passage(Protocol):
    """A way for calls to go."""

    async def send(self, kind: CallKind, call: Callable[[], Awaitable[Result]]) -> Result:
        """Make the call, perhaps later or more than once, and give its result."""


class PassingContent:
    """Content whose fetches go through a passage."""

    def __init__(self, inner: Content, passage: Passage) -> None:
        self._inner = inner
        self._passage = passage

    @property
    def stored_size(self) -> int:
        """Stored bytes."""
        return self._inner.stored_size

    @property
    def cipher(self) -> ContentCipher:
        """How to read them."""
        return self._inner.cipher

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        """Exactly these stored bytes; who tries again asks for what has not come yet."""
        arrival = Arrival(span, arrived)
        await self._passage.send(CallKind.FETCH, lambda: self._inner.fetch(arrival.missing, arrival))
        return arrival.gathered()

    def share(self, spare: Spare) -> None:
        """As the content inside, if more comes of it than is asked for."""
        if isinstance(self._inner, InBulk):
            self._inner.share(spare)

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()


class PassingProvider:
    """A provider whose calls go through a passage."""

    def __init__(self, inner: Provider, passage: Passage) -> None:
        self._inner = inner
        self._passage = passage

    @property
    def capabilities(self) -> Capabilities:
        """Those of the provider inside."""
        return self._inner.capabilities

    async def root(self) -> Node:
        """See ``Provider``."""
        return await self._passage.send(CallKind.READ, self._inner.root)

    async def node(self, ref: Ref) -> Node:
        """See ``Provider``."""
        return await self._passage.send(CallKind.READ, lambda: self._inner.node(ref))

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """See ``Provider``."""
        return await self._passage.send(CallKind.READ, lambda: self._inner.children(directory))

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        """See ``Provider``."""
        return await self._passage.send(CallKind.READ, lambda: self._inner.changes(cursor))

    async def open(self, node: Node) -> Content:
        """See ``Provider``; fetches from the content go the same way."""
        content = await self._passage.send(CallKind.READ, lambda: self._inner.open(node))
        return PassingContent(content, self._passage)

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """See ``Provider``."""
        kind = CallKind.CHANGE if target.size <= QUICK else CallKind.UPLOAD
        return await self._passage.send(kind, lambda: self._inner.upload(target, source, progress))

    async def discard_upload(self, state: str) -> None:
        """See ``Provider``."""
        await self._passage.send(CallKind.CHANGE, lambda: self._inner.discard_upload(state))

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """See ``Provider``."""
        return await self._passage.send(CallKind.CHANGE, lambda: self._inner.make_directory(parent, name, mtime_ns))

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        """See ``Provider``."""
        return await self._passage.send(CallKind.CHANGE, lambda: self._inner.move(ref, parent, name, replaces))

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """See ``Provider``."""
        return await self._passage.send(CallKind.CHANGE, lambda: self._inner.set_times(ref, mtime_ns))

    async def set_mode(self, ref: Ref, mode: int) -> Node:
        """See ``ModeKeeper``; raises ``Unsupported`` where the provider inside is none."""
        inner = self._inner
        if not isinstance(inner, ModeKeeper):
            raise Unsupported("this service keeps no permission bits")
        return await self._passage.send(CallKind.CHANGE, lambda: inner.set_mode(ref, mode))

    async def remove(self, ref: Ref) -> None:
        """See ``Provider``."""
        await self._passage.send(CallKind.CHANGE, lambda: self._inner.remove(ref))

    async def usage(self) -> Usage:
        """See ``Provider``."""
        return await self._passage.send(CallKind.READ, self._inner.usage)

    async def aclose(self) -> None:
        """Close the provider inside."""
        await self._inner.aclose()
