"""The recycle bin of a room, and older versions of a file, which lie in it as well (DRACOON facts, 14)."""

from collections.abc import Sequence

from mountcloud.model.errors import Conflict, Forbidden, NotFound, Unsupported
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.node import Kind
from mountcloud.model.offers import Discarded, PastVersion
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Api
from mountcloud.providers.dracoon.tree import Tree, same_name
from mountcloud.providers.dracoon.wire import NodeType, RemoteNode

_RESTORE = "/v4/nodes/deleted_nodes/actions/restore"
_BIN = "/v4/nodes/deleted_nodes"


class RecycleBin:
    """What was removed or replaced. ``root_path`` is the path of the account's root, which is left out of paths."""

    def __init__(self, api: Api, tree: Tree, root_path: str) -> None:
        self._api = api
        self._tree = tree
        self._root = "/".join(name for name in root_path.split("/") if name)

    async def discarded(self, directory: NodeId) -> Sequence[Discarded]:
        """What was removed in the room around the directory, at or below it; replaced contents are no removals."""
        here, room = await self._surroundings(directory)
        summaries = await self._api.call_list(f"/v4/nodes/{room.id}/deleted_nodes", {"sort": "lastDeletedAt:desc"})
        inside = await self._path_of(here)
        present: dict[int, list[RemoteNode]] = {}
        found = []
        for each in summaries:
            if not wire.text(each, "parentPath").startswith(inside):
                continue
            number = await self._removed(each, present)
            if number is not None:
                found.append(self._discarded(each, number))
        return found

    async def restore(self, discarded: Discarded) -> None:
        """Put it back where it was; a taken name gets a number."""
        body = {"deletedNodeIds": [int(discarded.id)], "resolutionStrategy": "autorename"}
        (await self._api.send("POST", _RESTORE, json=body)).done()

    async def purge(self, discarded: Discarded) -> None:
        """Remove it for ever, with all contents that it ever had."""
        node = await self._api.call("GET", f"{_BIN}/{discarded.id}")
        same = await self._versions_in_bin(wire.integer(node, "parentId") or 0, node)
        reference = wire.integer(node, "referenceId")
        numbers = {int(discarded.id)}
        numbers |= {wire.integer(each, "id") or 0 for each in same if wire.integer(each, "referenceId") == reference}
        (await self._api.send("DELETE", _BIN, json={"deletedNodeIds": sorted(numbers - {0})})).done()

    async def versions(self, ref: Ref) -> Sequence[PastVersion]:
        """All contents of a file, the newest first; sizes and times only as far as the bin may be looked into."""
        present = await self._tree.get(ref)
        _demand_file(present)
        listed = await self._tree.versions(present.node_id)
        told: dict[int, wire.Json] = {}
        for name in sorted({wire.text(each, "name") for each in listed if each.get("deleted") is True}):
            told |= await self._told(present.parent_id, name)
        numbers = [wire.integer(each, "id") for each in listed if each.get("deleted") is True]
        older = [_past(number, told.get(number)) for number in sorted(filter(None, numbers), reverse=True)]
        newest = PastVersion(present.version, present.size, present.modified_ms / 1000, present=True)
        return [newest, *older]

    async def restore_version(self, ref: Ref, version: Version) -> None:
        """The present content goes to the bin as one of the older versions."""
        present = await self._tree.get_at(ref)
        _demand_file(present)
        listed = await self._tree.versions(present.node_id)
        if version == present.version:
            return
        if not any(str(wire.integer(each, "id")) == version for each in listed):
            raise NotFound(f"the file has no version {version}", hint="mountcloud versions PATH lists them")
        if not same_name(_name_of(listed, version), present.name):
            raise Conflict("that version has another name; restoring it would make a second file")
        body = {
            "deletedNodeIds": [int(version)],
            "parentId": present.parent_id,
            "resolutionStrategy": "overwrite",
            "keepShareLinks": True,
        }
        (await self._api.send("POST", _RESTORE, json=body)).done()

    async def _surroundings(self, directory: NodeId) -> tuple[RemoteNode, RemoteNode]:
        """The directory and the room that it is in."""
        if directory == wire.ROOT_ID:
            raise Unsupported("each room has a recycle bin of its own", hint="name a room, or a directory in it")
        here = room = await self._tree.get(Ref(directory, Version("")))
        while room.type is not NodeType.ROOM:
            room = await self._tree.get(Ref(NodeId(str(room.parent_id)), Version("")))
        return here, room

    async def _path_of(self, directory: RemoteNode) -> str:
        """As ``parentPath`` has it: from the top of the tenant, with a slash at both ends."""
        parents = await self._api.call("GET", f"/v4/nodes/{directory.id}/parents")
        names = [wire.text(each, "name") for each in wire.items(parents)]
        return "/" + "".join(f"{name}/" for name in [*names, directory.name])

    async def _removed(self, summary: wire.Json, present: dict[int, list[RemoteNode]]) -> int | None:
        """The id of what was removed last under this name; None if there are only older contents of a living file."""
        parent, name = wire.integer(summary, "parentId") or 0, wire.text(summary, "name")
        if parent not in present:
            present[parent] = await self._children(parent)
        living = {each.reference_id for each in present[parent] if same_name(each.name, name)}
        if not living:
            return wire.integer(summary, "lastDeletedNodeId")
        for each in await self._versions_in_bin(parent, summary):
            if wire.integer(each, "referenceId") not in living:
                return wire.integer(each, "id")
        return None

    async def _children(self, parent: int) -> list[RemoteNode]:
        try:
            return await self._tree.children(NodeId(str(parent)))
        except NotFound:
            return []

    async def _versions_in_bin(self, parent: int, node: wire.Json) -> list[wire.Json]:
        query: dict[str, str | int] = {
            "type": wire.text(node, "type"),
            "name": wire.text(node, "name"),
            "sort": "deletedAt:desc",
        }
        return await self._api.call_list(f"/v4/nodes/{parent}/deleted_nodes/versions", query)

    async def _told(self, parent: int, name: str) -> dict[int, wire.Json]:
        try:
            found = await self._versions_in_bin(parent, {"type": "file", "name": name})
        except Forbidden:
            return {}
        return {number: each for each in found if (number := wire.integer(each, "id")) is not None}

    def _discarded(self, summary: wire.Json, number: int) -> Discarded:
        path = f"{wire.text(summary, 'parentPath')}{wire.text(summary, 'name')}".strip("/")
        deleted_ms = wire.parse_time_ms(wire.text(summary, "lastDeletedAt"))
        kind = Kind.FILE if wire.text(summary, "type") == "file" else Kind.DIRECTORY
        below = path.removeprefix(f"{self._root}/") if self._root else path
        return Discarded(str(number), below, kind, None, None if deleted_ms is None else deleted_ms / 1000)


def _past(number: int, told: wire.Json | None) -> PastVersion:
    if told is None:
        return PastVersion(Version(str(number)), None, None)
    changed_ms = wire.parse_time_ms(wire.text(told, "timestampModification") or wire.text(told, "updatedAt"))
    return PastVersion(
        Version(str(number)), wire.integer(told, "size"), None if changed_ms is None else changed_ms / 1000
    )


def _name_of(listed: Sequence[wire.Json], version: Version) -> str:
    return next(wire.text(each, "name") for each in listed if str(wire.integer(each, "id")) == version)


def _demand_file(remote: RemoteNode) -> None:
    if remote.type is not NodeType.FILE:
        raise Unsupported("directories have no versions", hint="name a file")
