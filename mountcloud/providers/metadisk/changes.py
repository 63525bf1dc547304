"""Making, storing, moving and removing, in an order in which nothing is lost wherever it ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from mountcloud.model.errors import (
    Conflict,
    Exists,
    Failure,
    NotEmpty,
    NotFound,
    NotPermitted,
)
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place
from mountcloud.model.provider import Source, UploadTarget
from mountcloud.providers.metadisk.bucket import Names
from mountcloud.providers.metadisk.facts import Facts, Stand, facts_of
from mountcloud.providers.metadisk.picture import Held, Picture
from mountcloud.providers.metadisk.sources import hash_of
from mountcloud.providers.metadisk.tree import ROOT, Tree, Where, above


class Changes:
    """Changes inside of buckets."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self._tree = tree
        self._names = names
        self._works = tree.works
        self._places = tree.places

    async def make_directory(self, slot: Slot, mtime_ns: int) -> Node:
        """A directory in a bucket; raises ``Exists``, ``NotFound`` if the parent is gone."""
        async with self._tree.using(slot.parent):
            parent = await self._tree.where(slot.parent)
            where = parent / slot.name
            async with self._works.on(where.key):
                picture = await self._tree.look(where.bucket)
                self._demand_free(picture, slot, where)
                await self._names.note_directory(where)
                key = Slot(slot.parent, f"{slot.name}/")
                known = self._places.find(slot.parent, key.name) or self._tree.new_place(key, Facts())
                place = replace(known, facts=Facts(mtime_ns=mtime_ns).text)
                self._put(place)
                return self._tree.to_node(place)

    def _demand_free(self, picture: Picture, slot: Slot, where: Where) -> None:
        """Raises ``Exists`` if the name is taken, ``NotFound`` if its directory is gone."""
        self._tree.demand_directory(picture, slot.parent)
        if picture.is_taken(where.path):
            raise Exists(f"the name {slot.name!r} is taken")

    def _put(self, place: Place) -> None:
        with self._works.at(place.id):
            self._places.change(put=[place])

    async def upload(self, target: UploadTarget, source: Source) -> Node:
        """Store a file; see ``Provider.upload``."""
        stand = Stand(await hash_of(source), source.size, target.mtime_ns)
        async with self._tree.using(target.parent if target.replaces is None else target.replaces.id):
            if target.replaces is None:
                return await self._create(Slot(target.parent, target.name), stand, source)
            return await self._replace(target.replaces, stand, source)

    async def _create(self, slot: Slot, stand: Stand, source: Source) -> Node:
        if slot.parent == ROOT:
            raise NotPermitted("files are in buckets only")
        where = await self._tree.where(slot.parent) / slot.name
        async with self._works.on(where.key, (where.bucket, stand.hash)):
            picture = await self._tree.look(where.bucket)
            self._demand_free(picture, slot, where)
            place = self._tree.new_place(slot, Facts(stand))
            with self._works.at(place.id):
                # Written down before: if the answer is lost, the file is known again by its content.
                self._places.change(put=[place])
                async with self._taken_back(place, None):
                    await self._names.give(picture, where, stand.hash, source)
                self._places.change(put=[place])
            return self._tree.to_node(place)

    @asynccontextmanager
    async def _taken_back(self, after: Place, before: Place | None) -> AsyncIterator[None]:
        """What the book was told of a change is taken back if the change is refused; of others nobody knows."""
        try:
            yield
        except Failure as failure:
            if not failure.transient and self._places.get(after.id) == after:
                self._places.change(put=[] if before is None else [before], remove=[] if before else [after.id])
            raise

    async def _replace(self, base: Ref, stand: Stand, source: Source) -> Node:
        where = await self._file(base.id)
        await self._finish_earlier(base.id, where)
        async with self._works.on(where.key, (where.bucket, base.version), (where.bucket, stand.hash)):
            picture = await self._tree.look(where.bucket)
            node = self._tree.seen(base.id, picture)
            place = self._tree.place(base.id)
            present = facts_of(place.facts).stand
            if present is None or node.version not in {base.version, stand.hash}:
                raise Conflict(f"{node.name!r} has new content on the service")
            if node.version == stand.hash:
                return await self._finish(where, place, stand)
            changed = replace(place, facts=Facts(stand, present).text)
            with self._works.at(place.id):
                self._places.change(put=[changed])
                async with self._taken_back(changed, place):
                    await self._names.give(picture, where, stand.hash, source)
                changed = replace(place, facts=Facts(stand, present, arrived=True).text)
                self._places.change(put=[changed])
                return await self._finish(where, changed, stand)

    async def _finish(self, where: Where, place: Place, stand: Stand) -> Node:
        """The new content is there: the one before loses the name."""
        was = facts_of(place.facts).was
        with self._works.at(place.id):
            if was is not None and was.hash != stand.hash:
                await self._names.take_now(where, was.hash)
            done = replace(place, facts=Facts(stand).text)
            self._places.change(put=[done])
        self._tree.leftovers.discard(place.id)
        return self._tree.to_node(done)

    async def finish_leftovers(self) -> None:
        """Do what an upload that was cut short left to be done."""
        for node in tuple(self._tree.leftovers):
            if self._places.get(node) is None:
                self._tree.leftovers.discard(node)
                continue
            if self._works.paths.is_moving(self._places, node):
                continue  # a later look does it, so that this one need not wait for a journey
            async with self._tree.using(node):
                await self._finish_earlier(node, await self._file(node))

    async def _finish_earlier(self, node: NodeId, where: Where) -> None:
        """The content before the present one, if it may still have the name."""
        was = facts_of(self._tree.place(node).facts).was
        if was is not None:
            async with self._works.on(where.key, (where.bucket, was.hash)):
                await self._finish_leftover(node, where)
        self._tree.leftovers.discard(node)

    async def _finish_leftover(self, node: NodeId, where: Where) -> None:
        picture, place = await self._tree.look(where.bucket), self._places.get(node)
        stand = None if place is None else facts_of(place.facts).stand
        if place is None or stand is None or self._works.is_busy(node):
            return
        if any(held.hash == stand.hash for held in picture.at(where.path)):
            await self._finish(where, place, stand)

    async def _file(self, node: NodeId) -> Where:
        """Where a file is; raises ``NotFound``."""
        if self._tree.place(node).is_directory:
            raise NotFound("a directory is in its place")
        return await self._tree.where(node)

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """The service keeps none, so the book does."""
        node = await self._tree.node(ref.id)
        place = self._tree.place(ref.id)
        facts = facts_of(place.facts)
        if node.is_directory:
            dated = replace(facts, mtime_ns=mtime_ns)
        else:
            demand_version(node, ref.version)
            dated = replace(facts, stand=facts.stand and replace(facts.stand, mtime_ns=mtime_ns))
        changed = replace(place, facts=dated.text)
        self._put(changed)
        return self._tree.to_node(changed)

    async def remove(self, ref: Ref) -> None:
        """A file at this version, or an empty directory in a bucket."""
        place = self._tree.place(ref.id)
        async with self._tree.using(ref.id):
            where = await self._tree.where(ref.id)
            if place.is_directory:
                await self._remove_directory(place, where)
            else:
                await self._remove_file(place, where, ref)

    async def _remove_directory(self, place: Place, where: Where) -> None:
        async with self._works.on(where.key):
            picture = await self._tree.look(where.bucket)
            self._tree.seen(place.id, picture)
            demand_empty(picture, where)
            with self._works.at(place.id):
                await self._names.keep_directory(picture, above(where))
                await self._names.forget_directory(where)
                self._places.change(remove=[place.id])

    async def _remove_file(self, place: Place, where: Where, ref: Ref) -> None:
        stand = facts_of(place.facts).stand
        async with self._works.on(where.key, (where.bucket, "" if stand is None else stand.hash)):
            picture = await self._tree.look(where.bucket)
            node = self._tree.seen(place.id, picture)
            demand_version(node, ref.version)
            with self._works.at(place.id):
                picture = await self._names.keep_directory(picture, above(where))
                await self._names.take(picture, where.bucket, held_at(picture, where, node.version))
                self._places.change(remove=[place.id])


def demand_empty(picture: Picture, where: Where) -> None:
    """Raises ``NotEmpty`` if anything has a name in the directory."""
    files, directories = picture.below(where.path)
    if files or len(directories) > 1:
        raise NotEmpty("the directory has children")


def held_at(picture: Picture, where: Where, content: str) -> Held:
    """The name as the list has it; raises ``NotFound``."""
    held = next((each for each in picture.at(where.path) if each.hash == content), None)
    if held is None:
        raise NotFound("the file is gone")
    return held


def demand_version(node: Node, version: Version) -> None:
    """Raises ``Conflict`` unless the file is at this version; an empty one is any."""
    if version and node.version != version:
        raise Conflict(f"{node.name!r} has new content on the service")
