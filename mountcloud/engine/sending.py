"""One owed operation becomes one call of the provider. After an attempt with unknown outcome: look, then repeat."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import trio

from mountcloud.engine.drafting import DraftSource, Superseded
from mountcloud.engine.local_changes import LocalChanges
from mountcloud.model.errors import Conflict, Corrupt, Exists, NotFound, Outdated
from mountcloud.model.ids import NodeId, OperationId, Ref
from mountcloud.model.node import SHARED_MODE, Kind, Node
from mountcloud.model.operation import UNKNOWN, Operation, OperationKind, Slot
from mountcloud.model.provider import Content, ModeKeeper, Provider, Source, UploadTarget
from mountcloud.model.span import PlainSpan
from mountcloud.policy.rate import Rate
from mountcloud.store.journal import Journal
from mountcloud.store.staging import Staging

_COARSE_NS = 10**9
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Settled:
    """The node as the service has it now (None: it is gone), and which generation of its bytes that is.

    ``adopted``: it was there already, so it may hold more than we put into it.
    """

    node: Node | None
    generation: int = 0
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far an owed upload has come; implements ``UploadProgress`` in the journal."""

    journal: Journal
    operation: OperationId

    @property
    def state(self) -> str:
        return self.journal.progress(self.operation)

    def save(self, state: str) -> None:
        self.journal.save_progress(self.operation, state)


@dataclass(slots=True)
class Sent:
    """How much of one upload the provider has taken so far; what it took may still be on its way."""

    rate: Rate
    done: int = 0

    def took(self, end: int, now: float) -> None:
        """It has the bytes up to ``end``."""
        self.done = end
        self.rate = self.rate.after(now, end)


@dataclass(frozen=True, slots=True)
class _Watched:
    """A source that tells how far its reader is, and lets programs go first; implements ``Source``."""

    inner: Source
    sent: Sent
    programs_first: Callable[[], float]

    @property
    def size(self) -> int:
        return self.inner.size

    async def pread(self, size: int, offset: int) -> bytes:
        while offset and (pause := self.programs_first()) > 0:  # noqa: ASYNC110 - it tells how long, not what for
            await trio.sleep(pause)
        data = await self.inner.pread(size, offset)
        self.sent.took(offset + len(data), trio.current_time())
        return data


