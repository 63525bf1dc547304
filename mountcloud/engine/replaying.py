"""What is owed goes to the service: in parallel where nothing depends on it, and for ever until it is there."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import trio

from mountcloud.engine.drafting import Superseded
from mountcloud.engine.local_changes import LocalChanges
from mountcloud.engine.resolving import Resolver
from mountcloud.engine.sending import Sender, Settled
from mountcloud.engine.syncing import Syncer
from mountcloud.model.errors import (
    DiskFull,
    Failure,
    NotFound,
    OutOfSpace,
    QuotaExceeded,
)
from mountcloud.model.ids import OperationId
from mountcloud.model.node import Node
from mountcloud.model.notice import Notice, NoticeKind, Told, nobody
from mountcloud.model.operation import Operation, OperationKind, OperationState
from mountcloud.policy.backoff import delay_after
from mountcloud.policy.breadth import Breadth
from mountcloud.policy.foreground import Burst
from mountcloud.policy.lanes import ANY_LARGE, ANY_LONGER, ANY_SMALL, Lanes, is_large, is_quick
from mountcloud.policy.ordering import kept_back, next_due, ready, stuck
from mountcloud.policy.set_back import Clocks
from mountcloud.policy.upload import Event, after
from mountcloud.store.attributes import Attributes
from mountcloud.store.index import Index
from mountcloud.store.journal import Journal
from mountcloud.store.staging import Staging

log = logging.getLogger(__name__)

_FULL_DISK_RETRY = 5.0
_IDLE = 3600.0
_GATHERING = 0.05
"""Seconds in which changes gather while nothing is under way: enough to tell the first of many from a single one."""
_AT_A_LOOK = 64
_PAUSED, _YES = "queue paused", "yes"


@dataclass(slots=True)
class Replayer:
    """``clock`` tells seconds since the epoch, ``jitter`` a number in [0, 1).

    ``parallel`` changes are sent at a time, of small ones as many as ``breadth`` says. While a program waits for the
    service (``waited_for``), nothing rests for the sake of programs.
    """

    index: Index
    journal: Journal
    attributes: Attributes
    staging: Staging
    local: LocalChanges
    sender: Sender
    syncer: Syncer
    clock: Callable[[], float]
    jitter: Callable[[], float]
    resolver: Resolver
    parallel: int = 4
    breadth: Breadth = field(default_factory=lambda: Breadth.of(4, 4))
    refused: Callable[[OperationId, Failure], None] = lambda operation, failure: None
    finished: Callable[[], None] = lambda: None
    waited_for: Callable[[], bool] = lambda: False
    told: Told = nobody
    _lined_up: deque[Operation] = field(default_factory=deque)
    _running: dict[OperationId, trio.CancelScope] = field(default_factory=dict)
    _discarding: set[OperationId] = field(default_factory=set)
    _burst: Burst = field(default_factory=Burst)
    _clocks: Clocks = field(default_factory=Clocks)
    _woken: trio.Event = field(default_factory=trio.Event)
    _idle: trio.Event = field(default_factory=trio.Event)

    def __post_init__(self) -> None:
        self.sender.programs_first = self._programs_first

    def _programs_first(self) -> float:
        return 0.0 if self.waited_for() else self._burst.wait(self.clock())

    def changed(self) -> None:
        """A program changed something, which is owed from now on."""
        self._burst = self._burst.after_change(self.clock())
        self.wake()

    def wake(self) -> None:
        """Something is owed, or may start now."""
        self._woken.set()

    async def run(self) -> None:
        """Replay for ever."""
        async with trio.open_nursery() as nursery:
            while True:
                self._woken = trio.Event()
                if (programs_first := self._programs_first()) > 0:
                    await trio.sleep(programs_first)
                    continue
                try:
                    self._heed_the_clock()
                    self._start(nursery)
                    self._forget_homes()
                except DiskFull as full:
                    await self._for_room(full)
                    continue  # nothing that is under way would wake us, nothing is due later
                for key, state in self.journal.abandoned_uploads().items():
                    if key not in self._discarding:
                        self._discarding.add(key)
                        nursery.start_soon(self._discard_upload, key, state)
                if not self.journal.operations:
                    self._idle.set()
                await self._until_worth_a_look()

    def _heed_the_clock(self) -> None:
        self._clocks = self._clocks.after(self.clock(), trio.current_time())
        if self._clocks.set_back:
            self._try_at_once(self.journal.operations)
            self.hurry()

    def _start(self, nursery: trio.Nursery) -> None:
        for operation in self._startable():
            self.index.commit()  # what is sent leaves the journal, which then tells no more what became of it here
            self.journal.put(replace(operation, state=after(operation.state, Event.STARTED)))
            self._running[operation.id] = trio.CancelScope()
            nursery.start_soon(self._perform, operation.id)

    def _forget_homes(self) -> None:
        if not self.journal.operations:
            self.journal.homes.forget_all()

    async def _for_room(self, full: DiskFull) -> None:
        """Nothing can be written down now: what was not is done again later, and knows what the service has."""
        log.info("what is owed waits for room on this machine's disk: %s", full)
        await trio.sleep(_FULL_DISK_RETRY)

    async def _until_worth_a_look(self) -> None:
        """Programs owe changes much faster than they are sent: looking through all of them at each would cost more."""
        if self._lined_up or not self._admits(ANY_SMALL):
            await self._woken.wait()
            return
        self.breadth = self.breadth.idle()
        due = next_due(self.journal.operations, self.clock())
        with trio.move_on_after(_IDLE if due is None else max(due - self.clock(), 0.01)):
            await self._woken.wait()
        if not self._running and not self.waited_for():
            await trio.sleep(_GATHERING)

    def _admits(self, operation: Operation, starting: Sequence[Operation] = ()) -> bool:
        """True if it may go beside what is under way and ``starting``."""
        found = [each for key in self._running if (each := self.journal.get(key)) is not None]
        gone = [ANY_SMALL] * (len(self._running) - len(found))  # left the journal while an answer is on its way
        return Lanes(self.parallel, self.breadth.width).admits(operation, [*found, *gone, *starting])

    def _learn(self, key: OperationId) -> None:
        """What an attempt that has just ended says of how much the service bears."""
        left = self.journal.get(key)
        if left is not None and left.state is OperationState.WAITING and left.error:
            self.breadth = self.breadth.after_refusal()
        else:
            self.breadth = self.breadth.after_answer(self.clock())

    def _startable(self) -> list[Operation]:
        """As many as there are places for; found for many at once, and looked at again before they start."""
        if self.paused:
            return []
        starting: list[Operation] = []
        self._still_ready(starting)
        if self._admits(ANY_SMALL, starting):
            too_long = self._too_long(starting)
            chosen = {each.id for each in starting}
            self._lined_up.extend(each for each in self._ready(too_long) if each.id not in chosen)
            self._still_ready(starting)
        return starting

    def _too_long(self, starting: Sequence[Operation]) -> Callable[[Operation], bool]:
        """Tells of operations that there is no place for now, by how long they take."""
        if not self._admits(ANY_LONGER, starting):
            return lambda operation: not is_quick(operation)
        return (lambda operation: False) if self._admits(ANY_LARGE, starting) else is_large

    def _ready(self, too_long: Callable[[Operation], bool]) -> list[Operation]:
        def held(operation: Operation) -> bool:
            return too_long(operation) or self.local.held(operation)

        return ready(self.journal.operations, self.clock(), _AT_A_LOOK, held)

    def _still_ready(self, starting: list[Operation]) -> None:
        """Add what may start; a large upload for which there is no place now is found again when there is."""
        while self._lined_up and self._admits(ANY_SMALL, starting):
            operation = self._lined_up.popleft()
            unchanged = self.journal.get(operation.id) is operation and not self.local.held(operation)
            if unchanged and self._admits(operation, starting):
                starting.append(operation)

    async def drained(self, of: Callable[[], Sequence[Operation] | None] = lambda: None) -> None:
        """Wait until nothing is owed that can be sent without somebody's help, or before a program closes a file.

        ``of`` tells what is to be waited for, None = all.
        """
        self._try_at_once(of())
        while self._sendable(of()):
            self._idle = trio.Event()
            self.hurry()
            with trio.move_on_after(0.5):
                await self._idle.wait()

    def _try_at_once(self, wanted: Sequence[Operation] | None) -> None:
        """Who asks for it now may know that the service is back."""
        for each in self.journal.operations if wanted is None else wanted:
            if each.state is OperationState.WAITING and each.not_before > self.clock():
                self.journal.put(replace(each, not_before=0.0))

    def _sendable(self, wanted: Sequence[Operation] | None) -> bool:
        owed = self.journal.operations
        if self.paused:
            return bool(self._running)
        helpless = stuck(owed, lambda each: self._waits_for_the_user(each) or self.local.held(each))
        return any(each.id not in helpless for each in (owed if wanted is None else wanted))

    @property
    def with_programs(self) -> set[OperationId]:
        """What a program holds back, and all that waits for it: it is sent when the program closes its files."""
        return stuck(
            (each for each in self.journal.operations if each.state is not OperationState.PARKED), self.local.held
        )

    def _waits_for_the_user(self, operation: Operation) -> bool:
        stopped = self.local.removals.stopped and operation.kind is OperationKind.REMOVE
        return stopped or self.local.is_kept(operation)

    @property
    def owed(self) -> list[Operation]:
        """What is meant for the service, oldest first: not what stays on this machine for its name."""
        owed = self.journal.operations
        kept = kept_back(owed, self.local.is_kept)
        return [each for each in owed if each.id not in kept]

    def hurry(self) -> None:
        """Saved files need not rest any longer."""
        for each in self.journal.operations:
            if each.state is OperationState.QUEUED and each.not_before > self.clock():
                self.journal.put(replace(each, not_before=0.0))
        self.wake()

    def retry_parked(self) -> int:
        """Try again what was parked; tells how many."""
        return self.retry([each for each in self.journal.operations if each.state is OperationState.PARKED])

    def retry(self, operations: Sequence[Operation]) -> int:
        """Try again what was parked or waits for its next attempt; tells how many."""
        chosen = [each for each in operations if each.state in {OperationState.PARKED, OperationState.WAITING}]
        for each in chosen:
            self.journal.put(replace(each, state=after(each.state, Event.RETRIED), not_before=0.0, error=""))
        self.wake()
        return len(chosen)

    @property
    def paused(self) -> bool:
        """True while the user wants nothing to be sent."""
        return self.journal.note(_PAUSED) == _YES

    def pause(self, *, paused: bool) -> None:
        """Start nothing more, or go on."""
        self.journal.put_note(_PAUSED, _YES if paused else "")
        self.wake()

    def cancel(self, key: OperationId) -> None:
        """End an attempt that is under way; its outcome is unknown then."""
        if key in self._running:
            self._running[key].cancel()

    async def _perform(self, key: OperationId) -> None:
        try:
            with self._running[key]:
                await self._send_with_room(key)
        finally:
            del self._running[key]
            self._learn(key)
            self.finished()
            self.wake()

    async def _send_with_room(self, key: OperationId) -> None:
        while (operation := self.journal.get(key)) is not None:
            try:
                await self._send(operation)
                return
            except DiskFull as full:
                await self._for_room(full)
            except Exception:
                log.exception("%s of node %s met a fault of mountcloud", operation.kind.value, operation.node)
                self._park(operation, Failure("a fault of mountcloud, see the log"))
                return

    async def _discard_upload(self, key: OperationId, state: str) -> None:
        """A kindness to the service: what it holds of an upload that is not owed any more."""
        try:
            await self.sender.provider.discard_upload(state)
        except Failure as failure:
            log.info("parts of an upload stay on the service for now: %s", failure)
            if failure.transient:
                return  # tried again after the next start
        try:
            self.journal.save_progress(key, "")
        except DiskFull as full:
            log.info("an upload that was given up is asked for again after the next start: %s", full)

    async def _send(self, operation: Operation) -> None:
        try:
            settled = await self.sender.send(operation)
        except Superseded:
            current = self.journal.get(operation.id)
            if current is not None and not self.local.abandon(current):
                self.resolver.again(operation.id, "", 0.0, counts=False)
        except NotFound as gone:
            await self._met_nothing(operation, gone)
        except Failure as failure:
            self._failed(operation, failure)
        else:
            self._settle(operation, settled)

    async def _met_nothing(self, operation: Operation, gone: NotFound) -> None:
        """If the directory is gone in which something was to be made, that is made again first."""
        failure: Failure = gone
        target = operation.target
        if operation.creates and target is not None:
            try:
                if await self.sender.is_gone(target.parent) and self.resolver.rehome(operation):
                    return
            except Failure as doubt:
                failure = doubt
        self._failed(operation, failure)

    def _settle(self, sent: Operation, settled: Settled) -> None:
        """The service has it: the index learns the real id and version, what else is owed follows, then it is done."""
        result = None if settled.node is None else self._as_known(sent, settled.node)
        if (current := self.journal.get(sent.id)) is None:
            return
        if result is not None:
            self.syncer.kernel.forget(self.index.rebind(sent.node, result))
            self.attributes.rebind(sent.node, result.id)
            self.local.mode_settled(sent, result, adopted=settled.adopted)
            if result.is_directory and self.journal.involves_below(sent.node):
                self.local.note_home(result.id)
            if settled.adopted:
                self.index.doubt_listing(result.id)
                self.syncer.poke()
        else:
            self.attributes.forget(sent.node)
        ref = None if result is None else result.ref
        if ref is not None and sent.creates and not settled.adopted:
            self.local.removals.made(ref)
        if ref is not None and current.kind is OperationKind.UPLOAD and current.generation != settled.generation:
            newer = replace(
                current, node=ref.id, version=ref.version, replaces=ref, state=OperationState.QUEUED, attempts=0
            )
            self.journal.requeue(newer, sent.node, ref)
            return
        released = self.local.released(current)
        self.journal.done(sent.id, sent.node, ref, (released,) if released else ())

    def _as_known(self, sent: Operation, result: Node) -> Node:
        """A move or a date makes no content: another version is another client's, and nothing here is based on it."""
        if sent.kind is OperationKind.UPLOAD or result.is_directory or result.version == sent.version:
            return result
        entry = self.index.by_id(sent.node)
        if entry is None:
            return replace(result, version=sent.version)
        if entry.node.parent is not None:
            self.index.doubt_listing(entry.node.parent)
        self.syncer.poke()
        dated = sent.kind is OperationKind.SET_TIMES
        return replace(result, version=sent.version, mtime_ns=result.mtime_ns if dated else entry.remote_mtime_ns)

    def _failed(self, operation: Operation, failure: Failure) -> None:
        gone_already = operation.kind is OperationKind.REMOVE and isinstance(failure, NotFound)
        if failure.transient:
            wait = delay_after(failure, operation.attempts + 1, self.jitter())
            log.info("%s of %s will be tried again in %.0f s: %s", operation.kind.value, operation.node, wait, failure)
            self.resolver.again(operation.id, str(failure), wait)
        elif not self.resolver.resolved(operation, failure):
            self._park(operation, failure)
        elif self.journal.get(operation.id) is None and not gone_already:
            self.refused(operation.id, failure)  # given up: the service's state stands

    def _park(self, operation: Operation, failure: Failure) -> None:
        if (current := self.journal.get(operation.id)) is None:
            return
        log.warning("%s of node %s failed and waits for you: %s", operation.kind.value, operation.node, failure)
        state = after(current.state, Event.PERMANENT)
        self.journal.put(replace(current, state=state, attempts=current.attempts + 1, error=str(failure)))
        kind = NoticeKind.QUOTA if isinstance(failure, QuotaExceeded | OutOfSpace) else NoticeKind.FAILED
        name = "a change" if current.target is None else current.target.name
        self.told(Notice(kind, f"{name}: {failure.message}"))
        self.refused(operation.id, failure)
