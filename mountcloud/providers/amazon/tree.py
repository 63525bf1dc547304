"""Finding, listing, making, moving and removing nodes (Amazon facts, 6, 7, 9 to 11)."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote

import trio

from mountcloud.model.errors import (
    Conflict,
    Forbidden,
    NotADirectory,
    NotEmpty,
    NotFound,
    NotPermitted,
    Refused,
    Unavailable,
)
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.providers.amazon import wire
from mountcloud.providers.amazon.ancestry import Ancestry
from mountcloud.providers.amazon.api import Api
from mountcloud.providers.amazon.errors import NameTaken
from mountcloud.providers.amazon.links import Links, chain, real
from mountcloud.providers.amazon.recent import Recent
from mountcloud.providers.amazon.wire import MODE, TIMES, RemoteNode

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

_FOLDER = 0
"""The version of the content of a folder, as our times count it."""


class Tree:
    """The nodes of one account."""

    def __init__(self, api: Api, links: Links) -> None:
        self.links = links
        self.recent = Recent(trio.current_time)
        self.ancestry = Ancestry(api)
        self._api = api
        self._root: RemoteNode | None = None

    def note(self, remote: RemoteNode) -> RemoteNode:
        """The service itself said so, in so many words and not in a listing."""
        self.recent.note(remote)
        self.ancestry.note(remote)
        return remote

    def to_node(self, id: NodeId, remote: RemoteNode) -> Node:
        """The node under this id; raises ``NotFound`` if it left that place."""
        spot = self.links.spot_of(id, remote)
        if spot is None:
            raise NotFound("the node is gone from there")
        return wire.to_node(remote, spot.id, spot.parent)

    async def root(self) -> RemoteNode:
        """The top; it is the same for the life of an account."""
        if self._root is None:
            page = await self._api.call("GET", "nodes", params={"filters": "isRoot:true"})
            found = wire.listed(page)
            if not found:
                raise Unavailable("the service does not name the account's top folder")
            self._root = self.note(self._api.read(found[0]))
        return self._root

    async def get(self, id: NodeId) -> RemoteNode:
        """The node as it is now; raises ``NotFound`` if it is gone or in the trash."""
        found = await self._api.node(real(id))
        if found is None:
            self.recent.forget(real(id))
            raise NotFound("the node is gone")
        self.note(found)
        if not found.is_there or self.links.spot_of(id, found) is None:
            raise NotFound("the node is gone")
        return found

    async def reachable(self, id: NodeId) -> RemoteNode:
        """The same, and ``NotFound`` too for what is in the trash with a folder above it."""
        found = await self.get(id)
        await self.demand_reachable(found)
        return found

    async def demand_reachable(self, node: RemoteNode, *, since: float | None = None) -> None:
        """Raises ``NotFound`` for what is in the trash, by itself or with a folder above it; see ``Ancestry.alive``."""
        for parent in node.parents if node.is_there else ():
            try:
                await self.ancestry.alive(parent, since=since)
            except NotFound:
                continue
            return
        if not node.is_root:
            raise NotFound("the node is gone with its directory")

    async def get_at(self, ref: Ref) -> RemoteNode:
        """The file at exactly this version; raises ``Conflict`` if it has another one now, ``NotFound``."""
        found = await self.get(ref.id)
        if found.revision != ref.version:
            raise Conflict(f"{found.name} has new content on the service")
        return found

    async def children(self, directory: NodeId) -> list[Node]:
        """All children, each once, as they are known by now; raises ``NotFound`` if the directory is gone."""
        above = await self.get(directory)
        if not above.is_folder:
            raise NotADirectory(f"{above.name} is a file")
        found = [each for each in await self.listed(real(directory)) if each.is_there]
        hidden = await self._circle(directory, found)
        spots = [(self.links.spot(directory, each), each) for each in found if each.id not in hidden]
        return [wire.to_node(each, spot.id, spot.parent) for spot, each in spots]

    async def listed(self, folder: str) -> list[RemoteNode]:
        """What is in a folder. Listings are behind: what we know better counts, what they lack is asked for."""
        listed = await self._api.pages(f"nodes/{quote(folder, safe='')}/children", {})
        found = self.recent.newest(listed)
        found += await self._asked_for(self.recent.missing(folder, listed))
        for each in found:
            self.ancestry.note(each)
        return [each for each in found if folder in each.parents]

    async def _asked_for(self, nodes: Sequence[RemoteNode]) -> list[RemoteNode]:
        found: list[RemoteNode] = []
        for each in nodes:
            node = await self._api.node(each.id)
            if node is None:
                self.recent.forget(each.id)
            else:
                found.append(self.note(node))
        return found

    async def _circle(self, directory: NodeId, children: Sequence[RemoteNode]) -> set[str]:
        """Children that are also above the directory: shown here, they would lead round for ever."""
        doubtful = {each.id for each in children if each.is_folder and len(each.parents) > 1}
        return doubtful & await self.above(directory) if doubtful else set()

    async def above(self, directory: NodeId) -> set[str]:
        """The folders that lead to a directory, itself among them, by the way that its id names."""
        way = chain(directory)
        return {*way, *await self._up(way[-1])}

    async def _up(self, folder: str) -> set[str]:
        """By first places only."""
        found: set[str] = set()
        while folder not in found:
            found.add(folder)
            node = await self.ancestry.remembered(folder)
            if node is None or not node.parents:
                return found
            spot = self.links.spot_of(NodeId(folder), node)
            folder = real(spot.parent) if spot is not None and spot.parent is not None else folder
        return found

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """A new folder; raises ``Exists``, and ``NotFound`` if the directory around it is gone."""
        await self.ancestry.alive(real(parent))
        times = {_FOLDER: mtime_ns}
        body = {"kind": "FOLDER", "name": name, "parents": [real(parent)], "properties": self.properties(times)}
        made = self._api.read(await self.put_into(real(parent), lambda: self._api.call("POST", "nodes", json=body)))
        made = self.note(await self.timed(made, mtime_ns))
        spot = self.links.spot(parent, made)
        return wire.to_node(made, spot.id, spot.parent)

    async def put_into(self, folder: str, call: Callable[[], Awaitable[Result]]) -> Result:
        """A call that puts something into a directory: if that is in the trash by now, ``NotFound`` says so.

        Who has the name already is known from then on, also where listings lag: it may be what a lost reply was about.
        """
        try:
            return await call()
        except NameTaken as taken:
            holder = await self._api.node(taken.holder) if taken.holder else None
            if holder is not None:
                self.note(holder)
            raise
        except (Forbidden, NotFound, Refused):
            self.ancestry.forget(folder)
            await self.ancestry.alive(folder)
            raise

    def properties(self, times: dict[int, int]) -> dict[str, dict[str, str]]:
        """As a new node brings them along."""
        return {self._api.owner: {TIMES: wire.times_value(times)}}

    async def timed(self, remote: RemoteNode, mtime_ns: int) -> RemoteNode:
        """The node with this time for its present content, which is written down unless it is there already."""
        if remote.times.get(remote.content_version) == mtime_ns:
            return remote
        after = remote.with_time(remote.content_version, mtime_ns)
        await self.write_times(after)
        return after

    async def write_times(self, remote: RemoteNode) -> None:
        """Keep the times of a node in our property."""
        await self._write_property(remote.id, TIMES, wire.times_value(remote.times))

    async def _write_property(self, id: str, key: str, value: str) -> None:
        path = f"nodes/{quote(id, safe='')}/properties/{quote(self._api.owner, safe='')}/{key}"
        await self._api.call("PUT", path, json={"value": value})

    async def set_mode(self, ref: Ref, mode: int) -> Node:
        """Keep permission bits in another property, for all places; without room for one the node stays as it is."""
        current = await self.get(ref.id)
        if current.mode != mode:
            try:
                await self._write_property(current.id, MODE, wire.mode_value(mode))
            except Refused as full:
                _log.info("node %s cannot keep permission bits: %s", current.id, full)
                return self.to_node(ref.id, current)
            current = replace(current, mode=mode, version=current.version + 1)
        return self.to_node(ref.id, self.note(current))

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time; raises ``Conflict`` if a file has new content."""
        current = await self.get(ref.id)
        if not current.is_folder and ref.version and current.revision != ref.version:
            raise Conflict(f"{current.name} has new content on the service")
        return self.to_node(ref.id, self.note(await self.timed(current, mtime_ns)))

    async def remove(self, ref: Ref) -> None:
        """Into the trash; one of several places of a node is only left."""
        current = await self.get(ref.id)
        if current.is_root:
            raise NotPermitted("the root cannot be removed")
        if current.is_folder:
            await self.check_empty(current)
        elif ref.version and current.revision != ref.version:
            raise Conflict(f"{current.name} has new content on the service")
        await self.take_away(current, ref.id)

    async def check_empty(self, folder: RemoteNode) -> None:
        """The service would trash everything below, so look first."""
        if any(each.is_there for each in await self.listed(folder.id)):
            raise NotEmpty(f"{folder.name} has children")

    async def take_away(self, current: RemoteNode, id: NodeId) -> None:
        """Out of this place, and into the trash if it is the only one."""
        spot = self.links.spot_of(id, current)
        if spot is None or spot.parent is None:
            raise NotFound("the node is gone from there")
        if len(current.parents) > 1:
            path = f"nodes/{quote(real(spot.parent), safe='')}/children/{quote(current.id, safe='')}"
            self.note(self._api.read(await self._api.call("DELETE", path)))
        else:
            # Never by dropping the last parent: the service puts such a node at the top (Amazon facts, 9).
            self.note(self._api.read(await self._api.call("PUT", f"trash/{quote(current.id, safe='')}")))

    async def restore(self, id: str) -> RemoteNode:
        """Out of the trash."""
        return self.note(self._api.read(await self._api.call("POST", f"trash/{quote(id, safe='')}/restore")))
