"""One machine put together without FUSE: stores in a directory, engine and file system over a memory service."""

import os
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from itertools import count
from pathlib import Path

import trio
import trio.testing

from mountcloud.engine.budget import Budget
from mountcloud.engine.drafting import Drafts
from mountcloud.engine.fetching import Means
from mountcloud.engine.guarding import Removals
from mountcloud.engine.local_changes import LocalChanges
from mountcloud.engine.pinning import Pinner
from mountcloud.engine.queueing import Queue
from mountcloud.engine.reading import Library
from mountcloud.engine.recovery import recover
from mountcloud.engine.replaying import Replayer
from mountcloud.engine.resolving import Resolver
from mountcloud.engine.salvaging import Salvage
from mountcloud.engine.sending import Sender
from mountcloud.engine.syncing import Syncer
from mountcloud.fs.attributes import FileAttributes, Owner
from mountcloud.fs.core import Core
from mountcloud.fs.filesystem import FileSystem, Wanted
from mountcloud.fs.handles import Handles
from mountcloud.fs.states import States
from mountcloud.model.change import Stale
from mountcloud.model.ids import ROOT_INODE, HandleId, Inode, NodeId
from mountcloud.model.node import Node
from mountcloud.model.operation import Operation, OperationState
from mountcloud.model.provider import Capabilities, ChangeFeed, Provider, Source, UploadProgress, UploadTarget
from mountcloud.policy.guard import DeleteGuard
from mountcloud.policy.naming import Naming
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.attributes import Attributes
from mountcloud.store.chunk_memory import ChunkMemory
from mountcloud.store.chunk_store import ChunkStore, Limits
from mountcloud.store.index import Index
from mountcloud.store.journal import Journal
from mountcloud.store.staging import Staging
from tests.unit.store.sealing import sealer

EPOCH = 1_700_000_000.0
RECHECK_S = 60.0
POLL_S = 10.0
HOST, TODAY = "laptop", "2026-01-02"
CONFLICT = f" (conflict {HOST} {TODAY})"

Content = bytes | dict[str, "Content"]


