"""Making, moving and removing, without losing what is in the way (SmartFile facts, 7, 8 and 13)."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import trio

from mountcloud.model.errors import (
    Conflict,
    Exists,
    Failure,
    Forbidden,
    NotEmpty,
    NotFound,
    NotPermitted,
    Refused,
    Unavailable,
)
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place
from mountcloud.providers.smartfile import wire
from mountcloud.providers.smartfile.facts import Binding, Facts, facts_of
from mountcloud.providers.smartfile.trails import mark_of
from mountcloud.providers.smartfile.tree import ASIDE, HIDDEN, Tree
from mountcloud.providers.smartfile.wire import Entry, KeptTime, Path

RENAMES = "renames"
"""The note in the book of places that is "refuse" once a rename was seen not to take the place of a file."""

_NS = 10**9
_STAMPED_S = 2
"""A time so near to the service's own stamp is not sent: it would cost a call for each save."""


class Changes:
    """Changes to the tree of one account."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._api = tree.api

    async def make_directory(self, slot: Slot, mtime_ns: int) -> Node:
        """Make a directory; raises ``Exists``, ``NotFound`` if the parent is gone."""
        async with self._tree.turns.changing(slot.parent):
            path = (*await self._tree.path(slot.parent), slot.name)
            await self.check_free(slot)
            async with self.blaming_the_parent(slot.parent):
                entry = await self._api.make_directory(path)
            if not entry.is_directory:
                raise Exists(f"the name {slot.name!r} is taken")
            place = self._tree.adopt(slot, entry, Facts(mtime_ns=mtime_ns, modified=entry.modified))
            return self._tree.to_node(place, entry)

    async def check_free(self, slot: Slot) -> None:
        """The service makes no difference between making and finding, so look before. Raises ``Exists``."""
        path = (*await self._tree.path(slot.parent), slot.name)
        if await self._api.is_taken(path):
            raise Exists(f"the name {slot.name!r} is taken")

    @asynccontextmanager
    async def blaming_the_parent(self, parent: NodeId) -> AsyncIterator[None]:
        """A directory that is gone is told as 400, 403, 404 or 409: look whether it is that."""
        try:
            yield
        except Failure as failure:
            if isinstance(failure, NotFound | Exists | Forbidden | Refused):
                await self._tree.look(parent)
            if isinstance(failure, NotFound):
                raise Unavailable("the service refuses to write where it could") from failure
            raise

    async def relocate(self, old: Path, slot: Slot) -> Entry:
        """Move what is at a path to a slot that was seen to be free; raises ``Exists`` if the service refuses it."""
        new = (*await self._tree.path(slot.parent), slot.name)
        async with self.blaming_the_parent(slot.parent):
            return await self._renamed(old, new)

    async def _renamed(self, old: Path, new: Path) -> Entry:
        """What is at the new path; a rename into a directory of that name would be told with another one."""
        entry = await self._api.rename(old, new)
        return entry if entry.name == new[-1] else await self._api.look(new)

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
        holder = None if replaces is None else await self._in_the_way(replaces, slot, place)
        self._tree.places.change(put=[replace(place, aim=slot)])
        try:
            if holder is None:
                await self.check_free(slot)
                now = await self.relocate(old, slot)
            else:
                now = await self.take_over(old, *holder)
        except Failure as failure:
            if not failure.transient:
                self._tree.places.change(put=[place])
            raise
        self._tree.trails.learn(entry, now)
        moved = replace(place, parent=slot.parent, name=slot.name, mark=mark_of(now))
        self._tree.places.change(put=[moved])
        return self._tree.to_node(self._tree.rebound(moved, entry.token, now), now)

    async def _in_the_way(self, replaces: Ref, slot: Slot, mover: Place) -> tuple[Place, Entry] | None:
        """The file whose name is to be taken, as it is now; an empty directory is removed here.

        Raises ``Exists`` if another node holds the name, ``Conflict`` if the file is at another version, ``NotEmpty``.
        """
        holder = self._tree.places.find(slot.parent, slot.name)
        if holder is None or holder.id != replaces.id or holder.id == mover.id:
            return None
        try:
            entry = await self._tree.look(holder.id)
        except NotFound:
            return None
        holder = self._tree.bound(self._tree.place(holder.id), entry)
        if entry.is_directory != mover.is_directory:
            raise Exists(f"the name {slot.name!r} is taken")
        if entry.is_directory:
            await self._remove_directory(holder)
            return None
        self.check_version(holder, entry, replaces)
        return holder, entry

    def check_version(self, place: Place, entry: Entry, ref: Ref) -> None:
        """Raises ``Conflict`` unless the file is at this version."""
        if ref.version and self._tree.version(facts_of(place.facts), entry) != ref.version:
            raise Conflict(f"{place.name!r} has new content on the service")

    async def take_over(self, old: Path, holder: Place, seen: Entry) -> Entry:
        """Give what is at a path the name of a file, which must be as it was ``seen`` and is gone afterwards.

        Nobody knows whether a rename may do that (SmartFile facts, 7), so it is tried once, and otherwise the file is
        moved out of the way, and brought back if anything goes wrong. Not to be left half done.
        """
        path = await self._tree.path(holder.id)
        taken: list[Entry] = []
        with trio.CancelScope(shield=True):
            taken.append(await self._taken_over(old, path, holder, seen))
        return taken[0]

    async def _taken_over(self, old: Path, path: Path, holder: Place, seen: Entry) -> Entry:
        known = self._tree.places.note(RENAMES)
        if known != "refuse":
            try:
                return await self._renamed(old, path)
            except Failure as failure:
                if failure.transient:
                    raise
        return await self._with_the_holder_aside(old, path, holder, seen)

    async def _with_the_holder_aside(self, old: Path, path: Path, holder: Place, seen: Entry) -> Entry:
        aside = (*path[:-1], f"{ASIDE}{secrets.token_hex(8)}")
        parent = holder.parent or holder.id
        self._tree.places.change(put=[replace(holder, aim=Slot(parent, aside[-1]))])
        try:
            # By its old name nobody can write to it any more: what it is now is what would be lost.
            if (await self._renamed(path, aside)).token != seen.token:
                raise Conflict(f"{holder.name!r} has new content on the service")
            entry = await self._renamed(old, path)
        except Failure:
            await self._tree.path(holder.id)
            raise
        self._tree.places.set_note(RENAMES, "refuse")
        await self._tree.clear_away(aside)
        return entry

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
            await self._api.delete(await self._tree.path(place.id))
            self._tree.places.change(remove=[place.id])

    async def _remove_directory(self, place: Place) -> None:
        """The service removes whole trees, and later: where nobody else finds it, it is looked into before."""
        path = await self._tree.path(place.id)
        await self._check_empty(path)
        aside = (*path[:-1], f"{ASIDE}{secrets.token_hex(8)}")
        with trio.CancelScope(shield=True):
            self._tree.places.change(put=[replace(place, aim=Slot(place.parent or place.id, aside[-1]))])
            try:
                await self._renamed(path, aside)
                await self._check_empty(aside)
                await self._api.remove(aside)
            except Failure:
                await self._tree.path(place.id)
                raise
            self._tree.places.change(remove=[place.id])

    async def _check_empty(self, path: Path) -> None:
        entries, _ = await self._api.children(path)
        if not all(each.name.startswith(HIDDEN) and _is_left_over(each) for each in entries):
            raise NotEmpty("the directory has children")

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time: here, and in an attribute for our other machines where it is a file."""
        place = self._tree.place(ref.id)
        async with self._tree.turns.changing(place.parent or place.id):
            entry = await self._tree.look(ref.id)
            place = self._tree.place(ref.id)
            if place.is_directory:
                dated = replace(place, facts=Facts(mtime_ns=mtime_ns, modified=entry.modified).text)
                self._tree.places.change(put=[dated])
                return self._tree.to_node(dated, entry)
            self.check_version(place, entry, ref)
            facts = facts_of(place.facts)
            binding = Binding(entry.token, self._tree.version(facts, entry), mtime_ns)
            dated = replace(place, facts=facts.bound(binding).text)
            self._tree.places.change(put=[dated])
            return await self.keep_time(dated, entry, mtime_ns)

    async def keep_time(self, place: Place, entry: Entry, mtime_ns: int) -> Node:
        """Write a file's time beside its content; a service that would not is none the worse."""
        if abs(mtime_ns // _NS - entry.modified) <= _STAMPED_S and wire.kept_time(entry) is None:
            return self._tree.to_node(place, entry)
        value = KeptTime(mtime_ns, entry.token).text
        try:
            now = await self._api.set_attribute(await self._tree.path(place.id), wire.MTIME, value)
        except Failure:
            return self._tree.to_node(place, entry)
        same = now.size == entry.size and not now.is_directory
        return self._tree.to_node(self._tree.rebound(place, entry.token, now), now if same else entry)


_FORGOTTEN_S = 86_400


def _is_left_over(entry: Entry) -> bool:
    """A passing file that nobody goes on with: a machine was switched off in the middle."""
    return entry.now - entry.modified > _FORGOTTEN_S
