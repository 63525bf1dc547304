"""Ids, paths and nodes: what the book of places knows, laid against what the service shows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import trio

from mountcloud.model.errors import Failure, NotADirectory, NotFound, Outdated
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place, Places, is_within, path_of
from mountcloud.providers.book import ROOT, Book
from mountcloud.providers.smartfile import wire
from mountcloud.providers.smartfile.api import Api
from mountcloud.providers.smartfile.facts import RACY, Binding, Facts, facts_of
from mountcloud.providers.smartfile.trails import Trails, mark_of
from mountcloud.providers.smartfile.wire import Entry, Path, Token

HIDDEN = ".mountcloud-"
"""How the names of our own passing files begin."""
ASIDE = f"{HIDDEN}aside-"
"""What was moved out of the way, for as long as something else takes its name or it is removed."""

_SAME_MOMENT_S = 2
RACY_S = 2.0
"""Seconds around its time in which a token of whole seconds proves nothing."""
_RACY_PAUSE_S = 0.5
_NS = 10**9


class Tree(Book):
    """The nodes of one account. What it is told of names it believes only from within ``turns``."""

    def __init__(self, api: Api, places: Places) -> None:
        super().__init__(places)
        self.api = api
        self.trails = Trails(places)
        self.know_root()

    async def _settle(self, place: Place, aim: Slot) -> None:
        """A move was sent and its answer lost: the node is where it was, or where it was to go."""
        parent, old = path_of(self.places, aim.parent), path_of(self.places, place.id)
        settled = replace(place, aim=None)
        if parent is not None and old is not None:
            new = (*parent, aim.name)
            if aim.name.startswith(ASIDE):
                await self._bring_back(place, new, old)
            elif not await self._is_at(place, old) and await self._is_at(place, new):
                await self._settle_holder(aim)
                settled = replace(settled, parent=aim.parent, name=aim.name)
        if self.places.get(place.id) == place:
            self.places.change(put=[settled])

    async def _settle_holder(self, slot: Slot) -> None:
        """Whoever loses its name to another is forgotten, so look after it before."""
        holder = self.places.find(slot.parent, slot.name)
        if holder is not None and holder.aim is not None and holder.aim.name.startswith(ASIDE):
            await self._settle(holder, holder.aim)

    async def _bring_back(self, place: Place, aside: Path, old: Path) -> None:
        """What was moved out of the way, whatever is in it by now, unless something has its name."""
        holder = await self.glance(old)
        if holder is not None:
            # The swap came to its end but for the last step. What others wrote in between is not what was to go.
            if self._is_awaited(place, holder) and not place.is_directory and await self._is_at(place, aside):
                await self.clear_away(aside)
            return
        try:
            await self.api.rename(aside, old)
        except Failure as failure:
            if failure.transient:
                raise
            return  # Somebody was quicker: it is back already, or another file has its name.

    def _is_awaited(self, place: Place, holder: Entry) -> bool:
        """True for what was to take the place: new content that went up for it, or a file that was moved over it."""
        aimed = self.places.aimed_at(place.parent or place.id)
        takers = (place, *(each for each in aimed if each.aim is not None and each.aim.name == place.name))
        return any(facts_of(each.facts).binding(holder.token) is not None for each in takers)

    async def clear_away(self, path: Path) -> None:
        """Remove what was moved out of the way, if the service lets us. Raises ``Unavailable``."""
        try:
            await self.api.delete(path)
        except Failure as failure:
            if failure.transient:
                raise

    async def discard(self, path: Path) -> bool:
        """Remove a passing file of ours; True if it was there and is gone. One that stays hides itself."""
        try:
            await self.api.delete(path)
        except Failure:
            return False
        return True

    async def _is_at(self, place: Place, path: Path) -> bool:
        entry = await self.glance(path)
        if entry is None or entry.is_directory != place.is_directory:
            return False
        return place.is_directory or facts_of(place.facts).binding(entry.token) is not None

    async def glance(self, path: Path) -> Entry | None:
        """What is at a path, None if the service says that nothing is."""
        try:
            return await self.api.look(path)
        except NotFound:
            return None

    async def root(self) -> Node:
        """The root of the account."""
        return self.to_node(self.place(ROOT), await self.api.look(()))

    async def node(self, node: NodeId) -> Node:
        """The node as it is now."""
        place = self.place(node)
        if place.parent is None:
            return await self.root()
        async with self.looking_at(node):
            entry = await self.look(node)
            return self.to_node(self.place(node), entry)

    async def look(self, node: NodeId) -> Entry:
        """What the service shows at the node's place, from within a turn; raises ``NotFound`` if it is another node."""
        path, place = await self.path(node), self.place(node)
        entry = await self.api.look(path)
        if entry.is_directory != place.is_directory:
            raise NotFound("another node is in its place")
        return entry

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """All that is in a directory, each with the id that it always had."""
        if not self.place(directory).is_directory:
            raise NotADirectory("a file has no children")
        async with self.turns.looking(directory):
            await self.settle_around(directory)
            path = await self.path(directory)
            entries, in_one_answer = await self.api.children(path)
            if not in_one_answer:
                entries += await self._missed(directory, path, {each.name for each in entries})
            shown = [each for each in entries if not each.name.startswith(HIDDEN)]
            return self._recognised(directory, shown, await self._arrived(directory, shown))

    async def _missed(self, directory: NodeId, path: Path, listed: set[str]) -> list[Entry]:
        """What we know and a list of several pages left out: it is gone only if the service says so of itself."""
        missing = [place.name for place in self.places.below(directory) if place.name not in listed]
        found = [await self.glance((*path, name)) for name in missing]
        return [each for each in found if each is not None]

    async def _arrived(self, directory: NodeId, entries: Sequence[Entry]) -> dict[str, Place]:
        """By their names here: nodes that were in other directories, where nothing has their names any more."""
        known = {place.name: place for place in self.places.below(directory)}
        arrived: dict[str, Place] = {}
        for entry in entries:
            place = None if _holds(known.get(entry.name), entry) else self.trails.candidate(entry)
            if place is not None and place not in arrived.values() and await self._left(place, directory):
                arrived[entry.name] = place
        return arrived

    async def _left(self, place: Place, directory: NodeId) -> bool:
        """False for what is where it was, on its way by our own doing, or above the directory itself."""
        here = place.parent in {None, directory} or is_within(self.places, directory, place.id)
        if here or place.aim is not None:
            return False
        try:
            left = await self.glance(await self.path(place.id)) is None
        except NotFound:
            return False
        return left and self.places.get(place.id) == place

    def _recognised(self, directory: NodeId, entries: Sequence[Entry], arrived: Mapping[str, Place]) -> list[Node]:
        """Give each entry its id; what is in the book and not in the list any more is gone."""
        known = {place.name: place for place in self.places.below(directory)}
        still = {name: place for name, place in arrived.items() if self.places.get(place.id) == place}
        moved = still | self.trails.within(known, entries)
        found = [
            (self._place_of(directory, each, known.get(each.name), moved.get(each.name)), each) for each in entries
        ]
        here = {place.id for place, _ in found}
        gone = [place for place in known.values() if place.id not in here]
        self.trails.lost(gone)
        # Who moves goes first: whoever gets a name evicts its holder with all that is below.
        changed = [place for place, _ in found if known.get(place.name) != place]
        fresh = sorted(changed, key=lambda place: place.name not in moved)
        if gone or fresh:
            self.places.change(put=fresh, remove=[place.id for place in gone])
        return [self.to_node(place, entry) for place, entry in found]

    def _place_of(self, directory: NodeId, entry: Entry, holder: Place | None, moved: Place | None = None) -> Place:
        if holder is not None and _holds(holder, entry):
            return replace(holder, mark=mark_of(entry))
        slot = Slot(directory, entry.name)
        place = moved or self.trails.returned(entry) or self.new_place(slot, is_directory=entry.is_directory)
        return replace(place, parent=directory, name=entry.name, mark=mark_of(entry))

    def adopt(self, slot: Slot, entry: Entry, facts: Facts) -> Place:
        """The place of a node that we just made at this slot."""
        made = replace(self._place_of(slot.parent, entry, self.places.find(slot.parent, slot.name)), facts=facts.text)
        self.places.change(put=[made])
        return made

    def to_node(self, place: Place, entry: Entry) -> Node:
        """What the service shows, in our terms."""
        facts = facts_of(place.facts)
        rights = entry.rights
        if place.parent is None:
            rights &= ~(Rights.RENAME | Rights.MOVE | Rights.DELETE)
        if entry.is_directory:
            mtime_ns = _directory_time(facts, entry)
            return Node(place.id, place.parent, place.name, Kind.DIRECTORY, 0, Version(""), mtime_ns, rights)
        version, mtime_ns = self.version(facts, entry), _file_time(facts, entry)
        return Node(place.id, place.parent, place.name, Kind.FILE, entry.size, version, mtime_ns, rights)

    def version(self, facts: Facts, entry: Entry) -> Version:
        """The version that we gave to this token, else the token itself, marked while it proves nothing."""
        binding = facts.binding(entry.token)
        if binding is not None:
            return binding.version
        return Version(entry.token.text + RACY * entry.token.is_young(entry.now, RACY_S))

    async def settle_version(self, node: Node) -> None:
        """Wait until the token of a version that was seen too soon proves something, and bind the version to it.

        Raises ``Outdated`` if the file has another content by then.
        """
        if not node.version.endswith(RACY):
            return
        expected = wire.parsed(node.version.removesuffix(RACY))
        while (seen := await self.seen_alone(node.id)) is not None and seen.token.is_young(seen.now, RACY_S):
            if seen.token != expected:
                break
            await trio.sleep(_RACY_PAUSE_S)
        if expected is None or seen is None or seen.token != expected:
            raise Outdated("the file has new content")
        place = self.place(node.id)
        facts = facts_of(place.facts)
        if facts.binding(expected) is None:
            self.places.change(put=[replace(place, facts=facts.bound(Binding(expected, node.version)).text)])

    async def seen_alone(self, node: NodeId) -> Entry | None:
        """What is at the node's place, None if nothing is; from outside of any turn."""
        try:
            async with self.looking_at(node):
                return await self.look(node)
        except NotFound:
            return None

    def bound(self, place: Place, entry: Entry) -> Place:
        """The place with what the service shows now written down, so that it is known again elsewhere."""
        facts = facts_of(place.facts)
        if entry.is_directory or facts.binding(entry.token) is not None:
            return place
        return replace(place, facts=facts.bound(Binding(entry.token, self.version(facts, entry))).text)

    def rebound(self, place: Place, before: Token, now: Entry) -> Place:
        """The same content under the token that it has after it was moved, or got an attribute."""
        binding = facts_of(place.facts).binding(before)
        if binding is None or now.is_directory or now.size != before.size or now.token == before:
            return place
        same = replace(place, facts=facts_of(place.facts).bound(replace(binding, token=now.token)).text)
        self.places.change(put=[same])
        return same


def _holds(place: Place | None, entry: Entry) -> bool:
    """True for a node of this kind."""
    return place is not None and place.is_directory == entry.is_directory


def _file_time(facts: Facts, entry: Entry) -> int:
    binding = facts.binding(entry.token)
    if binding is not None and binding.mtime_ns is not None:
        return binding.mtime_ns
    kept = wire.kept_time(entry)
    return kept.mtime_ns if kept is not None and kept.token == entry.token else entry.modified * _NS


def _directory_time(facts: Facts, entry: Entry) -> int:
    """A time that was set holds until something in the directory changed."""
    if facts.mtime_ns is not None and entry.modified <= facts.modified + _SAME_MOMENT_S:
        return facts.mtime_ns
    return entry.modified * _NS
