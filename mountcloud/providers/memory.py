"""The reference implementation of the provider port, in memory.

The conformance suite's first candidate, and what tests of everything above the port talk to.
"""

import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

import trio

from mountcloud.crypt.gcm_stream import GcmStreamCipher
from mountcloud.crypt.plain import PlainCipher
from mountcloud.model.arrival import Arrival, Arrived
from mountcloud.model.change import ChangeBatch
from mountcloud.model.errors import (
    Conflict,
    CrossesBoundary,
    Exists,
    Forbidden,
    InvalidArgument,
    IsADirectory,
    NoKey,
    NotEmpty,
    NotFound,
    NotPermitted,
    Outdated,
    QuotaExceeded,
    TooLarge,
    Unsupported,
)
from mountcloud.model.ids import Cursor, NodeId, Ref, Version
from mountcloud.model.node import Node, Rights
from mountcloud.model.provider import (
    Capabilities,
    ChangeFeed,
    Content,
    ContentCipher,
    Source,
    UploadProgress,
    UploadTarget,
    Usage,
)
from mountcloud.model.span import StoredSpan
from mountcloud.policy import names
from mountcloud.providers.memory_service import MemoryService

Result = TypeVar("Result")

_PIECE = 1 << 20


class MemoryContent:
    """A file of a ``MemoryService`` at one version; the service keeps no older ones."""

    def __init__(self, service: MemoryService, ref: Ref, cipher: ContentCipher) -> None:
        self._service = service
        self._ref = ref
        self.cipher = cipher

    @property
    def stored_size(self) -> int:
        """Stored bytes."""
        return self.cipher.stored_size

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        """These bytes, in one piece; raises ``Outdated`` once the file was replaced or removed."""
        arrival = Arrival(span, arrived)
        arrival.take(await _meet(self._service, "fetch", lambda: self._slice(span)))
        return arrival.gathered()

    async def aclose(self) -> None:
        """Nothing is held, but it is counted."""
        await _meet(self._service, "close", lambda: None)

    def _slice(self, span: StoredSpan) -> bytes:
        if span.end > self.stored_size:
            raise InvalidArgument(f"{span} is not in {self.stored_size} bytes")
        return _current_bytes(self._service, self._ref)[span.start : span.end]


