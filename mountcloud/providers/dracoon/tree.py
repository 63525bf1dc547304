"""Finding, listing, making, moving and removing nodes (DRACOON facts, 8 to 10)."""

import unicodedata
from dataclasses import dataclass

from mountcloud.model.errors import (
    Conflict,
    Exists,
    InvalidArgument,
    NotEmpty,
    NotFound,
    NotPermitted,
)
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.node import Node
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Api, call_or_none
from mountcloud.providers.dracoon.errors import ONTO_ITSELF
from mountcloud.providers.dracoon.wire import NodeType, Permission, RemoteNode


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What must be known of a directory to work inside it."""

    type: NodeType
    encrypted: bool
    managed: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """A node in its new place, and whether this call brought it into another directory."""

    remote: RemoteNode
    reparented: bool


_MOST_HASHES = 20_000
"""Hashes are a convenience: the oldest are forgotten, and such a file is then read unchecked."""


class Tree:
    """The nodes of one account. Remembers what kind of directories it has seen, so that uploads need not ask again."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._seen: dict[NodeId, Surroundings] = {}
        self._md5: dict[str, str] = {}

    async def get(self, ref: Ref) -> RemoteNode:
        """The node as it is now, perhaps at another version; raises ``NotFound`` if it is gone.

        A file is addressed by its version, which is the id of its content; if that is gone, the list of its versions
        names its successor (DRACOON facts, 7 and 14).
        """
        address = ref.version if wire.is_file_version(ref.version) else ref.id
        found = await call_or_none(self._api, f"/v4/nodes/{address}")
        if found is None:
            found = await self._successor(ref)
        return self._note(wire.remote_node(found))

    async def get_at(self, ref: Ref) -> RemoteNode:
        """The file at exactly this version; raises ``Conflict`` if it has another one now, ``NotFound``."""
        remote = await self.get(ref)
        if remote.version != ref.version:
            raise Conflict(f"{remote.name} has new content on the service")
        return remote

    async def surroundings(self, directory: NodeId) -> Surroundings:
        """What kind of directory this is; raises ``NotFound``."""
        known = self._seen.get(directory)
        if known is None:
            self._note(wire.remote_node(await self._api.call("GET", f"/v4/nodes/{directory}")))
            known = self._seen.get(directory)
        if known is None:
            raise InvalidArgument("a file was given where a directory belongs")
        return known

    def forget(self, directory: NodeId) -> None:
        """Ask again the next time, because the service contradicted what we remember."""
        self._seen.pop(directory, None)

    def md5(self, version: str) -> str:
        """The hash of a content that was seen lately (DRACOON facts, 7), empty if the service told none."""
        return self._md5.get(version, "")

    def _remember_md5(self, remote: RemoteNode) -> None:
        if remote.md5 and not remote.encrypted:
            self._md5[str(remote.id)] = remote.md5
            if len(self._md5) > _MOST_HASHES:
                del self._md5[next(iter(self._md5))]

    def to_node(self, remote: RemoteNode) -> Node:
        """The node in our terms, with what is remembered of the room around it."""
        self._remember_md5(remote)
        superior = self._seen.get(NodeId(str(remote.parent_id)))
        return wire.to_node(remote, superior_managed=None if superior is None else superior.managed)

    async def children(self, directory: NodeId) -> list[RemoteNode]:
        """All children, each once; raises ``NotFound`` if the directory is gone."""
        found = await self._api.call_list("/v4/nodes", {"parent_id": directory, "sort": "name:asc"})
        return [self._note(wire.remote_node(item)) for item in found]

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int, account_id: int) -> RemoteNode:
        """Make a folder, or at the root a room that nobody but this account can enter."""
        times = {"timestampModification": wire.format_time(mtime_ns)}
        if parent == wire.ROOT_ID:
            room = {"name": name, "inheritPermissions": False, "adminIds": [account_id], **times}
            return self._note(wire.remote_node(await self._api.call("POST", "/v4/nodes/rooms", json=room)))
        folder = {"parentId": int(parent), "name": name, **times}
        return self._note(wire.remote_node(await self._api.call("POST", "/v4/nodes/folders", json=folder)))

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Moved:
        """Give a node another place. A move whose reply was lost is recognised and not repeated."""
        current = await self.get(ref)
        if _is_at(current, parent, name, exactly=True):
            return Moved(current, reparented=False)
        same_parent = current.parent_id == int(parent)
        if not same_parent:
            _check_movable(current, parent)
        target = await self._in_the_way(replaces, parent, name)
        if target is not None and (same_parent or target.type is not NodeType.FILE):
            # A rename cannot replace, and nothing can replace a directory (DRACOON facts, 10.3 and 10.4).
            await self.remove(Ref(target.node_id, target.version))
            target = None
        if same_parent:
            return Moved(await self._rename(current, name), reparented=False)
        await self._reparent(current, parent, name, overwrite=target is not None)
        # The answer to a move is the target directory, so the node must be fetched again.
        return Moved(await self.get(Ref(current.node_id, current.version)), reparented=True)

    async def set_times(self, ref: Ref, mtime_ns: int) -> RemoteNode:
        """Set the modification time; raises ``Conflict`` if a file has new content."""
        current = await self.get(ref)
        if current.type is NodeType.FILE and current.version != ref.version and ref.version:
            raise Conflict(f"{current.name} has new content on the service")
        return await self._change(current, {"timestampModification": wire.format_time(mtime_ns)})

    async def remove(self, ref: Ref) -> None:
        """Remove a file at this version, or an empty directory. Without a version, look first what it is."""
        if not ref.version:
            present = await self.get(ref)
            ref = Ref(present.node_id, present.version)
        if wire.is_file_version(ref.version):
            await self._remove_file(ref)
        else:
            await self._remove_directory(ref.id)

    async def _remove_file(self, ref: Ref) -> None:
        """The version is the address, so the service itself refuses when the content is new."""
        answer = await self._api.send("DELETE", f"/v4/nodes/{ref.version}")
        if answer.ok:
            return
        failure = answer.failure()
        if isinstance(failure, NotFound):
            await self._successor(ref)
            raise Conflict("the file has new content on the service")
        raise failure

    async def _remove_directory(self, directory: NodeId) -> None:
        """The service would remove everything below, so look first (DRACOON facts, 10.1)."""
        query: dict[str, str | int] = {"parent_id": directory, "offset": 0, "limit": 1}
        if wire.listed(await self._api.call("GET", "/v4/nodes", params=query)):
            raise NotEmpty("the directory has children")
        (await self._api.send("DELETE", f"/v4/nodes/{directory}")).done()
        self.forget(directory)

    async def is_past(self, remote: RemoteNode) -> bool:
        """True if the service says that this content was replaced or removed."""
        versions = await self.versions(remote.node_id)
        return any(wire.integer(each, "id") == remote.id and each.get("deleted") is True for each in versions)

    async def _successor(self, ref: Ref) -> wire.Json:
        """The file's present content, if it has any; raises ``NotFound``."""
        for version in await self.versions(ref.id):
            number = wire.integer(version, "id")
            if version.get("deleted") is False and number is not None and Version(str(number)) != ref.version:
                return await self._api.call("GET", f"/v4/nodes/{number}")
        raise NotFound("the node is gone")

    async def versions(self, reference: NodeId) -> list[wire.Json]:
        """All contents that a file ever had (DRACOON facts, 14); an old service knows of none."""
        found = await call_or_none(self._api, f"/v4/nodes/files/versions/{reference}?offset=0&limit=500")
        return [] if found is None else wire.listed(found)

    def _note(self, remote: RemoteNode) -> RemoteNode:
        if remote.type is not NodeType.FILE:
            managed = Permission.MANAGE in remote.permissions
            self._seen[remote.node_id] = Surroundings(remote.type, remote.encrypted, managed)
        return remote

    async def _in_the_way(self, replaces: Ref | None, parent: NodeId, name: str) -> RemoteNode | None:
        """The node that makes way, if it still is there; raises ``Conflict`` if it has new content."""
        if replaces is None:
            return None
        try:
            target = await self.get(replaces)
        except NotFound:
            return None
        if not _is_at(target, parent, name):
            return None
        if target.type is NodeType.FILE and target.version != replaces.version:
            raise Conflict(f"{target.name} has new content on the service")
        return target

    async def _rename(self, current: RemoteNode, name: str) -> RemoteNode:
        """Times are sent along, because a rename may reset them (DRACOON facts, 9)."""
        modified = wire.format_time(current.modified_ms * 1_000_000)
        return await self._change(current, {"name": name, "timestampModification": modified})

    async def _change(self, current: RemoteNode, changes: dict[str, str]) -> RemoteNode:
        path = f"/v4/nodes/{current.type.value}s/{current.id}"
        return self._note(wire.remote_node(await self._api.call("PUT", path, json=changes)))

    async def _reparent(self, current: RemoteNode, parent: NodeId, name: str, *, overwrite: bool) -> None:
        item = {
            "id": current.id,
            "name": name,
            "timestampModification": wire.format_time(current.modified_ms * 1_000_000),
        }
        body = {
            "items": [item],
            "resolutionStrategy": "overwrite" if overwrite else "fail",
            "keepShareLinks": overwrite,
        }
        answer = await self._api.send("POST", f"/v4/nodes/{parent}/move_to", json=body)
        if not answer.ok and answer.code not in ONTO_ITSELF:
            failure = answer.failure()
            if isinstance(failure, Conflict):
                raise Exists("a directory of this name is in the way")
            raise failure


def same_name(left: str, right: str) -> bool:
    """True if the service would take the two for one name (DRACOON facts, 8)."""
    return _folded(left) == _folded(right)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _check_movable(current: RemoteNode, parent: NodeId) -> None:
    """The service has no clear words for these; it has them for an encryption boundary (DRACOON facts, 10.3)."""
    if current.type is NodeType.ROOM:
        raise NotPermitted("rooms cannot be moved")
    if parent == wire.ROOT_ID:
        raise NotPermitted("the top level holds rooms only")


def _is_at(remote: RemoteNode, parent: NodeId, name: str, *, exactly: bool = False) -> bool:
    if remote.parent_id != int(parent):
        return False
    if exactly:
        return unicodedata.normalize("NFC", remote.name) == unicodedata.normalize("NFC", name)
    return same_name(remote.name, name)
