"""The queue of what is owed, as its owner sees it: looked at, hurried, halted, and in part given up."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import trio

from mountcloud.engine.guarding import Removals
from mountcloud.engine.replaying import Replayer
from mountcloud.model.change import Stale
from mountcloud.model.errors import Busy, DiskFull, Exists, InvalidArgument, NotFound, Unavailable
from mountcloud.model.ids import NodeId
from mountcloud.model.operation import Operation, OperationKind, OperationState, Slot
from mountcloud.policy.merging import Amendment
from mountcloud.policy.names import to_file_name
from mountcloud.policy.reduce import Plan

log = logging.getLogger(__name__)

_PIECE = 4 << 20


@dataclass(frozen=True, slots=True)
class Owed:
    """One owed operation for a reader. ``path`` is below the mount point; ``next_try`` in seconds since the epoch.

    ``state`` is that of the operation, or "held" for a removal that waits for the user's word.
    """

    kind: str
    path: str
    size: int
    state: str
    attempts: int
    next_try: float | None
    reason: str


@dataclass(slots=True)
class Queue:
    """What its owner may do with the queue of one account."""

    replayer: Replayer
    removals: Removals

    def items(self, path: str | None = None) -> list[Owed]:
        """What is owed at the path and below it, oldest first."""
        return [self._item(each) for each in self.below(path)]

    @property
    def trouble(self) -> str:
        """What the user must decide, empty if nothing."""
        if self.removals.stopped:
            count = len(self.removals.owed)
            return f"{count} removals wait for your word: mountcloud queue NAME --allow-deletes or --discard-deletes"
        return "sending is paused: mountcloud queue NAME resume" if self.replayer.paused else ""

    def _item(self, operation: Operation) -> Owed:
        held = self.removals.stopped and operation.kind is OperationKind.REMOVE
        waits = operation.state in {OperationState.QUEUED, OperationState.WAITING} and not held
        return Owed(
            operation.kind.value,
            self.path(operation),
            operation.size,
            "held" if held else operation.state.value,
            operation.attempts,
            operation.not_before if waits and operation.not_before > self.replayer.clock() else None,
            "more removals in a short time than the settings allow" if held else operation.error,
        )

    def path(self, operation: Operation) -> str:
        """Where programs see the node, or saw it before it was removed."""
        if self.replayer.index.by_id(operation.node) is not None:
            return self._path_of(operation.node)
        slot = operation.target or operation.source
        return operation.node if slot is None else self._path_in(slot)

    def _path_in(self, slot: Slot) -> str:
        return f"{self._path_of(slot.parent)}/{to_file_name(slot.name)}".strip("/")

    def _path_of(self, node: NodeId) -> str:
        index = self.replayer.index
        entries = [entry for each in index.ancestors(node) if (entry := index.by_id(each)) is not None]
        return "/".join(reversed([entry.file_name for entry in entries if entry.file_name]))

    def below(self, path: str | None) -> list[Operation]:
        """What is owed for the path and below it, oldest first."""
        wanted = (path or "").strip("/")
        named = [(self.path(each), each) for each in self.replayer.owed]
        return [each for name, each in named if not wanted or name == wanted or name.startswith(f"{wanted}/")]

    def retry(self, path: str | None) -> int:
        """Try again now what failed or waits, at and below the path; tells how many."""
        return self.replayer.retry(self.below(path))

    def pause(self, *, paused: bool) -> bool:
        """Send nothing more, over restarts too (what is under way is finished), or go on; tells which it was before."""
        before = self.replayer.paused
        self.replayer.pause(paused=paused)
        return before

    def allow_deletes(self) -> int:
        """The removals that wait may go; tells how many."""
        allowed = self.removals.allow()
        self.replayer.wake()
        return allowed

    def discard_deletes(self) -> int:
        """All removals that are owed are given up: their files show again. Tells how many."""
        dropped = [each for each in self.removals.owed if each.state is not OperationState.SENDING]
        self._drop(dropped)
        self.removals.forget()
        self.replayer.wake()
        return len(dropped)

    async def discard(self, path: str | None, keep: str | None) -> int:
        """Give up what was changed here at the path and below: the service's state comes back into view.

        With ``keep``, an absolute directory, the content that was not sent is copied there first; without it that
        content is lost. Raises ``Busy`` if a program has one of the files open, ``NotFound``, ``InvalidArgument``.
        """
        if not (path or "").strip("/"):
            raise InvalidArgument("name the file or directory whose changes are to be given up")
        if not self.below(path):
            raise NotFound(f"nothing is owed for {path!r}")
        self._demand_closed(self.below(path))
        if keep is not None:
            directory = _existing(keep)
            for each in self.below(path):
                await self._copy(each, directory)
        chosen = self.below(path)  # the copying took its time
        self._demand_closed(chosen)
        self._drop(chosen)
        return len(chosen)

    def _demand_closed(self, operations: list[Operation]) -> None:
        for each in operations:
            entry = self.replayer.index.by_id(each.node)
            if entry is not None and self.replayer.local.open_handles(entry.inode):
                raise Busy(f"a program has {entry.file_name!r} open", hint="close it first")

    async def _copy(self, operation: Operation, directory: Path) -> None:
        """The draft's bytes under the file's name. Raises ``Exists`` rather than write over anything, ``DiskFull``."""
        if operation.kind is not OperationKind.UPLOAD:
            return
        target = directory / Path(self.path(operation)).name
        if shutil.disk_usage(directory).free < operation.size:
            raise DiskFull(f"{directory} has no room for {operation.size} bytes", hint="name another directory")
        file = self.replayer.staging.open(operation.staged)
        try:
            with target.open("xb") as copy:
                for offset in range(0, operation.size, _PIECE):
                    copy.write(file.pread(_PIECE, offset))
                    await trio.lowlevel.checkpoint()
        except FileExistsError:
            raise Exists(f"{target} exists already", hint="name another directory") from None
        except OSError as error:
            target.unlink(missing_ok=True)
            raise Unavailable(f"{target} cannot be written: {error.strerror}") from error
        finally:
            file.close()

    def _drop(self, operations: list[Operation]) -> None:
        for each in reversed(operations):
            if self.replayer.journal.get(each.id) is not None:
                self._undo(each)
        self.replayer.syncer.poke()

    def _undo(self, operation: Operation) -> None:
        log.warning("%s of %r is given up, as its owner wished", operation.kind.value, self.path(operation))
        self.replayer.cancel(operation.id)
        index, kernel = self.replayer.index, self.replayer.syncer.kernel
        entry = index.by_id(operation.node)
        self.replayer.journal.amend(Amendment(drop=(operation.id,)), (operation.staged,) if operation.staged else ())
        if entry is not None:
            self.replayer.local.let_go(entry.inode)
            parent = None if entry.node.parent is None else index.by_id(entry.node.parent)
            kernel.forget([Stale(entry.inode, None if parent is None else parent.inode, entry.file_name, content=True)])
        if operation.creates:
            kernel.forget(index.apply(Plan((operation.node,), ())))
            self.replayer.attributes.forget(operation.node)
        places = {slot.parent for slot in (operation.source, operation.target) if slot is not None}
        places |= {entry.node.parent} if entry is not None and entry.node.parent is not None else set()
        for place in places:
            index.doubt_listing(place)


def _existing(directory: str) -> Path:
    path = Path(directory)
    if path.is_absolute() and path.is_dir():
        return path
    raise InvalidArgument(f"{directory} is no directory")