class MemoryProvider:
    """One client of a ``MemoryService``."""

    def __init__(self, service: MemoryService | None = None) -> None:
        self.service = service or MemoryService()
        self._tree = self.service.tree

    @property
    def capabilities(self) -> Capabilities:
        """Those of the service."""
        return self.service.capabilities

    async def root(self) -> Node:
        """The top directory."""
        return await self._call("root", lambda: self._tree.entry(self.service.root).node)

    async def node(self, ref: Ref) -> Node:
        """The node as it is now."""
        return await self._call("node", lambda: self._tree.entry(ref.id).node)

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """All children."""
        return await self._call("children", lambda: self._children(directory))

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        """The next batch of changes."""
        return await self._call("changes", lambda: self._changes(cursor))

    async def open(self, node: Node) -> Content:
        """The content of this version."""
        return await self._call("open", lambda: self._open(node))

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """Store a file; all is checked before the first byte is read and again at the end.

        A file whose content is replaced stays where it is now, even if another client moved it since. There is nothing
        to go on with: every attempt begins anew.
        """
        self._check_upload(target)
        content = await _read(source, target.size)
        return await self._call("upload", lambda: self._upload(target, content))

    async def discard_upload(self, state: str) -> None:
        """Nothing is left behind, but it is counted."""
        await self._call("discard_upload", lambda: None)

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """Make a directory."""
        return await self._call("make_directory", lambda: self._make_directory(parent, name, mtime_ns))

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        """Move a node; ``replaces`` must be at its version still, and a directory must be empty to make way."""
        return await self._call("move", lambda: self._move(ref, parent, name, replaces))

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time."""
        return await self._call("set_times", lambda: self._set_times(ref, mtime_ns))

    async def set_mode(self, ref: Ref, mode: int) -> Node:
        """Keep the permission bits."""
        return await self._call("set_mode", lambda: self.service.set_mode(ref.id, mode))

    async def remove(self, ref: Ref) -> None:
        """Remove a file at this version or an empty directory."""
        await self._call("remove", lambda: self._remove(ref))

    async def usage(self) -> Usage:
        """Bytes of all files, and the quota."""
        return await self._call("usage", lambda: Usage(self._tree.size(), self.service.quota))

    async def aclose(self) -> None:
        """Nothing is held, but it is counted."""
        await self._call("aclose", lambda: None)

    async def _call(self, method: str, action: Callable[[], Result]) -> Result:
        return await _meet(self.service, method, action)

    def _children(self, directory: NodeId) -> list[Node]:
        entry = self._tree.directory(directory)
        _require(entry.node, Rights.READ)
        return [self._tree.entry(id).node for id in entry.children.values()]

    def _changes(self, cursor: Cursor | None) -> ChangeBatch:
        if self.capabilities.change_feed is not ChangeFeed.CURSOR:
            raise Unsupported("this service has no change feed")
        return self.service.log.after(cursor)

    def _open(self, node: Node) -> Content:
        if node.is_directory:
            raise IsADirectory(f"{node.name!r} is a directory")
        _current_bytes(self.service, node.ref)
        entry = self._tree.entry(node.id)
        _require(entry.node, Rights.READ)
        if entry.file_key is None:
            return MemoryContent(self.service, node.ref, PlainCipher(entry.node.size))
        if not self.service.has_key(node.id):
            raise NoKey(f"there is no key for {node.name!r}")
        return MemoryContent(self.service, node.ref, GcmStreamCipher(entry.file_key, entry.node.size))

    def _check_upload(self, target: UploadTarget) -> None:
        freed = 0
        if target.replaces is None:
            _require(self._tree.directory(target.parent).node, Rights.CREATE_FILES)
            self._check_free(target.parent, self._accepted(target.name), None)
        else:
            freed = self._replaced_by_upload(target.replaces).size
        if 0 < self.capabilities.max_file_size < target.size:
            raise TooLarge(f"files have up to {self.capabilities.max_file_size} bytes")
        if self.service.quota is not None and self._tree.size() - freed + target.size > self.service.quota:
            raise QuotaExceeded("the account is full")

    def _replaced_by_upload(self, ref: Ref) -> Node:
        node = self._tree.entry(ref.id).node
        if node.is_directory:
            raise IsADirectory(f"{node.name!r} is a directory")
        _require(node, Rights.WRITE)
        _check_version(node, ref.version)
        return node

    def _upload(self, target: UploadTarget, content: bytes) -> Node:
        self._check_upload(target)
        if target.replaces is not None:
            return self.service.replace_content(target.replaces.id, content, target.mtime_ns)
        return self.service.make_file(target.parent, self._accepted(target.name), content, target.mtime_ns)

    def _make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        _require(self._tree.directory(parent).node, Rights.CREATE_DIRECTORIES)
        name = self._accepted(name)
        self._check_free(parent, name, None)
        return self.service.make_directory(parent, name, mtime_ns)

    def _move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        node, target = self._tree.entry(ref.id).node, self._tree.directory(parent).node
        name = self._accepted(name)
        self._check_move(node, target, name)
        holder = self._tree.child(parent, name)
        if holder is not None and replaces is not None and holder.id == replaces.id != node.id:
            self._make_way(replaces)
        self._check_free(parent, name, ref.id)
        return self.service.relocate(ref.id, parent, name)

    def _check_move(self, node: Node, target: Node, name: str) -> None:
        if node.parent is None:
            raise NotPermitted("the root cannot be moved")
        if node.id in self._tree.lineage(target.id):
            raise InvalidArgument("a directory cannot be moved below itself")
        if name != node.name:
            _require(node, Rights.RENAME)
        if target.id != node.parent:
            _require(node, Rights.MOVE)
            _require(target, Rights.MOVE_IN)
        if target.encrypted != node.encrypted:
            raise CrossesBoundary("only a copy goes over an encryption boundary")

    def _make_way(self, ref: Ref) -> None:
        self._check_removal(ref)
        self.service.drop(ref.id)

    def _set_times(self, ref: Ref, mtime_ns: int) -> Node:
        _require(self._tree.entry(ref.id).node, Rights.SET_TIMES)
        return self.service.set_mtime(ref.id, mtime_ns)

    def _remove(self, ref: Ref) -> None:
        self._check_removal(ref)
        self.service.drop(ref.id)

    def _check_removal(self, ref: Ref) -> None:
        entry = self._tree.entry(ref.id)
        if entry.node.parent is None:
            raise NotPermitted("the root cannot be removed")
        _require(entry.node, Rights.DELETE)
        if entry.children:
            raise NotEmpty(f"{entry.node.name!r} is not empty")
        if not entry.node.is_directory:
            _check_version(entry.node, ref.version)

    def _accepted(self, name: str) -> str:
        """The name as the service will hold it."""
        failure = names.check(self.capabilities.names, name)
        if failure is not None:
            raise failure
        return unicodedata.normalize("NFC", name) if self.capabilities.names.normalises else name

    def _check_free(self, parent: NodeId, name: str, mover: NodeId | None) -> None:
        holder = self._tree.child(parent, name)
        if holder is not None and holder.id != mover:
            raise Exists(f"{name!r} is taken")


async def _meet(service: MemoryService, method: str, action: Callable[[], Result]) -> Result:
    """One call over an imagined network: a checkpoint, then the action, and trouble where a test wants it."""
    fault = service.faults.take(method)
    await trio.lowlevel.checkpoint()
    if not fault.after:
        await fault.meet()
    result = action()
    if fault.after:
        await fault.meet()
    return result


async def _read(source: Source, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        piece = await source.pread(min(_PIECE, size - len(content)), len(content))
        if not piece:
            raise InvalidArgument(f"the source ends after {len(content)} of {size} bytes")
        content += piece
    return bytes(content)


def _current_bytes(service: MemoryService, ref: Ref) -> bytes:
    try:
        entry = service.tree.entry(ref.id)
    except NotFound as gone:
        raise Outdated("the file was removed") from gone
    if entry.node.version != ref.version:
        raise Outdated(f"{entry.node.name!r} was replaced")
    return entry.stored


def _check_version(node: Node, version: Version) -> None:
    if node.version != version:
        raise Conflict(f"{node.name!r} is at version {node.version}, not {version}")


def _require(node: Node, rights: Rights) -> None:
    if rights not in node.rights:
        raise Forbidden(f"the account may not do this to {node.name!r}")
