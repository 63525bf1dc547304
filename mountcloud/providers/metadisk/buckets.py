"""Directories of the root. A bucket can be made, get another name, and go once nothing is in it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from mountcloud.model.errors import Exists, NotFound, NotPermitted
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
from mountcloud.providers.metadisk.changes import demand_empty
from mountcloud.providers.metadisk.facts import facts_of
from mountcloud.providers.metadisk.settings import MetadiskSettings
from mountcloud.providers.metadisk.tree import ROOT, Tree, Where

_ALL = ("", "buckets")
"""For ``Works.on``: the service would give two buckets one name."""


class Buckets:
    """The buckets of one account; new ones get what the settings say."""

    def __init__(self, tree: Tree, settings: MetadiskSettings) -> None:
        self._tree = tree
        self._settings = settings
        self._works = tree.works

    async def make(self, name: str, mtime_ns: int) -> Node:
        """Another one; raises ``Exists`` if one has the name."""
        async with self._works.on(_ALL):
            await self._demand_free(name, None)
            made = await self._tree.api.make_bucket(name, self._settings.storage, self._settings.transfer)
            place = self._tree.bucket_place(made, self._works.moment)
            place = replace(place, facts=replace(facts_of(place.facts), mtime_ns=mtime_ns).text)
            with self._works.at(place.id):
                self._tree.places.change(put=[place])
            return self._tree.to_node(place)

    async def _demand_free(self, name: str, apart_from: NodeId | None) -> None:
        if any(each.name == name and each.id != apart_from for each in await self._tree.buckets()):
            raise Exists(f"the name {name!r} is taken")

    async def rename(self, ref: Ref, slot: Slot, replaces: Ref | None) -> Node:
        """Only its name changes, and nothing travels; an empty bucket makes way."""
        if slot.parent != ROOT:
            raise NotPermitted("a bucket stays a bucket")
        async with self._alone_in(ref if replaces is None else replaces), self._works.on(_ALL):
            present = {each.id: each for each in await self._tree.buckets()}
            if ref.id not in present:
                raise NotFound("the bucket is gone")
            if replaces is not None and replaces.id in present and present[replaces.id].name == slot.name:
                await self._remove(replaces.id)
            await self._demand_free(slot.name, ref.id)
            place = self._tree.place(ref.id)
            with self._works.at(ref.id):
                await self._tree.api.rename_bucket(self._tree.where_now(ref.id).bucket, slot.name)
                place = replace(place, facts=replace(facts_of(place.facts), title=slot.name).text)
                self._tree.places.change(put=[place])
            return self._tree.to_node(place)

    async def remove(self, ref: Ref) -> None:
        """Raises ``NotEmpty`` if anything is in it: the service would remove that too (Metadisk facts, 4)."""
        async with self._alone_in(ref), self._works.on(_ALL):
            if all(each.id != ref.id for each in await self._tree.buckets()):
                raise NotFound("the bucket is gone")
            await self._remove(ref.id)

    def _alone_in(self, ref: Ref) -> AbstractAsyncContextManager[None]:
        """Nobody here does anything in the bucket meanwhile."""
        return self._works.paths.moving(self._tree.places, ref.id)

    async def _remove(self, node: NodeId) -> None:
        """Right after a look, and while nobody here changes anything in it."""
        bucket = self._tree.where_now(node).bucket
        with self._works.at(node):
            demand_empty(await self._tree.look(bucket), Where(bucket, ()))
            await self._tree.api.remove_bucket(bucket)
            self._tree.places.change(remove=[node])
        self._works.dropped(bucket, ())
