"""Ids, paths and nodes: what the book of places knows, laid against what the server shows."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import trio

from mountcloud.model.errors import NotADirectory, NotFound, Outdated
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place, Places, path_of
from mountcloud.providers.book import ROOT, Book
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.abilities import Abilities
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.dav import Dav
from mountcloud.providers.webdav.evidence import digest
from mountcloud.providers.webdav.facts import Binding, Facts, facts_of, in_doubt
from mountcloud.providers.webdav.sightings import Sightings
from mountcloud.providers.webdav.tokens import RACY, RACY_S, Token
from mountcloud.providers.webdav.wire import Entry

HIDDEN = ".mountcloud-"
"""How the names of our own passing files begin: uploads under way, and what the probe writes."""

_SAME_MOMENT_S = 2
_RACY_PAUSE_S = 0.5
_NS = 10**9


@dataclass(frozen=True, slots=True)
class Recognised:
    """A list in terms of the book: places that are to be written down, and ids that are to be forgotten."""

    nodes: Sequence[Node]
    fresh: Sequence[Place]
    gone: Sequence[NodeId]


class Tree(Book):
    """The nodes of one account. What it is told of names it believes only from within ``turns``."""

    def __init__(self, dav: Dav, places: Places, abilities: Callable[[], Abilities]) -> None:
        super().__init__(places)
        self.dav = dav
        self._abilities = abilities
        self._sightings = Sightings()

    @property
    def abilities(self) -> Abilities:
        """What the server can do."""
        return self._abilities()

    @property
    def props(self) -> tuple[str, ...]:
        """What to ask for of each node."""
        return wire.BASIC + (wire.MTIME,) * self.abilities.properties + wire.OWNCLOUD * self.abilities.owncloud

    async def _settle(self, place: Place, aim: Slot) -> None:
        """A move was sent and its answer lost: the node is where it was, or where it was to go."""
        parent, old = path_of(self.places, aim.parent), path_of(self.places, place.id)
        settled = replace(place, aim=None)
        there = parent is not None and old is not None and not await self._is_at(place, old)
        if there and await self._is_at(place, (*(parent or ()), aim.name)):
            settled = replace(settled, parent=aim.parent, name=aim.name)
        if self.places.get(place.id) == place:
            self.places.change(put=[settled])

    async def _is_at(self, place: Place, path: Path) -> bool:
        try:
            entry = await self.dav.look(path, self.props, directory=place.is_directory)
        except NotFound:
            return False
        if entry.is_directory != place.is_directory or not self._is_same(place, entry):
            return False
        if place.is_directory or self._given_id(entry) == place.id:
            return True
        return facts_of(place.facts).binding(entry.token) is not None

    async def root(self) -> Node:
        """The collection in the settings."""
        self.know_root()
        entry = await self.dav.look((), self.props, directory=True)
        return self.to_node(self.place(ROOT), entry)

    async def node(self, node: NodeId) -> Node:
        """The node as it is now."""
        place = self.place(node)
        if place.parent is None:
            return await self.root()
        async with self.looking_at(node):
            entry = await self.look(node)
            return self.to_node(self.place(node), entry)

    async def look(self, node: NodeId) -> Entry:
        """What the server shows at the node's place, from within a turn; raises ``NotFound`` if it is another node."""
        path, place = await self.path(node), self.place(node)
        entry = await self.dav.look(path, self.props, directory=place.is_directory)
        if entry.is_directory != place.is_directory or not self._is_same(place, entry):
            raise NotFound("another node is in its place")
        await self._recognise(place, path, entry)
        seen = self.place(node)
        if self.told(seen, entry) != seen:
            self.places.change(put=[self.told(seen, entry)])
        return entry

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """All that is in a directory, each with the id that it always had."""
        if not self.place(directory).is_directory:
            raise NotADirectory("a file has no children")
        async with self.turns.looking(directory):
            found = await self.look_around(directory)
            self.places.change(put=found.fresh, remove=found.gone)
            return found.nodes

    async def look_around(self, directory: NodeId) -> "Recognised":
        """What is in a directory, from within a turn; what was in doubt there is settled."""
        entries = await self.listing(directory)
        await self.settle_around(directory)
        await self._recognise_all(directory, entries)
        return self.recognised(directory, entries)

    async def _recognise_all(self, directory: NodeId, entries: Sequence[Entry]) -> None:
        doubtful = {place.name: place for place in self.places.below(directory) if in_doubt(place.facts)}
        for entry in entries if doubtful else ():
            place = doubtful.get(entry.path[-1])
            if place is not None and not entry.is_directory:
                await self._recognise(place, (*await self.path(directory), place.name), entry)

    async def _recognise(self, place: Place, path: Path, entry: Entry) -> None:
        """A file was sent and the answer lost: if the server has just these bytes, they are what we sent."""
        facts = facts_of(place.facts)
        if not facts.sent or facts.binding(entry.token) is not None:
            return
        sizes = {each.size for each in facts.sent}
        found = await digest(self.dav, path, entry) if entry.size in sizes else ""
        ours = next((each for each in facts.sent if each.digest == found and each.size == entry.size), None)
        if ours is not None:
            facts = facts.arrived(Binding(entry.token, self.fresh_version(entry.token), ours.mtime_ns))
        else:
            facts = facts.bound(Binding(entry.token, self.version(facts, entry)))
        if self.places.get(place.id) == place:
            self.places.change(put=[replace(place, facts=facts.text)])

    async def listing(self, directory: NodeId) -> list[Entry]:
        """All names in a directory, from within a turn: also passing files of our own, and what we may not see."""
        entries = await self.dav.children(await self.path(directory), self.props)
        if self.abilities.lists_hidden:
            return entries
        return entries + await self._unlisted(directory, {each.path[-1] for each in entries})

    async def _unlisted(self, directory: NodeId, listed: set[str]) -> list[Entry]:
        """Names that begin with a dot, as far as we know of them, where lists leave them out."""
        found = []
        for place in self.places.below(directory):
            if place.name.startswith(".") and place.name not in listed:
                entry = await self._glance((*await self.path(directory), place.name), place)
                found += [] if entry is None else [entry]
        return found

    async def _glance(self, path: Path, place: Place) -> Entry | None:
        try:
            return await self.dav.look(path, self.props, directory=place.is_directory)
        except NotFound:
            return None

    def recognised(self, directory: NodeId, entries: Sequence[Entry]) -> "Recognised":
        """Give each entry its id; what is in the book and not in the list any more is gone."""
        known = {place.name: place for place in self.places.below(directory)}
        shown = [each for each in entries if is_shown(each)]
        holders = known | self._renamed(directory, known, shown)
        found = [(self.place_of(directory, each, holders.get(each.path[-1])), each) for each in shown]
        here = {place.id for place, _ in found}
        return Recognised(
            nodes=[self.to_node(place, entry) for place, entry in found],
            fresh=[place for place, _ in found if known.get(place.name) != place],
            gone=[place.id for place in known.values() if place.id not in here],
        )

    def _renamed(self, directory: NodeId, known: Mapping[str, Place], entries: Sequence[Entry]) -> dict[str, Place]:
        """Files that others gave these names, where the server has no ids but tags that outlive a rename."""
        if self.abilities.owncloud or not self.abilities.move_keeps:
            return {}
        found = self._sightings.renamed(directory, known, entries)
        self._sightings.remember(directory, entries)
        return found

    def place_of(self, directory: NodeId, entry: Entry, holder: Place | None) -> Place:
        """The place of what a list shows in a directory; ``holder`` has the name in the book."""
        name = entry.path[-1]
        given = self._given_id(entry)
        if given is not None:
            known = self.places.get(given)
            moved = Place(given, directory, name, entry.is_directory) if known is None else known
            here = replace(moved, parent=directory, name=name, is_directory=entry.is_directory, aim=None)
            return self.told(here, entry)
        if holder is not None and holder.is_directory == entry.is_directory:
            return holder
        return self.new_place(Slot(directory, name), is_directory=entry.is_directory)

    def told(self, place: Place, entry: Entry) -> Place:
        """With the checksum that the server tells, by which a reader of this content will check it."""
        checksum = wire.checksum(entry)
        if not checksum:
            return place
        return replace(place, facts=facts_of(place.facts).with_checksum(entry.token.etag, checksum).text)

    def _given_id(self, entry: Entry) -> NodeId | None:
        """The server's own id of the node, which survives its renames by anybody."""
        given = entry.text(f"{wire.OC}id") or entry.text(f"{wire.OC}fileid")
        return NodeId(f"oc:{given}") if given and self.abilities.owncloud else None

    def _is_same(self, place: Place, entry: Entry) -> bool:
        given = self._given_id(entry)
        return given is None or place.parent is None or given == place.id

    def adopt(self, slot: Slot, entry: Entry, facts: Facts) -> Node:
        """A node that we just made at this slot."""
        made = self.place_of(slot.parent, entry, self.places.find(slot.parent, slot.name))
        made = self.told(replace(made, facts=facts.text), entry)
        self.places.change(put=[made])
        return self.to_node(made, entry)

    def to_node(self, place: Place, entry: Entry) -> Node:
        """What the server shows, in our terms."""
        facts = facts_of(place.facts)
        if entry.is_directory:
            tells = self.abilities.owncloud and not self.abilities.sync
            version = Version(entry.token.etag if tells else "")
            size, mtime_ns = 0, self._directory_time(facts, entry)
        else:
            size, version, mtime_ns = entry.size or 0, self.version(facts, entry), self._file_time(facts, entry)
        kind = Kind.DIRECTORY if entry.is_directory else Kind.FILE
        return Node(place.id, place.parent, place.name, kind, size, version, mtime_ns, self._rights(place, entry))

    def version(self, facts: Facts, entry: Entry) -> Version:
        """The version that we gave to this token, else the token itself, marked while it proves nothing."""
        token = entry.token
        binding = facts.binding(token)
        if binding is not None:
            return binding.version
        racy = not self.abilities.precise and abs(entry.now - token.modified) < RACY_S
        return Version(token.text + RACY * racy)

    async def settle_version(self, node: Node, expected: Token) -> None:
        """Wait until the token of a racy version proves something, and bind the version to it.

        Raises ``Outdated`` if the file has another content by then.
        """
        while (seen := await self.seen_alone(node.id)) is not None and abs(seen.now - expected.modified) < RACY_S:
            if seen.token != expected:
                break
            await trio.sleep(_RACY_PAUSE_S)
        if seen is None or seen.token != expected:
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

    def fresh_version(self, token: Token) -> Version:
        """A version for content that we just wrote; a number makes it one where the server's token is none."""
        return Version(token.text if self.abilities.precise else f"{token.text}#{secrets.token_hex(4)}")

    def _file_time(self, facts: Facts, entry: Entry) -> int:
        binding = facts.binding(entry.token) if facts.bindings else None
        if binding is not None and binding.mtime_ns is not None:
            return binding.mtime_ns
        kept = wire.kept_time(entry)
        if kept is not None and (kept.size, kept.modified) == (entry.size, entry.modified):
            return kept.mtime_ns
        return entry.modified * _NS

    def _directory_time(self, facts: Facts, entry: Entry) -> int:
        """A time that was set holds until something in the directory changed."""
        if facts.mtime_ns is not None and entry.modified <= facts.modified + _SAME_MOMENT_S:
            return facts.mtime_ns
        kept = wire.kept_time(entry)
        if kept is not None and entry.modified <= kept.modified + _SAME_MOMENT_S:
            return kept.mtime_ns
        return entry.modified * _NS

    def _rights(self, place: Place, entry: Entry) -> Rights:
        rights = wire.rights(entry)
        if place.parent is None:
            return rights & ~(Rights.RENAME | Rights.MOVE | Rights.DELETE)
        return rights

    def bound(self, place: Place, entry: Entry) -> Place:
        """The place with what the server shows now written down, so that it is known again elsewhere."""
        if entry.is_directory:
            return place
        facts = facts_of(place.facts)
        if facts.binding(entry.token) is not None:
            return place
        return replace(place, facts=facts.bound(Binding(entry.token, self.version(facts, entry))).text)


def is_shown(entry: Entry) -> bool:
    """False for passing files of our own, and for what we may not see."""
    return entry.is_visible and not entry.path[-1].startswith(HIDDEN)