@dataclass(slots=True)
class Sender:
    """Knows how each kind of operation is said to a provider. ``uploads`` are those under way.

    ``programs_first`` tells for how many seconds they may rest, because a program changes much at once.
    """

    provider: Provider
    journal: Journal
    staging: Staging
    local: LocalChanges
    programs_first: Callable[[], float] = lambda: 0.0
    uploads: dict[OperationId, Sent] = field(default_factory=dict)

    async def send(self, operation: Operation) -> Settled:
        """Do it on the service. Raises ``model/errors.py``, and ``Superseded`` if the bytes changed meanwhile."""
        if operation.kind is OperationKind.UPLOAD:
            return await self._upload(operation)
        if operation.kind is OperationKind.REMOVE:
            await self.provider.remove(Ref(operation.node, operation.version))
            return Settled(None)
        if operation.kind is OperationKind.SET_TIMES:
            return Settled(await self.provider.set_times(Ref(operation.node, operation.version), operation.mtime_ns))
        if operation.kind is OperationKind.SET_MODE:
            return await self._set_mode(Ref(operation.node, operation.version))
        target = _target(operation)
        if operation.kind is OperationKind.MAKE_DIRECTORY:
            return await self._make_directory(operation, target)
        ref = Ref(operation.node, operation.version)
        return Settled(await self.provider.move(ref, target.parent, target.name, operation.replaces))

    async def _set_mode(self, ref: Ref) -> Settled:
        mode = self.local.attributes.get(ref.id).mode
        if mode is None or not isinstance(self.provider, ModeKeeper):
            return Settled(await self.provider.node(ref))
        return Settled(await self.provider.set_mode(ref, mode & SHARED_MODE))

    async def is_gone(self, directory: NodeId) -> bool:
        """True if the service says so. Raises what asking raises."""
        try:
            await self.provider.node(Ref(directory, UNKNOWN))
        except NotFound:
            return True
        return False

    async def _make_directory(self, operation: Operation, target: Slot) -> Settled:
        """A directory that is there already, by a lost reply or by somebody else, is the one that we wanted."""
        try:
            return Settled(await self.provider.make_directory(target.parent, target.name, operation.mtime_ns))
        except Exists:
            found = await self._find(target, lambda node: node.is_directory)
            if found is None:
                raise
            return Settled(found, adopted=True)

    async def _upload(self, operation: Operation) -> Settled:
        target = _target(operation)
        own = await self._own_earlier(operation, target)
        if own is not None:
            return Settled(own, operation.tried_generation)
        current = self.journal.get(operation.id)
        if current is None or self.local.is_pointless(current):
            raise Superseded
        tried = replace(
            current,
            tried_size=current.size,
            tried_mtime_ns=current.mtime_ns,
            tried_generation=current.generation,
        )
        self.journal.put(tried)
        try:
            return Settled(await self._transfer(tried, target), tried.generation)
        except (Conflict, Exists):
            # The service may finish an attempt long after its connection broke: what is in our way can be our own.
            late = await self._own_earlier(operation, target)
            if late is None:
                raise
            return Settled(late, operation.tried_generation)

    async def _transfer(self, operation: Operation, target: Slot) -> Node:
        file = self.staging.open(operation.staged)
        sent = self.uploads[operation.id] = Sent(Rate(trio.current_time()))
        try:
            draft = DraftSource(file, operation.size, lambda: self.local.unchanged(operation))
            source = _Watched(draft, sent, self.programs_first)
            upload = UploadTarget(target.parent, target.name, operation.replaces, operation.size, operation.mtime_ns)
            node = await self.provider.upload(upload, source, _Progress(self.journal, operation.id))
            self.journal.save_progress(operation.id, "")
            return node
        finally:
            self.uploads.pop(operation.id, None)
            file.close()

    async def _own_earlier(self, operation: Operation, target: Slot) -> Node | None:
        """The result of an earlier attempt whose answer was lost, if the service has it."""
        if operation.tried_size < 0:
            return None
        grain = self.provider.capabilities.mtime_resolution_ns
        base = None if operation.replaces is None else operation.replaces.version

        def is_ours(node: Node) -> bool:
            same_time = abs(node.mtime_ns - operation.tried_mtime_ns) <= grain
            return node.kind is Kind.FILE and node.size == operation.tried_size and same_time and node.version != base

        found = await self._replaced(operation.replaces, is_ours) or await self._find(target, is_ours)
        return None if found is None or await self._is_anothers(operation, found) else found

    async def _is_anothers(self, operation: Operation, node: Node) -> bool:
        """True if the service has other bytes than were sent; where times are coarse, somebody else's look like ours.

        By the hash that the service tells, else by reading. What was sent must still be here, or nobody can tell.
        """
        coarse = self.provider.capabilities.mtime_resolution_ns >= _COARSE_NS
        if not coarse or operation.generation != operation.tried_generation:
            return False
        content, file = await self.provider.open(node), self.staging.open(operation.staged)
        try:
            sent = DraftSource(file, node.size, lambda: self.local.unchanged(operation))
            return not await _holds(content, sent, by_hash=not node.encrypted)
        except (NotFound, Outdated):
            return True
        finally:
            file.close()
            await content.aclose()

    async def _replaced(self, ref: Ref | None, wanted: Callable[[Node], bool]) -> Node | None:
        """The node whose content was to be replaced, wherever another client may have moved it."""
        if ref is None:
            return None
        try:
            node = await self.provider.node(ref)
        except NotFound:
            return None
        return node if wanted(node) else None

    async def _find(self, slot: Slot, wanted: Callable[[Node], bool]) -> Node | None:
        try:
            children = await self.provider.children(slot.parent)
        except NotFound:
            return None
        return next((node for node in children if node.name == slot.name and wanted(node)), None)


def _target(operation: Operation) -> Slot:
    if operation.target is None:
        raise Corrupt(f"operation {operation.id} has no target")
    return operation.target


async def _holds(content: Content, source: Source, *, by_hash: bool) -> bool:
    """True if the content is that of the source; ``by_hash`` where its bytes are stored as they are."""
    check = content.cipher.check(b"") if by_hash else None
    for start in range(0, source.size, _PIECE):
        want = PlainSpan(start, min(start + _PIECE, source.size))
        data = await source.pread(want.length, start)
        covered = content.cipher.cover(want)
        if check is not None:
            check.add(covered, data)
        elif content.cipher.decrypt(want, covered, await content.fetch(covered)) != data:
            return False
    return check is None or check.verdict() is True
