"""A random walk of a program on this machine and a second client, with trouble; and what must hold at its end."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import trio

from mountcloud.fs.filesystem import Wanted
from mountcloud.model.errors import Failure, Throttled, Unavailable
from mountcloud.model.ids import ROOT_INODE, HandleId, Inode, NodeId
from mountcloud.model.operation import OperationKind, OperationState
from mountcloud.policy.ordering import stuck
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_faults import Fault
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.index import Entry
from tests.unit.engine.harness import RECHECK_S, Machine, Remote
from tests.unit.store.look_ups import remembered_wrongly

NAMES = ("a", "b", "c")
DIRECTORIES = ("d", "e")
METHODS = ("upload", "move", "remove", "make_directory", "set_times", "children", "changes", "fetch", "open", "node")


@dataclass(frozen=True, slots=True)
class Step:
    """What happens next; the numbers choose among what is there."""

    verb: str
    first: int = 0
    second: int = 0
    third: int = 0


@dataclass(slots=True)
class Opened:
    handle: HandleId
    inode: Inode
    wrote: bool


@dataclass(slots=True)
class Walk:
    """``live``: contents that were closed here, by inode, and that nobody replaced or removed since.

    ``loose``: the same after the inodes were lost with the index. ``theirs``: contents of the second client that it did
    not replace or remove itself, nor a program here that had seen them.
    """

    home: Path
    service: MemoryService
    nursery: trio.Nursery
    live: dict[Inode, bytes] = field(default_factory=dict)
    loose: set[bytes] = field(default_factory=set)
    theirs: set[bytes] = field(default_factory=set)
    taken_there: set[bytes] = field(default_factory=set)
    handles: dict[int, Opened] = field(default_factory=dict)
    gates: list[trio.Event] = field(default_factory=list)
    tokens: Callable[[], int] = field(default_factory=lambda: count(1).__next__)
    machine: Machine | None = None
    twinned: bool = False
    """Two nodes had one name for a while: which of their times is shown in the end is known to be unsure."""

    @property
    def here(self) -> Machine:
        assert self.machine is not None
        return self.machine

    @property
    def remote(self) -> Remote:
        return Remote(self.service)

    async def boot(self) -> None:
        self.machine = Machine(self.home, MemoryProvider(self.service), self.nursery, settle_s=0.5)
        while True:
            try:
                await self.machine.boot()
                return
            except Unavailable:
                continue

    async def take(self, step: Step) -> None:
        """One step; what cannot be done because of the state or the trouble is not done."""
        try:
            with trio.fail_after(2000):
                await getattr(self, step.verb)(step)
        except Failure:
            return
        finally:
            known = [*self._entries(directories=False), *self._entries(directories=True)[1:]]
            self.twinned = self.twinned or any(each.file_name != each.node.name for each in known)

    # What a program here does.

    def _token(self) -> bytes:
        return f"<{self.tokens()}>".encode()

    def _entries(self, *, directories: bool) -> list[Entry]:
        """What the program could name without asking: known nodes from the root down."""
        found, queue = [], [self.here.index.require(ROOT_INODE)]
        while queue:
            entry = queue.pop(0)
            queue += self.here.index.children(entry.node.id)
            if entry.node.is_directory == directories:
                found.append(entry)
        return found

    def _pick(self, number: int, *, directories: bool) -> Entry | None:
        entries = self._entries(directories=directories)
        return entries[number % len(entries)] if entries else None

    async def _place(self, number: int, name: str) -> tuple[Inode, str]:
        directory = self._pick(number, directories=True)
        assert directory is not None
        await self.here.core.directory(directory.inode)
        return directory.inode, name

    def _content(self, entry: Entry) -> bytes | None:
        """What a program that reads the file now gets, if that can be told without asking."""
        draft = self.here.drafts.get(entry.inode)
        if draft is not None:
            return draft.file.pread(1 << 20, 0)
        for owed in self.here.journal.of(entry.node.id):
            if owed.kind is OperationKind.UPLOAD:
                return (self.home / "staging" / owed.staged).read_bytes()
        if entry.node.id in self.service.tree:
            stored = self.service.tree.entry(entry.node.id)
            return stored.stored if stored.node.version == entry.node.version else None
        return None

    def _forget(self, inode: Inode, seen: bytes | None) -> None:
        """A program here replaced or removed this content knowingly."""
        self.live.pop(inode, None)
        if seen is not None:
            self.theirs.discard(seen)
            self.loose.discard(seen)
            self.live = {each: content for each, content in self.live.items() if content != seen}

    async def create(self, step: Step) -> None:
        inode, name = await self._place(step.first, NAMES[step.second % len(NAMES)])
        if step.third in self.handles or self.here.index.child(self.here.index.require(inode).node.id, name):
            return
        handle, made = await self.here.fs.files.create(inode, name, 0o644)
        self.handles[step.third] = Opened(handle, made.inode, wrote=True)

    async def open(self, step: Step) -> None:
        entry = self._pick(step.first, directories=False)
        if entry is None or step.third in self.handles:
            return
        flags = (os.O_RDWR, os.O_WRONLY, os.O_RDONLY, os.O_WRONLY | os.O_TRUNC)[step.second % 4]
        seen = self._content(entry)
        handle, _ = self.here.fs.files.open(entry.inode, flags)
        self.handles[step.third] = Opened(handle, entry.inode, wrote=bool(flags & os.O_TRUNC))
        if flags & os.O_TRUNC:
            self._forget(entry.inode, seen)

    async def write(self, step: Step) -> None:
        opened = self.handles.get(step.third)
        if opened is None or not self.here.core.handles.files[opened.handle].writing:
            return
        before = self.here.index.entry(opened.inode)
        seen = None if before is None else self._content(before)
        await self.here.fs.files.write(opened.handle, step.first % 8, self._token())
        assert self.here.drafts.get(opened.inode) is not None
        opened.wrote = True
        self._forget(opened.inode, seen)

    async def flush(self, step: Step) -> None:
        opened = self.handles.get(step.third)
        if opened is not None:
            self.here.fs.files.flush(opened.handle)
            self._sealed(opened)

    async def close(self, step: Step) -> None:
        opened = self.handles.pop(step.third, None)
        if opened is not None:
            self.here.fs.files.flush(opened.handle)
            self._sealed(opened)
            await self.here.fs.files.release(opened.handle)

    def _sealed(self, opened: Opened) -> None:
        if not opened.wrote:
            return
        entry = self.here.index.require(opened.inode)
        if entry.node.parent is not None:
            content = self._content(entry)
            assert content is not None
            self.live[opened.inode] = content

    async def save(self, step: Step) -> None:
        """Write beside and rename over."""
        parent, name = await self._place(step.first, NAMES[step.second % len(NAMES)])
        beside = f"{name}.tmp"
        handle, made = await self.here.fs.files.create(parent, beside, 0o600)
        self.handles[1000 + made.inode] = Opened(handle, made.inode, wrote=True)
        await self.here.fs.files.write(handle, 0, self._token())
        await self.close(Step("close", third=1000 + made.inode))
        await self._rename(parent, beside, parent, name)

    async def rename(self, step: Step) -> None:
        entry = self._pick(step.first, directories=bool(step.third % 2))
        if entry is None or entry.node.parent is None:
            return
        parent = self.here.index.by_id(entry.node.parent)
        assert parent is not None
        names = DIRECTORIES if entry.node.is_directory else NAMES
        target, name = await self._place(step.second, names[step.third // 2 % len(names)])
        await self._rename(parent.inode, entry.file_name, target, name)

    async def _rename(self, parent: Inode, name: str, target: Inode, new: str) -> None:
        directory = self.here.index.entry(target)
        victim = None if directory is None else self.here.index.child(directory.node.id, new)
        seen = None if victim is None else self._content(victim)
        await self.here.fs.directories.rename(parent, name, target, new, replace=True)
        if victim is not None and (await self.here.fs.directories.lookup(target, new)).inode != victim.inode:
            self._forget(victim.inode, seen)

    async def unlink(self, step: Step) -> None:
        entry = self._pick(step.first, directories=False)
        parent = None if entry is None or entry.node.parent is None else self.here.index.by_id(entry.node.parent)
        if entry is not None and parent is not None:
            seen = self._content(entry)
            await self.here.fs.directories.unlink(parent.inode, entry.file_name)
            self._forget(entry.inode, seen)

    async def mkdir(self, step: Step) -> None:
        parent, name = await self._place(step.first, DIRECTORIES[step.second % len(DIRECTORIES)])
        await self.here.fs.directories.create(parent, name, 0o755)

    async def rmdir(self, step: Step) -> None:
        entry = self._pick(step.first, directories=True)
        parent = None if entry is None or entry.node.parent is None else self.here.index.by_id(entry.node.parent)
        if entry is not None and parent is not None:
            await self.here.fs.directories.rmdir(parent.inode, entry.file_name)

    async def set_times(self, step: Step) -> None:
        entry = self._pick(step.first, directories=False)
        if entry is not None:
            await self.here.fs.set_attributes(entry.inode, Wanted(mtime_ns=(1 + step.second) * 10**9))

    async def truncate(self, step: Step) -> None:
        entry = self._pick(step.first, directories=False)
        if entry is not None:
            seen = self._content(entry)
            await self.here.fs.set_attributes(entry.inode, Wanted(size=step.second % 6))
            self._forget(entry.inode, seen)
            content = self._content(self.here.index.require(entry.inode))
            if content is not None and self.here.drafts.get(entry.inode) is None:
                self.live[entry.inode] = content

    async def look(self, step: Step) -> None:
        await self.here.core.directory(
            (self._pick(step.first, directories=True) or self._entries(directories=True)[0]).inode
        )

    # What the second client does.

    def _there(self, number: int, *, directories: bool) -> str | None:
        paths, queue = [], [""]
        while queue:
            path = queue.pop(0)
            for child in self.service.tree.entry(self.remote.node(path).id).children.values():
                node = self.service.tree.entry(child).node
                below = f"{path}/{node.name}"
                if node.is_directory:
                    queue.append(below)
                if node.is_directory == directories:
                    paths.append(below)
        return sorted(paths)[number % len(paths)] if paths else None

    def _free_there(self, directory: int, name: str) -> str | None:
        parent = self._there(directory - 1, directories=True) if directory else ""
        path = f"{parent or ''}/{name}"
        return None if self.service.tree.child(self.remote.node(parent or "").id, name) else path

    def _taken(self, id: NodeId) -> None:
        stored = self.service.tree.entry(id)
        for child in stored.children.values():
            self._taken(child)
        if not stored.node.is_directory:
            self.theirs.discard(stored.stored)
            self.taken_there.add(stored.stored)

    async def there_writes(self, step: Step) -> None:
        path = self._there(step.first, directories=False)
        if path is not None:
            self._taken(self.remote.node(path).id)
            token = self._token()
            self.theirs.add(token)
            self.remote.write(path, token)

    async def there_creates(self, step: Step) -> None:
        path = self._free_there(step.first, NAMES[step.second % len(NAMES)])
        if path is not None:
            token = self._token()
            self.theirs.add(token)
            self.remote.write(path, token)

    async def there_mkdir(self, step: Step) -> None:
        path = self._free_there(step.first, DIRECTORIES[step.second % len(DIRECTORIES)])
        if path is not None:
            self.remote.mkdir(path)

    async def there_renames(self, step: Step) -> None:
        directories = bool(step.third % 2)
        old = self._there(step.first, directories=directories)
        names = DIRECTORIES if directories else NAMES
        new = self._free_there(step.second, names[step.third // 2 % len(names)])
        if old is not None and new is not None and not f"{new}/".startswith(f"{old}/"):
            self.remote.rename(old, new)

    async def there_removes(self, step: Step) -> None:
        path = self._there(step.first, directories=bool(step.third % 2))
        if path is not None:
            self._taken(self.remote.node(path).id)
            self.remote.remove(path)

    # What happens to both.

    async def wait(self, step: Step) -> None:
        await trio.sleep((0.01, 0.6, 5.0, RECHECK_S + 1)[step.first % 4])

    async def poll(self, step: Step) -> None:
        self.here.services.start_soon(self.here.syncer.poll_safely)

    async def fail(self, step: Step) -> None:
        failure = (Unavailable("no answer"), Throttled("slowly", retry_after=3))[step.second % 2]
        method = METHODS[step.first % len(METHODS)]
        self.service.faults.fail_next(method, failure, after=bool(step.third % 2))

    async def hold(self, step: Step) -> None:
        fault = Fault(gate=trio.Event(), after=bool(step.third % 2))
        assert fault.gate is not None
        self.gates.append(fault.gate)
        self.service.faults.add(METHODS[step.first % len(METHODS)], fault)

    async def release(self, step: Step) -> None:
        while self.gates:
            self.gates.pop().set()

    async def restart(self, step: Step) -> None:
        """kill -9, sometimes with the index lost; what was open and written to in place is nobody's promise."""
        for draft in self.here.drafts.all:
            if draft.dirty:
                self.live.pop(draft.inode, None)
        await self.here.kill()
        self.handles.clear()
        if step.first % 3 == 0:
            for path in self.home.glob("index.db*"):
                path.unlink()
            self.loose |= set(self.live.values())
            self.live.clear()
        await self.boot()

    # The end.

    async def finish(self) -> None:
        """The network is well, every file is closed, everything is sent, and the view is brought up to date."""
        self.service.faults._waiting.clear()
        await self.release(Step("release"))
        for slot in list(self.handles):
            await self.close(Step("close", third=slot))
        for _ in range(2):
            await self.here.settle()
            for number in range(len(self._entries(directories=True))):
                await self.take(Step("look", first=number))
            await self.here.settle()
            self.here.replayer.retry_parked()
        await self.here.settle()

    async def judge(self) -> None:
        """Nothing was lost, nothing was left behind, and both sides show the same."""
        assert remembered_wrongly(self.here.index) == []
        present = set(_contents(self.remote.tree()))
        owed = self.here.owed
        parked = [each for each in owed if each.state is OperationState.PARKED]
        assert all(each.error for each in parked)
        assert {each.id for each in owed} == stuck(owed)
        assert set(self.here.staged) == {each.staged for each in owed if each.staged}
        kept = {(self.home / "staging" / each.staged).read_bytes() for each in owed if each.staged}
        lost = (set(self.live.values()) | self.loose) - present - kept - self.taken_there
        assert not lost, f"closed here and gone: {lost}; there: {self.remote.tree()}"
        overwritten = self.theirs - present
        assert not overwritten, f"written there and gone: {overwritten}; there: {self.remote.tree()}"
        if not owed:
            here = await self.here.tree()
            assert here == self.remote.tree()
            if not self.twinned:
                await self._compare_times("")

    async def _compare_times(self, path: str) -> None:
        for name, content in self.remote.tree(path).items():
            below = f"{path}/{name}"
            if isinstance(content, dict):
                await self._compare_times(below)
            else:
                shown, there = (await self.here.stat(below)).mtime_ns, self.remote.node(below).mtime_ns
                assert abs(shown - there) <= 1_000_000, f"{below}: {shown} here, {there} there"


def _contents(tree: Mapping[str, object]) -> list[bytes]:
    found: list[bytes] = []
    for content in tree.values():
        if isinstance(content, dict):
            found += _contents(content)
        else:
            assert isinstance(content, bytes)
            found.append(content)
    return found
