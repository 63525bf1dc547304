"""What the user wants on this machine at all times: fetched whole, kept fresh, never evicted."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import trio

from mountcloud.engine.reading import Library
from mountcloud.engine.syncing import Syncer
from mountcloud.model.errors import Busy, DiskFull, Failure, InvalidArgument, OutOfSpace
from mountcloud.model.ids import ROOT_INODE, NodeId, Ref, is_local
from mountcloud.model.node import Node
from mountcloud.policy.cells import whole_cells
from mountcloud.store.attributes import Attributes
from mountcloud.store.chunk_store import ChunkStore
from mountcloud.store.index import Entry, Index

log = logging.getLogger(__name__)

_AT_ONCE = 3
"""Files that are fetched side by side; programs keep the larger part of the line."""
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class _Inside:
    """What was directly in a directory when it was last looked at: files that the service has, and directories."""

    files: tuple[Node, ...]
    directories: tuple[NodeId, ...]


@dataclass(slots=True)
class Pinner:
    """Looks every ``interval_s`` what is pinned, and fetches what is missing of it.

    A look costs a little for each directory, and more only for those in which something changed.

    ``missing`` is how many files are still to come, ``trouble`` why one of them did not.
    """

    index: Index
    attributes: Attributes
    syncer: Syncer
    library: Library
    store: ChunkStore
    interval_s: float
    missing: int = 0
    trouble: str = ""
    _inside: dict[NodeId, _Inside] = field(default_factory=dict)
    _here: set[Ref] = field(default_factory=set)
    _poked: trio.Event = field(default_factory=trio.Event)

    async def pin(self, entry: Entry) -> list[Node]:
        """From now on it is wanted here, with all that is below it; tells which files that are today.

        Raises ``OutOfSpace`` if that would not fit, ``Busy`` for what the service does not have yet.
        """
        if is_local(entry.node.id):
            raise Busy(f"{entry.file_name!r} is not on the service yet", hint="mountcloud sync --wait")
        files = await self._files(entry)
        self._demand_room(list({node.ref: node for node in [*await self._wanted(), *files]}.values()))
        self.attributes.pin(entry.node.id, self._path(entry))
        self._poked.set()
        return files

    def unpin(self, entry: Entry) -> None:
        """Raises ``InvalidArgument`` unless it is pinned itself."""
        if entry.node.id not in self.attributes.pinned:
            above = self.pinned_above(entry.node.id)
            hint = f"{above!r} above it is" if above else ""
            raise InvalidArgument(f"{entry.file_name!r} is not pinned", hint=hint)
        self.attributes.unpin(entry.node.id)
        self._inside.clear()
        self._poked.set()

    def evict(self, entry: Entry) -> int:
        """Give back what is cached of it and below it, pinned files apart; tells how many bytes.

        Raises ``Busy`` if it is pinned. What is not on the service yet is no cache and stays.
        """
        above = self.pinned_above(entry.node.id)
        if above is not None:
            raise Busy(f"{above!r} is pinned", hint="mountcloud unpin PATH")
        return sum(self._evict_known(node) for node in self.index.below(entry.node.id))

    def _evict_known(self, node: NodeId) -> int:
        entry = self.index.by_id(node)
        if entry is None or entry.node.is_directory or self.pinned_above(node) is not None:
            return 0
        self.library.forgive(entry.node.ref)
        return self.store.forget(entry.node.ref)

    @property
    def paths(self) -> list[str]:
        """Where the pinned nodes are, below the mount point."""
        entries = [(self.index.by_id(node), path) for node, path in self.attributes.pinned.items()]
        return [path if entry is None else self._path(entry) for entry, path in entries]

    def _path(self, entry: Entry) -> str:
        above = filter(None, map(self.index.by_id, reversed(self.index.ancestors(entry.node.id))))
        return "/".join(each.file_name for each in above if each.inode != ROOT_INODE)

    def is_pinned(self, node: NodeId) -> bool:
        """True if it is pinned, or below what is."""
        return self.pinned_above(node) is not None

    def pinned_above(self, node: NodeId) -> str | None:
        """The name of the pinned node that it is, or is below."""
        wanted = self.attributes.pinned
        pinned = next((each for each in self.index.ancestors(node) if each in wanted), None) if wanted else None
        entry = None if pinned is None else self.index.by_id(pinned)
        return None if entry is None else entry.file_name

    def _demand_room(self, files: Sequence[Node]) -> None:
        size = sum(whole_cells(node.size) for node in files)
        more = size - sum(self.store.here(node.ref) for node in files)
        if not self.store.can_hold(size, more):
            raise OutOfSpace(
                f"what is pinned would take {size / _GIB:.1f} GiB, more than the cache may hold or the disk has",
                hint="raise disk_mib in the settings, or unpin something",
            )

    async def run(self) -> None:
        """Look for ever; a failure is told in ``trouble``, and tried again at the next look."""
        while True:
            try:
                await self._look()
            except DiskFull as full:
                self.trouble = f"what is pinned cannot be kept: {full}"
            with trio.move_on_after(self.interval_s):
                await self._poked.wait()
            self._poked = trio.Event()

    async def _look(self) -> None:
        self.trouble = ""
        wanted = await self._wanted()
        self.store.pin((node.ref for node in wanted), release_others=not self.trouble)
        self._here &= {node.ref for node in wanted}
        missing = [node for node in wanted if node.ref not in self._here]
        self.missing = len(missing)
        limit = trio.CapacityLimiter(_AT_ONCE)
        async with trio.open_nursery() as nursery:
            for node in missing:
                nursery.start_soon(self._keep, node, limit)

    async def _wanted(self) -> list[Node]:
        """Files that are pinned or below what is; what cannot be listed now is left out, and told as trouble."""
        found: dict[Ref, Node] = {}
        for node, path in self.attributes.pinned.items():
            try:
                entry = self.index.by_id(node) or await self._found_at(path, node)
                found |= {each.ref: each for each in await self._files(entry)} if entry is not None else {}
            except Failure as failure:
                self.trouble = f"{path!r} is pinned but cannot be looked at: {failure}"
                log.info("node %s is pinned but cannot be looked at: %s", node, failure)
        return list(found.values())

    async def _found_at(self, path: str, node: NodeId) -> Entry | None:
        """A fresh index knows a node only after somebody looked into the directories above it."""
        entry = self.index.entry(ROOT_INODE)
        for name in path.split("/"):
            if entry is None or not entry.node.is_directory:
                return None
            await self.syncer.ensure_listed(entry)
            entry = self.index.child(entry.node.id, name)
        return entry if entry is not None and entry.node.id == node else None

    async def _files(self, entry: Entry) -> list[Node]:
        """The file itself, or all files below the directory, as the service has them. Raises what listing raises."""
        if not entry.node.is_directory:
            return [] if is_local(entry.node.id) else [entry.node]
        await self.syncer.ensure_listed(entry)
        inside = self._look_inside(entry.node.id)
        found = list(inside.files)
        for directory in inside.directories:
            below = self.index.by_id(directory)
            if below is not None:
                found += await self._files(below)
        return found

    def _look_inside(self, directory: NodeId) -> _Inside:
        """What is in a directory, from memory unless a node in it changed."""
        touched = self.index.take_touched()
        for each in list(self._inside) if touched is None else touched:
            self._inside.pop(each, None)
        if directory not in self._inside:
            nodes = [child.node for child in self.index.children(directory)]
            files = tuple(node for node in nodes if not node.is_directory and not is_local(node.id))
            self._inside[directory] = _Inside(files, tuple(node.id for node in nodes if node.is_directory))
        return self._inside[directory]

    async def _keep(self, node: Node, limit: trio.CapacityLimiter) -> None:
        async with limit:
            try:
                await self.library.keep(node)
            except Failure as failure:
                self.trouble = f"{node.name!r} cannot be kept here: {failure}"
                log.info("node %s is pinned but cannot be fetched: %s", node.id, failure)
                return
        if self.store.here(node.ref) < node.size:
            self.trouble = f"{node.name!r} is pinned, but the cache has no room for it (disk_mib in the settings)"
            return
        self._here.add(node.ref)
        self.missing -= 1
