"""Who of this process works on what, so that nobody takes what is half done for the work of somebody else.

Everybody with the same book of places shares one of these.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from weakref import WeakKeyDictionary, WeakValueDictionary

import trio

from mountcloud.model.ids import NodeId
from mountcloud.model.places import Places
from mountcloud.providers.metadisk.names import Path
from mountcloud.providers.metadisk.paths import Paths

Key = tuple[str, str]
"""A bucket, and a name or a content in it."""

_MOST = 4096
"""Ends that are remembered: far more than can come while one list is on its way."""


class Works:
    """``moment`` counts the changes that ended. A list that was asked for before one ended may show the past."""

    def __init__(self) -> None:
        self.paths = Paths()
        self.moment = 0
        self._locks: WeakValueDictionary[Key, trio.Lock] = WeakValueDictionary()
        self._busy: Counter[NodeId] = Counter()
        self._touched: dict[NodeId, int] = {}
        self._dropped: dict[tuple[str, Path, str], int] = {}

    @asynccontextmanager
    async def on(self, *keys: Key) -> AsyncIterator[None]:
        """Nobody else works on these names and contents meanwhile."""
        async with AsyncExitStack() as stack:
            for key in sorted(set(keys)):
                await stack.enter_async_context(self._locks.setdefault(key, trio.Lock()))
            yield

    @contextmanager
    def at(self, *nodes: NodeId) -> Iterator[None]:
        """No list changes what the book says of these nodes meanwhile."""
        self._busy.update(nodes)
        try:
            yield
        finally:
            self._busy.subtract(nodes)
            self.moment += 1
            for node in nodes:
                self._touched.pop(node, None)
                self._touched[node] = self.moment
            _forget_oldest(self._touched)

    def is_busy(self, node: NodeId) -> bool:
        """True while somebody works on it."""
        return self._busy[node] > 0

    def knows_better(self, node: NodeId, moment: int) -> bool:
        """True if a list that was asked for at that moment may show the past of this node."""
        return self.is_busy(node) or self._touched.get(node, -1) > moment

    def dropped(self, bucket: str, path: Path, content: str = "") -> None:
        """A name was taken away from a content; without one, from a directory."""
        self.moment += 1
        self._dropped.pop((bucket, path, content), None)
        self._dropped[bucket, path, content] = self.moment
        _forget_oldest(self._dropped)

    def given(self, bucket: str, path: Path, content: str = "") -> None:
        """It has the name again."""
        self._dropped.pop((bucket, path, content), None)

    def is_past(self, moment: int, bucket: str, path: Path, content: str = "") -> bool:
        """True if a list that was asked for at that moment may show a name that was taken away since."""
        return self._dropped.get((bucket, path, content), -1) > moment


def _forget_oldest(ends: dict[NodeId, int] | dict[tuple[str, Path, str], int]) -> None:
    if len(ends) > _MOST:
        del ends[next(iter(ends))]  # type: ignore[arg-type]  # a key of its own


_works: WeakKeyDictionary[Places, Works] = WeakKeyDictionary()


def works_on(places: Places) -> Works:
    """Those of everybody with this book."""
    return _works.setdefault(places, Works())
