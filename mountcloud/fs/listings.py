"""Walking through directories. What one walk made ready serves all later ones until something of it changes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cachetools import RRCache

from mountcloud.fs.attributes import FileAttributes
from mountcloud.fs.core import Core, demand
from mountcloud.model.ids import HandleId, Inode, NodeId
from mountcloud.model.node import Rights
from mountcloud.store.index import Entry

_AHEAD = 64
"""Children that are looked up in one go; the kernel takes some twenty at a time."""
_MOST = 50_000
"""Children that are kept ready, about half a KiB each."""
_OWN = 2
""""." and ".." come first."""

Made = TypeVar("Made")
Make = Callable[[int, str, FileAttributes], Made]
"""From the position after a name, the name and its attributes: what the kernel is given."""


@dataclass(slots=True, eq=False)
class _Listing(Generic[Made]):
    """The children of a directory, shared by all walks through it. ``made`` grows while the first one goes on.

    ``current`` is false as soon as a new walk would see anything else, and where that could happen without a word.
    """

    names: list[tuple[str, Inode]]
    current: bool
    made: list[Made] = field(default_factory=list)


class _Kept(RRCache[NodeId, _Listing[Made]]):
    """Listings that were walked through. Nobody tells what is not in here that it is out of date.

    Any may make way: the one of the longest rest is what the next walk through a tree that is too large comes to first.
    """

    def popitem(self) -> tuple[NodeId, _Listing[Made]]:
        directory, listing = super().popitem()
        listing.current = False
        return directory, listing


@dataclass(slots=True)
class _Walk(Generic[Made]):
    """One open directory: the names stay the same while a program walks through them."""

    inode: Inode
    own: list[Made] = field(default_factory=list)
    listing: _Listing[Made] | None = None


class Listings(Generic[Made]):
    """Open directories. ``make`` turns a name with its attributes into what the reader of a directory wants."""

    def __init__(self, core: Core, make: Make[Made], most: int = _MOST) -> None:
        self._core = core
        self._make = make
        self._kept: _Kept[Made] = _Kept(most, getsizeof=lambda listing: len(listing.names) + 1)
        self._walks: dict[HandleId, _Walk[Made]] = {}
        core.index.watch(self._forget)
        core.attributes.changed = lambda node: self._forget_around(core.index.by_id(node))
        core.drafts.begun = lambda inode: self._forget_around(core.index.entry(inode))

    async def open(self, inode: Inode) -> HandleId:
        """A handle to walk through the directory's children. Raises ``Forbidden``, and what listing raises."""
        directory = await self._core.directory(inode)
        demand(directory, Rights.READ)
        handle = self._core.handles.new_id()
        self._walks[handle] = _Walk(inode)
        return handle

    def close(self, handle: HandleId) -> None:
        """The walk is over."""
        del self._walks[handle]

    def read(self, handle: HandleId, start: int) -> Iterator[Made]:
        """From position ``start`` on; 0 looks at the directory afresh. What went since is left out."""
        walk = self._walks[handle]
        if start == 0 or walk.listing is None:
            walk.listing = self._begin(walk)
        yield from walk.own[start:]
        directory = self._core.index.entry(walk.inode)
        if directory is not None:
            yield from self._children(walk.listing, max(start - _OWN, 0), directory.node.id)

    def _begin(self, walk: _Walk[Made]) -> _Listing[Made]:
        directory = self._core.entry(walk.inode)
        own = ((".", directory), ("..", self._core.above(directory)))
        walk.own = [self._make(n, name, self._core.stat(entry)) for n, (name, entry) in enumerate(own, 1)]
        kept = self._kept.get(directory.node.id)
        return kept or self._list(directory.node.id)

    def _list(self, directory: NodeId) -> _Listing[Made]:
        """A file that is being written changes with every write, which nobody tells: where one is, nothing is kept."""
        names = self._core.index.names(directory)
        still = all(self._core.drafts.get(inode) is None for _, inode in names)
        listing = _Listing[Made](names, current=still and len(names) < self._kept.maxsize)
        if listing.current:
            self._kept[directory] = listing
        return listing

    def _children(self, listing: _Listing[Made], start: int, directory: NodeId) -> Iterator[Made]:
        """A name that the kernel is told of is there for it, for minutes: none that was given up meanwhile is told."""
        if listing.current:
            yield from listing.made[start:]
            start = max(start, len(listing.made))
        for place in range(start, len(listing.names)):
            name, inode = listing.names[place]
            if not self._core.is_warm(inode):
                self._core.warm([each for _, each in listing.names[place : place + _AHEAD]])
            entry = self._core.index.entry(inode)
            if entry is not None and (entry.node.parent, entry.file_name) == (directory, name):
                made = self._make(place + _OWN + 1, name, self._core.stat(entry))
                if listing.current and place == len(listing.made):
                    listing.made.append(made)
                yield made

    def forget_all(self) -> None:
        """Everything is to be made anew."""
        for directory in list(self._kept):
            self._forget(directory)

    def _forget(self, directory: NodeId) -> None:
        listing = self._kept.pop(directory, None)
        if listing is not None:
            listing.current = False

    def _forget_around(self, entry: Entry | None) -> None:
        if entry is not None and entry.node.parent is not None:
            self._forget(entry.node.parent)
