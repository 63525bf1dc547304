"""Another name, another folder, or both: two calls, and nothing is lost between them (Amazon facts, 9)."""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import quote

import trio

from mountcloud.model.errors import Conflict, Exists, Failure, Forbidden, InvalidArgument, NotFound, NotPermitted
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.policy import names
from mountcloud.providers.amazon import wire
from mountcloud.providers.amazon.api import Api
from mountcloud.providers.amazon.links import real
from mountcloud.providers.amazon.names import NAMES
from mountcloud.providers.amazon.tree import Tree
from mountcloud.providers.amazon.wire import RemoteNode

_REFUSALS = (Exists, Forbidden, NotFound)
"""After these the service has done nothing; after a silence nobody knows, and whoever owes the move looks again."""


class Moves:
    """Moves in one tree."""

    def __init__(self, api: Api, tree: Tree) -> None:
        self._api = api
        self._tree = tree

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        """Give a node another place; one that is there already, by a lost reply, is not moved again."""
        current = await self._tree.get(ref.id)
        spot = self._tree.links.spot_of(ref.id, current)
        if spot is None or spot.parent is None:
            raise NotPermitted("the root cannot be moved")
        # Asked anew: what is moved into a folder in the trash is in the trash.
        since = None if real(spot.parent) == real(parent) else trio.current_time()
        target = await self._tree.ancestry.alive(real(parent), since=since)
        if current.is_folder and current.id in await self._tree.ancestry.above(target.id, afresh=True):
            raise InvalidArgument("a directory cannot be moved below itself")
        old = real(spot.parent)
        if (old, current.name) == (target.id, name):
            return self._tree.to_node(ref.id, current)
        return await self._move(current, old, parent, name, replaces)

    async def _move(self, current: RemoteNode, old: str, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        victim = await self._make_way(replaces, real(parent), name)
        try:
            moved = await self._relocate(current, old, real(parent), name)
        except _REFUSALS:
            if victim is not None:
                with suppress(Failure):  # then it stays in the trash, where its owner finds it
                    await self._tree.restore(victim.id)
            raise
        after = self._tree.links.spot(parent, moved)
        return wire.to_node(moved, after.id, after.parent)

    async def _make_way(self, replaces: Ref | None, folder: str, name: str) -> RemoteNode | None:
        """The named node goes into the trash, if it still holds the name; None if nothing can be put back."""
        if replaces is None:
            return None
        try:
            holder = await self._tree.get(replaces.id)
        except NotFound:
            return None
        if folder not in holder.parents or names.fold(NAMES, holder.name) != names.fold(NAMES, name):
            return None
        if holder.is_folder:
            await self._tree.check_empty(holder)
        elif holder.revision != replaces.version:
            raise Conflict(f"{holder.name} has new content on the service")
        await self._tree.take_away(holder, replaces.id)
        return holder if len(holder.parents) == 1 else None

    async def _relocate(self, node: RemoteNode, old: str, new: str, name: str) -> RemoteNode:
        """In the order in which neither name in between is taken."""
        if old == new:
            return await self._rename(node, name)
        if node.name == name:
            return await self._reparent(node, old, new)
        try:
            await self._rename(node, name)
        except Exists:
            return await self._reparent_first(node, old, new, name)
        return await self._or_back(lambda: self._reparent(node, old, new), lambda: self._rename(node, node.name))

    async def _reparent_first(self, node: RemoteNode, old: str, new: str, name: str) -> RemoteNode:
        """The new name is taken in the old folder. Where the old one is in the new, a third name leads there."""
        try:
            await self._reparent(node, old, new)
        except Exists:
            return await self._by_third_name(node, old, new, name)
        return await self._or_back(lambda: self._rename(node, name), lambda: self._reparent(node, new, old))

    async def _by_third_name(self, node: RemoteNode, old: str, new: str, name: str) -> RemoteNode:
        """Visible all the time, and never in the trash: whatever breaks off here leaves a file with an odd name."""
        await self._rename(node, f".mountcloud-move-{secrets.token_hex(8)}")

        async def back() -> RemoteNode:
            return await self._rename(node, node.name)

        async def back_from_new() -> RemoteNode:
            await self._reparent(node, new, old)
            return await back()

        await self._or_back(lambda: self._reparent(node, old, new), back)
        return await self._or_back(lambda: self._rename(node, name), back_from_new)

    async def _or_back(self, step: "Step", back: "Step") -> RemoteNode:
        """The second call; where it is refused, the first one is undone as far as that goes."""
        try:
            return await step()
        except _REFUSALS:
            with suppress(Failure):
                await back()
            raise

    async def _rename(self, node: RemoteNode, name: str) -> RemoteNode:
        shown = await self._api.call("PATCH", f"nodes/{quote(node.id, safe='')}", json={"name": name})
        return self._tree.note(self._api.read(shown))

    async def _reparent(self, node: RemoteNode, old: str, new: str) -> RemoteNode:
        body = {"fromParent": old, "childId": node.id}
        path = f"nodes/{quote(new, safe='')}/children"
        shown = await self._tree.put_into(new, lambda: self._api.call("POST", path, json=body))
        return self._tree.note(self._api.read(shown))


Step = Callable[[], Awaitable[RemoteNode]]
