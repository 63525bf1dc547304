"""The book of places as providers of services without ids use it: what its paths say counts once moves are settled."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from mountcloud.model.errors import InvalidArgument, NotFound, NotPermitted, Outdated
from mountcloud.model.ids import NodeId
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place, Places, is_within, path_of, way_to
from mountcloud.providers.fresh_ids import FreshIds
from mountcloud.providers.turns import Turns

ROOT = NodeId("root")
Path = tuple[str, ...]
"""Names from the root of the account; empty for the root."""


class Book(ABC):
    """The places of one account. What a service tells of names is believed only from within ``turns``."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.turns = Turns()
        self._ids = FreshIds()

    def know_root(self) -> None:
        """The book begins with the root."""
        if self.places.get(ROOT) is None:
            self.places.change(put=[Place(ROOT, None, "", is_directory=True)])

    def place(self, node: NodeId) -> Place:
        """Where the node is; raises ``NotFound`` if it never was anywhere, or was seen to be gone."""
        place = self.places.get(node)
        if place is None:
            raise NotFound("the node is gone")
        return place

    async def path(self, node: NodeId) -> Path:
        """The path to the node; moves whose outcome is unknown are looked after first. Raises ``NotFound``."""
        await self.settle_above(node)
        path = path_of(self.places, node)
        if path is None:
            raise NotFound("the node is gone")
        return path

    async def settle_above(self, node: NodeId) -> None:
        """Find out where the node and all directories above it are, from the top on."""
        for each in way_to(self.places, node):
            if each.aim is not None:
                await self._settle(each, each.aim)

    async def settle_around(self, directory: NodeId) -> None:
        """The same for all that may have come to a directory, or left it."""
        leaving = [place for place in self.places.below(directory) if place.aim is not None]
        for place in (*self.places.aimed_at(directory), *leaving):
            await self.settle_above(place.id)

    @abstractmethod
    async def _settle(self, place: Place, aim: Slot) -> None:
        """A move was sent and its answer lost: write down whether the node is where it was, or where it was to go."""

    @asynccontextmanager
    async def moving(self, node: NodeId, slot: Slot) -> AsyncIterator[None]:
        """The turn in which a node gets another slot. Raises ``NotFound``, ``NotPermitted``, ``InvalidArgument``."""
        place = self.place(node)
        if place.parent is None:
            raise NotPermitted("the root cannot be moved")
        if is_within(self.places, slot.parent, node):
            raise InvalidArgument("a directory cannot be moved below itself")
        turn = self.turns.uprooting() if place.is_directory else self.turns.changing(place.parent, slot.parent)
        async with turn:
            yield

    @asynccontextmanager
    async def looking_at(self, node: NodeId) -> AsyncIterator[None]:
        """A turn of looking in the directory that the node is in; it may come to another while this waits.

        Raises ``NotFound`` if the book does not know the node.
        """
        while True:
            directory = self._directory_of(node)
            async with self.turns.looking(directory):
                if self._directory_of(node) == directory:
                    yield
                    return

    def _directory_of(self, node: NodeId) -> NodeId:
        return self.place(node).parent or node

    def new_place(self, slot: Slot, *, is_directory: bool) -> Place:
        """A place for a node that has no id yet."""
        return Place(self._ids.next(), slot.parent, slot.name, is_directory)

    async def follow(self, node: NodeId, fetch: Callable[[Path], Awaitable[None]]) -> None:
        """Fetch from where the file is, and once more if a move of our own was on its way meanwhile.

        Raises ``Outdated`` if it is nowhere, and what ``fetch`` raises.
        """
        path = path_of(self.places, node)
        try:
            if path is None:
                raise Outdated("the file is gone")
            await fetch(path)
        except NotFound:
            await self._follow_moved(node, path, fetch)

    async def _follow_moved(self, node: NodeId, old: Path | None, fetch: Callable[[Path], Awaitable[None]]) -> None:
        try:
            async with self.looking_at(node):
                path = await self.path(node)
            if path == old:
                raise Outdated("the file is gone")
            await fetch(path)
        except NotFound as gone:
            raise Outdated("the file is gone") from gone
