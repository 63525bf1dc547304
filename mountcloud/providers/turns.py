"""Who may look at the names of a directory, and who may change them: never both at a time.

A listing that is under way while a name changes may show the past, and would give a node that just got a name of its
own another id.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from weakref import WeakValueDictionary

import trio

from mountcloud.model.ids import NodeId


class _Turn:
    """Any number of one side at a time; who comes first goes first, so neither side waits for ever."""

    def __init__(self) -> None:
        self._gate = trio.Lock()
        self._inside = {True: 0, False: 0}
        self._left = trio.Event()

    @asynccontextmanager
    async def enter(self, *, changing: bool) -> AsyncIterator[None]:
        async with self._gate:
            while self._inside[not changing]:
                self._left = trio.Event()
                await self._left.wait()
            self._inside[changing] += 1
        try:
            yield
        finally:
            self._inside[changing] -= 1
            self._left.set()


class Turns:
    """One turn a directory, and one for the whole tree. Nobody may enter a turn from within another."""

    def __init__(self) -> None:
        self._tree = _Turn()
        self._turns: WeakValueDictionary[NodeId, _Turn] = WeakValueDictionary()
        self._changing = 0
        self._changed = 0

    @property
    def moment(self) -> int | None:
        """The same at two times if nobody here changed a name between them; None while somebody does."""
        return None if self._changing else self._changed

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._changing += 1
        try:
            yield
        finally:
            self._changing -= 1
            self._changed += 1

    @asynccontextmanager
    async def looking(self, directory: NodeId) -> AsyncIterator[None]:
        """Nobody here changes a name in the directory, or the path to it, meanwhile."""
        turn = self._turns.setdefault(directory, _Turn())
        async with self._tree.enter(changing=False), turn.enter(changing=False):
            yield

    @asynccontextmanager
    async def changing(self, *directories: NodeId) -> AsyncIterator[None]:
        """Nobody here lists the directories, or changes the paths to them, meanwhile."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._tree.enter(changing=False))
            for directory in sorted(set(directories)):
                turn = self._turns.setdefault(directory, _Turn())
                await stack.enter_async_context(turn.enter(changing=True))
            with self._counted():
                yield

    @asynccontextmanager
    async def staying(self) -> AsyncIterator[None]:
        """No directory gets another path here meanwhile; for names that no list shows, which nobody need wait for."""
        async with self._tree.enter(changing=False):
            yield

    @asynccontextmanager
    async def uprooting(self) -> AsyncIterator[None]:
        """A directory gets another path, and with it all that is below: nobody here uses any path meanwhile."""
        async with self._tree.enter(changing=True):
            with self._counted():
                yield
