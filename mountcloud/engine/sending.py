"""One owed operation becomes one call of the provider. After an attempt with unknown outcome: look, then repeat."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace

import trio

from mountcloud.engine import evidence
from mountcloud.engine.drafting import DraftSource, Superseded
from mountcloud.engine.evidence import Fingerprint
from mountcloud.engine.local_changes import LocalChanges
from mountcloud.model.errors import Conflict, Corrupt, Exists, NotFound, Outdated
from mountcloud.model.ids import NodeId, OperationId, Ref
from mountcloud.model.node import SHARED_MODE, Kind, Node
from mountcloud.model.operation import UNKNOWN, Operation, OperationKind, Slot
from mountcloud.model.provider import Content, ModeKeeper, Provider, Source, UploadTarget
from mountcloud.policy.rate import Rate
from mountcloud.store.journal import Journal
from mountcloud.store.staging import Staging

_COARSE_NS = 10**9


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
    fingerprint: Fingerprint | None

    @property
    def size(self) -> int:
        return self.inner.size

    async def pread(self, size: int, offset: int) -> bytes:
        while offset and (pause := self.programs_first()) > 0:  # noqa: ASYNC110 - it tells how long, not what for
            await trio.sleep(pause)
        data = await self.inner.pread(size, offset)
        self.sent.took(offset + len(data), trio.current_time())
        if self.fingerprint is not None:
            self.fingerprint.take(data, offset)
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
            tried_digest="",
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
            source = _Watched(draft, sent, self.programs_first, self._fingerprint(operation))
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

    @property
    def _coarse(self) -> bool:
        """True where another client's file can have the size and the time of ours."""
        return self.provider.capabilities.mtime_resolution_ns >= _COARSE_NS

    def _fingerprint(self, tried: Operation) -> Fingerprint | None:
        """By which what is sent is known again when its bytes are here no more, where size and time do not tell."""

        def keep(digest: str) -> None:
            current = self.journal.get(tried.id)
            if current is not None and current.tried_generation == tried.generation and not current.tried_digest:
                self.journal.put(replace(current, tried_digest=digest))

        return Fingerprint(tried.size, keep) if self._coarse else None

    async def _is_anothers(self, operation: Operation, node: Node) -> bool:
        """True if the service has other bytes than were sent; where times are coarse, somebody else's look like ours.

        What was sent is still here, or its digest is, or the service never got all of it.
        """
        if not self._coarse or node.size == 0:
            return False
        if operation.generation != operation.tried_generation and not operation.tried_digest:
            return True
        content: Content | None = None
        try:
            content = await self.provider.open(node)
            return not await self._is_in(content, operation, node)
        except (NotFound, Outdated):
            return True
        finally:
            if content is not None:
                await content.aclose()

    async def _is_in(self, content: Content, operation: Operation, node: Node) -> bool:
        if operation.generation != operation.tried_generation:
            return await evidence.digest(content) == operation.tried_digest
        with closing(self.staging.open(operation.staged)) as file:
            sent = DraftSource(file, node.size, lambda: self.local.unchanged(operation))
            return await evidence.holds(content, sent, by_hash=not node.encrypted)

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