def on_trio(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test as a trio task whose clock leaps over every wait."""

    @wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        async def bounded() -> None:
            with trio.fail_after(100_000):
                await test(*args, **kwargs)

        trio.run(bounded, clock=trio.testing.MockClock(autojump_threshold=0))

    return run


def new_service(feed: ChangeFeed = ChangeFeed.TREE_VERSION) -> MemoryService:
    return MemoryService(Capabilities(change_feed=feed), clock_ns=lambda: 1)


class RecordedKernel:
    """Implements ``KernelCache``."""

    def __init__(self) -> None:
        self.forgotten: list[Stale] = []

    def forget(self, stale: Sequence[Stale]) -> None:
        self.forgotten += stale

    async def forget_content(self, inode: Inode) -> None:
        await trio.lowlevel.checkpoint()
        self.forgotten.append(Stale(inode, content=True))


class SlowReader(MemoryProvider):
    """Reads one byte of an upload, then waits for ``gate`` before it reads the file."""

    def __init__(self, service: MemoryService) -> None:
        super().__init__(service)
        self.gate: trio.Event | None = None
        self.reading = trio.Event()

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        if self.gate is not None:
            await source.pread(1, 0)
            self.reading.set()
            await self.gate.wait()
        return await super().upload(target, source, progress)


class Machine:
    """One computer with the account mounted. ``settle_s``: how long saved files rest."""

    def __init__(self, home: Path, provider: Provider, nursery: trio.Nursery, settle_s: float = 1.0) -> None:
        self.provider = provider
        home.mkdir(exist_ok=True)
        self.naming = Naming(provider.capabilities.names)
        self.index = Index(home / "index.db", self.naming.file_name, self.naming.folded)
        self.journal = Journal(home / "journal.db")
        self.attributes = Attributes(home / "attributes.db")
        self.staging = Staging(home / "staging", sealer())
        recover(self.index, self.journal, self.attributes, self.staging, self.now())
        self.kernel = RecordedKernel()
        chunks = ChunkStore(home / "chunks", Limits(1 << 30, 0), "boot", lambda: 1 << 40)
        means = Means(provider, chunks, ChunkMemory(1 << 20), Budget(1 << 24), nursery, trio.CapacityLimiter(8))
        self.chunks, self.library = chunks, (library := Library(means))
        self.drafts = Drafts(self.staging, library, self.now_ns)
        self.syncer = Syncer(provider, self.index, self.journal, self.drafts, self.kernel, self.now, RECHECK_S)
        self.syncer.vanished = self.attributes.vanished
        self._nursery = nursery
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._make_engine(library, settle_s)

    def _make_engine(self, library: Library, settle_s: float) -> None:
        handles = Handles()
        self.removals = Removals(self.journal, DeleteGuard(200, 60), self.now)
        self.removals.start()
        self.local = LocalChanges(
            self.index,
            self.journal,
            self.attributes,
            self.drafts,
            self.now_ns,
            settle_s,
            handles.open_on,
            handles.writing_on,
            Salvage(library, self._nursery),
            self.removals,
            keeps_modes=self.provider.capabilities.keeps_modes,
        )
        self.replayer = Replayer(
            index=self.index,
            journal=self.journal,
            attributes=self.attributes,
            staging=self.staging,
            local=self.local,
            sender=Sender(self.provider, self.journal, self.staging, self.local),
            syncer=self.syncer,
            clock=self.now,
            jitter=lambda: 0.5,
            resolver=Resolver(
                index=self.index,
                journal=self.journal,
                attributes=self.attributes,
                local=self.local,
                syncer=self.syncer,
                clock=self.now,
                today=lambda: TODAY,
                host=HOST,
                names=self.provider.capabilities.names,
            ),
        )
        self.local.owed, self.local.salvage.done = self.replayer.changed, self.replayer.wake
        stores = (self.index, self.journal, self.attributes, self.drafts, library, self.local, self.syncer)
        self.core = Core(*stores, self.naming, Owner(1000, 1000), handles)
        self.pinner = Pinner(self.index, self.attributes, self.syncer, library, self.chunks, 3.0)
        self.fs = FileSystem(self.core, States(self.core, self.pinner, "memory"))
        self.queue = Queue(self.replayer, self.removals)

    _ticks = count()

    def now(self) -> float:
        return EPOCH + trio.current_time()

    def now_ns(self) -> int:
        """No two moments are the same."""
        return int(self.now() * 1e9) + next(Machine._ticks) * 1000

    async def boot(self) -> "Machine":
        """As the daemon starts: the root must be known once; then operations are replayed."""
        if self.index.entry(ROOT_INODE) is None:
            await self.syncer.ensure_root()
        self.services = await self._nursery.start(self._serve)
        return self

    async def _serve(self, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        """Replay, and whatever a test starts in ``services``, until the machine is killed."""
        try:
            with self._scope:
                async with trio.open_nursery() as services:
                    services.start_soon(self.replayer.run)
                    task_status.started(services)
        finally:
            self._ended.set()

    async def kill(self) -> None:
        """As kill -9: nothing is sealed, nothing is told; what is on the disk stays."""
        self._scope.cancel()
        await self._ended.wait()
        self.bury()

    def bury(self) -> None:
        """Give back what the dead one held."""
        for draft in self.drafts.all:
            draft.file.close()
        self.index._db._db.rollback()
        self.index._db._postponed.clear()  # else it were committed by the end of the process, which was none
        for store in (self.index, self.journal, self.attributes, self.chunks._db):
            store.close()

    async def drain(self) -> None:
        """Until nothing is owed but what is parked."""
        with trio.fail_after(5_000):
            await self.replayer.drained()

    async def settle(self) -> None:
        """Send all, then look at the service until the view is whole."""
        await self.drain()
        for _ in range(4):
            await trio.sleep(RECHECK_S + 1)
            await self.syncer.poll()
            await self.drain()

    @property
    def owed(self) -> list[Operation]:
        return self.journal.operations

    @property
    def parked(self) -> list[Operation]:
        return [each for each in self.owed if each.state is OperationState.PARKED]

    @property
    def staged(self) -> list[str]:
        """Drafts on the disk but those that the next round of the persister removes."""
        there = {path.name for path in self.staging._directory.iterdir() if path.is_file()}
        return sorted(there - self.journal.unwanted)

    async def stat(self, path: str) -> FileAttributes:
        found = self.fs.attributes(ROOT_INODE)
        for name in filter(None, path.split("/")):
            found = await self.fs.directories.lookup(found.inode, name)
        return found

    async def inode(self, path: str) -> Inode:
        return (await self.stat(path)).inode

    async def node(self, path: str) -> Node:
        return self.index.require(await self.inode(path)).node

    async def _place(self, path: str) -> tuple[Inode, str]:
        directory, _, name = path.rpartition("/")
        return await self.inode(directory), name

    async def open(self, path: str, flags: int = os.O_RDONLY) -> HandleId:
        """As ``open(2)``, with O_CREAT where the file is not there."""
        parent, name = await self._place(path)
        if flags & os.O_CREAT and name not in await self.list(path.rpartition("/")[0]):
            return (await self.fs.files.create(parent, name, 0o644))[0]
        return self.fs.files.open(await self.inode(path), flags)[0]

    async def close(self, handle: HandleId) -> None:
        """As the kernel does: flush, then release."""
        self.fs.files.flush(handle)
        await self.fs.files.release(handle)

    async def write(self, path: str, data: bytes, flags: int = os.O_WRONLY | os.O_CREAT | os.O_TRUNC) -> None:
        """Open, write, close."""
        handle = await self.open(path, flags)
        if data:
            await self.fs.files.write(handle, 0, data)
        await self.close(handle)

    async def read(self, path: str) -> bytes:
        handle = await self.open(path)
        try:
            return await self.fs.files.read(handle, 0, 1 << 24)
        finally:
            await self.close(handle)

    async def save(self, path: str, data: bytes) -> None:
        """As editors do: write beside, fsync (without its thread: the clock would leap meanwhile), rename over."""
        beside = f"{path}.tmp"
        handle = await self.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        await self.fs.files.write(handle, 0, data)
        self.fs.files.flush(handle)
        await self.close(handle)
        await self.rename(beside, path)

    async def rename(self, old: str, new: str, *, replace: bool = True) -> None:
        source, target = await self._place(old), await self._place(new)
        await self.fs.directories.rename(*source, *target, replace=replace)

    async def unlink(self, path: str) -> None:
        await self.fs.directories.unlink(*await self._place(path))

    async def mkdir(self, path: str) -> None:
        parent, name = await self._place(path)
        await self.fs.directories.create(parent, name, 0o755)

    async def rmdir(self, path: str) -> None:
        await self.fs.directories.rmdir(*await self._place(path))

    async def set_mtime(self, path: str, mtime_ns: int) -> None:
        await self.fs.set_attributes(await self.inode(path), Wanted(mtime_ns=mtime_ns))

    async def truncate(self, path: str, size: int) -> None:
        await self.fs.set_attributes(await self.inode(path), Wanted(size=size))

    async def list(self, path: str = "") -> list[str]:
        directory = await self.core.directory(await self.inode(path))
        return sorted(entry.file_name for entry in self.index.children(directory.node.id))

    async def tree(self, path: str = "") -> dict[str, Content]:
        """Everything a program can see, with contents."""
        found: dict[str, Content] = {}
        directory = await self.core.directory(await self.inode(path))
        for entry in self.index.children(directory.node.id):
            below = f"{path}/{entry.file_name}"
            found[entry.file_name] = await (self.tree(below) if entry.node.is_directory else self.read(below))
        return found


class Remote:
    """What another client does on the same account; by path, at once."""

    def __init__(self, service: MemoryService) -> None:
        self.service = service

    def node(self, path: str) -> Node:
        found = self.service.tree.entry(self.service.root).node
        for name in filter(None, path.split("/")):
            child = self.service.tree.child(found.id, name)
            if child is None:
                raise FileNotFoundError(path)
            found = child
        return found

    def _place(self, path: str) -> tuple[NodeId, str]:
        directory, _, name = path.rpartition("/")
        return self.node(directory).id, name

    def write(self, path: str, content: bytes, mtime_ns: int = 5_000_000_000) -> Node:
        parent, name = self._place(path)
        old = self.service.tree.child(parent, name)
        if old is None:
            return self.service.make_file(parent, name, content, mtime_ns)
        return self.service.replace_content(old.id, content, mtime_ns)

    def mkdir(self, path: str) -> Node:
        return self.service.make_directory(*self._place(path), 5_000_000_000)

    def rename(self, old: str, new: str) -> Node:
        return self.service.relocate(self.node(old).id, *self._place(new))

    def remove(self, path: str) -> None:
        node = self.node(path)
        for child in list(self.service.tree.entry(node.id).children.values()):
            self.remove(f"{path}/{self.service.tree.entry(child).node.name}")
        self.service.drop(node.id)

    def read(self, path: str) -> bytes:
        return self.service.tree.entry(self.node(path).id).stored

    def tree(self, path: str = "") -> dict[str, Content]:
        found: dict[str, Content] = {}
        for child in self.service.tree.entry(self.node(path).id).children.values():
            node = self.service.tree.entry(child).node
            below = f"{path}/{node.name}"
            found[node.name] = self.tree(below) if node.is_directory else self.read(below)
        return found

    @property
    def calls(self) -> dict[str, int]:
        """Calls that changed something, or tried."""
        changing = ("upload", "make_directory", "move", "remove", "set_times", "set_mode")
        return {name: self.service.faults.calls[name] for name in changing if self.service.faults.calls[name]}
