"""Making, moving and removing, without losing what is in the way (WebDAV facts, 1, client rules 5 to 8 and 11)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from mountcloud.model.errors import (
    AuthenticationRequired,
    Conflict,
    Exists,
    Failure,
    NotEmpty,
    NotFound,
    NotPermitted,
    Unavailable,
)
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.dav import is_about_the_parent
from mountcloud.providers.webdav.facts import Binding, Facts, facts_of
from mountcloud.providers.webdav.tree import HIDDEN, Tree
from mountcloud.providers.webdav.wire import Entry, KeptTime

_FORGOTTEN_S = 86_400


class Changes:
    """Changes to the tree of one account."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._dav = tree.dav

    async def make_directory(self, slot: Slot, mtime_ns: int) -> Node:
        """Make a collection; raises ``Exists``, ``NotFound`` if the parent is gone."""
        async with self._tree.turns.changing(slot.parent):
            path = (*await self._tree.path(slot.parent), slot.name)
            if not self._tree.abilities.mkcol_tells and await self._is_taken(path):
                raise Exists(f"the name {slot.name!r} is taken")
            async with self.needing_a_free_name(slot, path):
                await self._dav.make_collection(path)
            entry = await self._dav.look(path, self._tree.props, directory=True)
            made = self._tree.adopt(slot, entry, Facts())
            return await self._date(self._tree.place(made.id), entry, mtime_ns)

    async def _is_taken(self, path: Path) -> bool:
        try:
            await self._dav.look(path, wire.BASIC)
        except NotFound:
            return False
        return True

    @asynccontextmanager
    async def blaming_the_parent(self, parent: NodeId) -> AsyncIterator[None]:
        """Servers refuse to write into a directory that is gone in many ways: look whether it is that."""
        try:
            yield
        except Failure as failure:
            if is_about_the_parent(failure):
                await self._tree.look(parent)
            if isinstance(failure, NotFound):
                raise Unavailable("the server refuses to write where it could") from failure
            raise

    @asynccontextmanager
    async def needing_a_free_name(self, slot: Slot, path: Path, mover: Path | None = None) -> AsyncIterator[None]:
        """Servers refuse a name that is taken in many ways too: 405 and 412 are the right ones, 400 and 409 occur.

        What has the name may be the ``mover`` itself, whose answer was lost: then nothing is refused, only unknown.
        """
        try:
            async with self.blaming_the_parent(slot.parent):
                yield
        except AuthenticationRequired:
            raise
        except Failure as failure:
            left = failure.transient and mover is not None and not await self._is_taken(mover)
            if isinstance(failure, Conflict) or (not left and await self._is_taken(path)):
                raise Exists(f"the name {slot.name!r} is taken") from failure
            raise

    async def relocate(self, old: Path, slot: Slot, *, directory: bool, overwrite: bool) -> None:
        """Move what is at a path to a slot; raises ``Exists`` if that is taken and ``overwrite`` is false."""
        new = (*await self._tree.path(slot.parent), slot.name)
        if overwrite:
            await self._dav.move(old, new, directory=directory, overwrite=True)
            return
        if not self._tree.abilities.move_refuses and await self._is_taken(new):
            raise Exists(f"the name {slot.name!r} is taken")
        async with self.needing_a_free_name(slot, new, old):
            await self._dav.move(old, new, directory=directory, overwrite=False)

    async def move(self, ref: Ref, slot: Slot, replaces: Ref | None) -> Node:
        """Give a node another slot; see ``Provider.move``."""
        async with self._tree.moving(ref.id, slot):
            entry = await self._tree.look(ref.id)
            place = self._tree.bound(self._tree.place(ref.id), entry)
            if Slot(place.parent or place.id, place.name) == slot:
                return self._tree.to_node(place, entry)
            return await self._move(place, entry, slot, replaces)

    async def _move(self, place: Place, entry: Entry, slot: Slot, replaces: Ref | None) -> Node:
        old = await self._tree.path(place.id)
        overwrite = replaces is not None and await self._makes_way(replaces, slot, place)
        aimed = replace(place, aim=slot)
        self._tree.places.change(put=[aimed])
        try:
            await self.relocate(old, slot, directory=place.is_directory, overwrite=overwrite)
        except Failure as failure:
            if not failure.transient:
                self._tree.places.change(put=[place])
            raise
        moved = replace(place, parent=slot.parent, name=slot.name)
        self._tree.places.change(put=[moved])
        return await self._after_move(moved, entry)

    async def _after_move(self, place: Place, entry: Entry) -> Node:
        """The content is the same, whatever the server shows for it now."""
        if self._tree.abilities.move_keeps:
            return self._tree.to_node(place, entry)
        now = await self._tree.look(place.id)
        return self._tree.to_node(self._rebound(place, entry, now), now)

    def _rebound(self, place: Place, before: Entry, now: Entry) -> Place:
        binding = facts_of(place.facts).binding(before.token)
        if binding is None or now.is_directory or now.size != before.size:
            return place
        same = replace(place, facts=facts_of(place.facts).bound(replace(binding, token=now.token)).text)
        self._tree.places.change(put=[same])
        return same

    async def _makes_way(self, replaces: Ref, slot: Slot, mover: Place) -> bool:
        """True if a file is to be overwritten; an empty directory is removed here.

        Raises ``Exists`` if another node holds the name, ``Conflict`` if the file is at another version, ``NotEmpty``.
        """
        holder = self._tree.places.find(slot.parent, slot.name)
        if holder is None or holder.id != replaces.id or holder.id == mover.id:
            return False
        try:
            entry = await self._tree.look(holder.id)
        except NotFound:
            return False
        if entry.is_directory != mover.is_directory:
            raise Exists(f"the name {slot.name!r} is taken")
        if entry.is_directory:
            await self._remove_directory(holder)
            return False
        self.check_version(self._tree.place(holder.id), entry, replaces)
        return True

    def check_version(self, place: Place, entry: Entry, ref: Ref) -> None:
        """Raises ``Conflict`` unless the file is at this version."""
        if ref.version and self._tree.version(facts_of(place.facts), entry) != ref.version:
            raise Conflict(f"{place.name!r} has new content on the server")

    async def remove(self, ref: Ref) -> None:
        """Remove a file at this version, or an empty directory."""
        place = self._tree.place(ref.id)
        if place.parent is None:
            raise NotPermitted("the root cannot be removed")
        async with self._tree.turns.changing(place.parent, place.id):
            entry = await self._tree.look(ref.id)
            place = self._tree.place(ref.id)
            if place.is_directory:
                await self._remove_directory(place)
                return
            self.check_version(place, entry, ref)
            condition = entry.condition if self._tree.abilities.delete_if_match else ""
            await self._dav.delete(await self._tree.path(place.id), directory=False, condition=condition)
            self._tree.places.change(remove=[place.id])

    async def _remove_directory(self, place: Place) -> None:
        """The server would remove everything below, so look first."""
        if not all(_is_left_over(each) for each in await self._tree.listing(place.id)):
            raise NotEmpty("the directory has children")
        await self._dav.delete(await self._tree.path(place.id), directory=True)
        self._tree.places.change(remove=[place.id])

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time: on the server where it can keep it, else here alone."""
        place = self._tree.place(ref.id)
        async with self._tree.turns.looking(place.parent or place.id):
            entry = await self._tree.look(ref.id)
            place = self._tree.place(ref.id)
            if not place.is_directory:
                self.check_version(place, entry, ref)
            return await self._date(place, entry, mtime_ns)

    async def _date(self, place: Place, entry: Entry, mtime_ns: int) -> Node:
        path = await self._tree.path(place.id)
        if self._tree.abilities.sets_dates and not place.is_directory:
            return await self._date_on_server(place, path, entry, mtime_ns)
        await self.keep_time(path, entry, mtime_ns)
        facts = facts_of(place.facts)
        if place.is_directory:
            # Where the server keeps properties in the directory itself, its date has just changed.
            entry = await self._dav.look(path, self._tree.props, directory=True)
            facts = Facts(mtime_ns=mtime_ns, modified=entry.modified)
        else:
            facts = facts.bound(Binding(entry.token, self._tree.version(facts, entry), mtime_ns))
        dated = replace(place, facts=facts.text)
        self._tree.places.change(put=[dated])
        return self._tree.to_node(dated, entry)

    async def _date_on_server(self, place: Place, path: Path, entry: Entry, mtime_ns: int) -> Node:
        """A new date makes a new ETag there; the content, and so the version, is the same."""
        second = mtime_ns // 10**9
        version = self._tree.version(facts_of(place.facts), entry)
        await self._dav.set_property(path, wire.LASTMODIFIED, str(second), directory=False, condition=entry.condition)
        now = await self._dav.look(path, self._tree.props)
        facts = facts_of(place.facts)
        if (now.size, now.modified) == (entry.size, second):
            facts = facts.bound(Binding(now.token, version, mtime_ns))
        dated = self._tree.told(replace(place, facts=facts.text), now)
        self._tree.places.change(put=[dated])
        return self._tree.to_node(dated, now)

    async def keep_time(self, path: Path, entry: Entry, mtime_ns: int) -> None:
        """Write the time beside the content, for our other machines; a server that would not is none the worse."""
        if self._tree.abilities.properties:
            value = KeptTime(mtime_ns, entry.size or 0, entry.modified).text
            await self._dav.set_property(path, wire.MTIME, value, directory=entry.is_directory)


def _is_left_over(entry: Entry) -> bool:
    """An upload that nobody goes on with: a machine was switched off in the middle of it."""
    return entry.is_visible and entry.path[-1].startswith(HIDDEN) and entry.now - entry.modified > _FORGOTTEN_S
