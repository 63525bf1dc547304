"""Other names and other places. The service knows neither, so the bytes travel, unless only a note has the name.

What moves has its new name before it loses the old one, and the book knows where it is going: if an answer is lost, or
the machine is, the next look finds out how far it came, and whoever repeats the move goes on from there.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from mountcloud.model.errors import Exists, Failure, InvalidArgument, NotFound, NotPermitted
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place, is_within
from mountcloud.providers.metadisk.bucket import Names
from mountcloud.providers.metadisk.changes import demand_empty, demand_version, held_at
from mountcloud.providers.metadisk.facts import facts_of
from mountcloud.providers.metadisk.picture import Held, Picture
from mountcloud.providers.metadisk.tree import ROOT, Tree, Where, above


@dataclass(frozen=True, slots=True)
class _Way:
    """From where to where, with a picture of either bucket."""

    old: Where
    new: Where
    seen: Picture
    seen_there: Picture

    @property
    def stays(self) -> bool:
        """True within one bucket."""
        return self.old.bucket == self.new.bucket


class Moves:
    """Moves of files and directories, inside of buckets and between them."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self._tree = tree
        self._names = names
        self._works = tree.works
        self._places = tree.places

    async def move(self, ref: Ref, slot: Slot, replaces: Ref | None) -> Node:
        """Give a file or directory another slot; see ``Provider.move``."""
        place = self._tree.place(ref.id)
        if slot.parent == ROOT or place.parent in {None, ROOT}:
            raise NotPermitted("a bucket stays a bucket, and nothing else becomes one")
        if not place.is_directory:
            async with self._tree.using(ref.id, slot.parent):
                return await self._move_file(ref.id, slot, replaces)
        self._demand_outside(ref.id, slot)
        moved = (ref.id,) if replaces is None else (ref.id, replaces.id)
        async with self._works.paths.moving(self._places, *moved, between=(place.parent, slot.parent)):
            self._demand_outside(ref.id, slot)  # it may have come there while this waited
            return await self._move_directory(ref.id, slot, replaces)

    def _demand_outside(self, directory: NodeId, slot: Slot) -> None:
        if is_within(self._places, slot.parent, directory):
            raise InvalidArgument("a directory cannot be moved below itself")

    async def _way(self, node: NodeId, slot: Slot) -> tuple[Where, Where]:
        return await self._tree.where(node), (await self._tree.where(slot.parent)) / slot.name

    async def _looked(self, old: Where, new: Where) -> _Way:
        seen = await self._tree.look(old.bucket)
        return _Way(old, new, seen, seen if old.bucket == new.bucket else await self._tree.look(new.bucket))

    async def _move_file(self, node: NodeId, slot: Slot, replaces: Ref | None) -> Node:
        old, new = await self._way(node, slot)
        contents = {self._content(node), "" if replaces is None else replaces.version}
        contents.add(self._content(None if replaces is None else replaces.id))
        keys = [(where.bucket, content) for where in (old, new) for content in contents]
        async with self._works.on(old.key, new.key, *keys):
            way = await self._looked(old, new)
            seen = self._tree.seen(node, way.seen)
            place = self._tree.place(node)
            if Slot(seen.parent or ROOT, seen.name) == slot:
                await self._clear_away(way, seen, replaces)
                return seen
            self._tree.demand_directory(way.seen_there, slot.parent)
            held = held_at(way.seen, old, seen.version)
            in_the_way = self._in_the_way(way, place, held, slot, replaces)
            async with self._aimed(place, slot, *([] if replaces is None else [replaces.id])):
                await self._names.keep_directory(way.seen, above(old))
                await self._relocate(way, held, in_the_way)
            return self._arrived(place, slot, replaces)

    async def _clear_away(self, way: _Way, seen: Node, replaces: Ref | None) -> None:
        """What made way is still there if an earlier attempt was cut short: the version tells which content that is."""
        for held in tuple(way.seen_there.at(way.new.path)):
            if replaces is not None and held.hash == replaces.version != seen.version:
                await self._names.take(way.seen_there, way.new.bucket, held)

    def _content(self, node: NodeId | None) -> str:
        place = None if node is None else self._places.get(node)
        stand = None if place is None else facts_of(place.facts).stand
        return "" if stand is None else stand.hash

    def _in_the_way(self, way: _Way, place: Place, held: Held, slot: Slot, replaces: Ref | None) -> Held | None:
        """The name that makes way; raises ``Exists`` for any other, ``Conflict`` if it has other content."""
        if not way.seen_there.is_taken(way.new.path):
            return None
        ours_already = [each for each in way.seen_there.at(way.new.path) if each.hash == held.hash]
        if replaces is None and place.aim == slot and ours_already:
            return ours_already[0]
        try:
            victim = self._tree.seen(replaces.id, way.seen_there) if replaces is not None else None
        except NotFound:
            victim = None
        alone = len(way.seen_there.at(way.new.path)) == 1 and not way.seen_there.is_directory(way.new.path)
        if victim is None or replaces is None or Slot(victim.parent or ROOT, victim.name) != slot or not alone:
            raise Exists(f"the name {slot.name!r} is taken")
        demand_version(victim, replaces.version)
        return held_at(way.seen_there, way.new, victim.version)

    async def _relocate(self, way: _Way, held: Held, in_the_way: Held | None) -> None:
        """One name of a file; what has the same content there already is what should be there."""
        same = in_the_way is not None and in_the_way.hash == held.hash
        if way.stays and not same:
            await self._names.change(way.old.bucket, held, way.new.path)
        else:
            if not same:
                source = self._names.bytes_of(way.old.bucket, held)
                await self._names.give(way.seen_there, way.new, held.hash, source)
            await self._names.take_now(way.old, held.hash)
        if in_the_way is not None and not same:
            await self._names.take_now(way.new, in_the_way.hash)

    @asynccontextmanager
    async def _aimed(self, place: Place, slot: Slot, *others: NodeId) -> AsyncIterator[None]:
        """The book knows where it goes; a move that was refused is none."""
        with self._works.at(place.id, *others):
            self._places.change(put=[replace(place, aim=slot)])
            try:
                yield
            except Failure as failure:
                if not failure.transient:
                    self._places.change(put=[replace(place, aim=None)])
                raise

    def _arrived(self, place: Place, slot: Slot, replaces: Ref | None) -> Node:
        moved = replace(place, parent=slot.parent, name=slot.name, aim=None)
        with self._works.at(place.id):
            gone = [] if replaces is None or replaces.id == place.id else [replaces.id]
            self._places.change(put=[moved], remove=gone)
        return self._tree.to_node(moved)

    async def _move_directory(self, node: NodeId, slot: Slot, replaces: Ref | None) -> Node:
        """File by file: nobody else here uses a path into it meanwhile."""
        old, new = await self._way(node, slot)
        key = Slot(slot.parent, f"{slot.name}/")
        async with self._works.on(old.key, new.key):
            way = await self._looked(old, new)
            seen = self._tree.seen(node, way.seen)
            place = self._tree.place(node)
            if Slot(seen.parent or ROOT, seen.name) == slot:
                return seen
            self._tree.demand_directory(way.seen_there, slot.parent)
            if place.aim != key:
                self._demand_room(way, slot, replaces)
            async with self._aimed(place, key):
                await self._names.keep_directory(way.seen, above(old))
                await self._names.note_directory(new)
        place = self._tree.place(node)
        async with self._aimed(place, key):
            await self._move_tree(way)
        return self._arrived(place, key, replaces)

    def _demand_room(self, way: _Way, slot: Slot, replaces: Ref | None) -> None:
        """Only an empty directory makes way, and only the one that was meant."""
        if not way.seen_there.is_taken(way.new.path):
            return
        holder = self._places.find(slot.parent, f"{slot.name}/")
        if way.seen_there.at(way.new.path) or replaces is None or holder is None or holder.id != replaces.id:
            raise Exists(f"the name {slot.name!r} is taken")
        demand_empty(way.seen_there, way.new)

    async def _move_tree(self, way: _Way) -> None:
        files, directories = way.seen.below(way.old.path)
        for path in directories:
            if path != way.old.path and way.seen.is_noted(path):
                await self._names.note_directory(_moved(way, path))
        # Notes first: what they name is still where they say, and needs no heir when its own turn comes.
        for held in sorted(files, key=lambda each: not each.note):
            await self._move_below(way, held)
        for path in reversed(directories):
            await self._names.forget_directory(Where(way.old.bucket, path))

    async def _move_below(self, way: _Way, held: Held) -> None:
        """Each with a look of its own, since what went before, or came between, changed what a content is called."""
        old, new = Where(way.old.bucket, held.path), _moved(way, held.path)
        async with self._works.on(old.key, new.key, (old.bucket, held.hash), (new.bucket, held.hash)):
            fresh = await self._looked(old, new)
            there = [each for each in fresh.seen_there.at(new.path) if each.hash == held.hash]
            for each in fresh.seen.at(held.path):
                if each.hash == held.hash:
                    await self._relocate(fresh, each, there[0] if there else None)


def _moved(way: _Way, path: tuple[str, ...]) -> Where:
    """Where something below the directory goes."""
    return Where(way.new.bucket, (*way.new.path, *path[len(way.old.path) :]))
