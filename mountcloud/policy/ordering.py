"""Which owed operations may run now. Everything else waits for an earlier one, and only for those that it needs.

An operation waits for an earlier one that

* touches the same node (one node's operations keep their order),
* takes or frees the name that it takes (or one that a service could take for the same),
* makes, moves or removes the directory in which it takes a name,
* has to leave or fill the directory that it removes,
* moves a directory, if it moves one too (neither may come below itself on the way).

A directory that the service does not know yet is waited for wherever its creation stands in the queue.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mountcloud.model.ids import NodeId, OperationId, is_local
from mountcloud.model.operation import Operation, OperationKind, OperationState, Slot

_RUNNABLE = {OperationState.QUEUED, OperationState.WAITING}
_FAR_S = 4 * 3600.0
"""Nothing is ever put off for so long: a time beyond is that of a clock which was wrong when it was written down."""


@dataclass(slots=True)
class _Earlier:
    """What the operations seen so far touch. ``waits_for_local``: a directory's creation may stand further back."""

    waits_for_local: bool = True
    nodes: set[NodeId] = field(default_factory=set)
    slots: set[tuple[NodeId, str]] = field(default_factory=set)
    directories: set[NodeId] = field(default_factory=set)
    moves_directory: bool = False

    def blocks(self, operation: Operation) -> bool:
        target, source = operation.target, operation.source
        if not self.nodes.isdisjoint(operation.nodes):
            return True
        if target is not None and (folded(target) in self.slots or target.parent in self.nodes):
            return True
        if target is not None and self.waits_for_local and is_local(target.parent):
            return True
        if source is not None and folded(source) in self.slots:
            return True
        if _moves_directory(operation):
            return self.moves_directory
        return operation.kind is OperationKind.REMOVE and operation.node in self.directories

    def add(self, operation: Operation) -> None:
        self.nodes.update(operation.nodes)
        self.moves_directory = self.moves_directory or _moves_directory(operation)
        for slot in (operation.target, operation.source):
            if slot is not None:
                self.slots.add(folded(slot))
                self.directories.add(slot.parent)


def folded(slot: Slot) -> tuple[NodeId, str]:
    """Equal for slots that some service takes for one."""
    return slot.parent, unicodedata.normalize("NFC", slot.name.casefold())


def _moves_directory(operation: Operation) -> bool:
    return operation.kind is OperationKind.MOVE and operation.is_directory


def ready(
    operations: Iterable[Operation], now: float, limit: int, held: Callable[[Operation], bool]
) -> list[Operation]:
    """At most ``limit`` operations that may start at the time ``now``, oldest first.

    ``operations`` are all that is owed, in order; ``held`` tells of those that must wait for something on this machine.
    """
    earlier = _Earlier()
    found: list[Operation] = []
    for operation in operations:
        free = operation.state in _RUNNABLE and not _waits(operation, now)
        if free and not earlier.blocks(operation) and not held(operation):
            found.append(operation)
            if len(found) >= limit:
                break
        earlier.add(operation)
    return found


def stuck(operations: Iterable[Operation], halted: Callable[[Operation], bool] = lambda _: False) -> set[OperationId]:
    """Operations that cannot go on without somebody's help: the parked ones, and all that wait for one of them.

    ``halted`` tells of others that wait for a person.
    """
    owed = list(operations)
    found: set[OperationId] = set()
    while True:
        earlier = _Earlier(waits_for_local=False)
        makers = {node for each in owed if each.id in found for node in each.nodes}
        before = len(found)
        for operation in owed:
            homeless = operation.target is not None and operation.target.parent in makers
            if operation.state is OperationState.PARKED or halted(operation) or homeless or earlier.blocks(operation):
                found.add(operation.id)
                earlier.add(operation)
        if len(found) == before:
            return found


def kept_back(operations: Iterable[Operation], kept: Callable[[Operation], bool]) -> set[OperationId]:
    """Operations that make what is not meant for the service: those that ``kept`` tells of, and all below them."""
    owed = [each for each in operations if each.target is not None]
    found = {each.id for each in owed if kept(each)}
    makers = {each.node for each in owed if each.id in found and each.is_directory}
    while makers:
        below = {each.id for each in owed if each.target is not None and each.target.parent in makers} - found
        makers = {each.node for each in owed if each.id in below and each.is_directory}
        found |= below
    return found


def _waits(operation: Operation, now: float) -> bool:
    return now < operation.not_before <= now + _FAR_S


def next_due(operations: Iterable[Operation], now: float) -> float | None:
    """The earliest time after ``now`` at which a waiting operation becomes due."""
    due = (each.not_before for each in operations if each.state in _RUNNABLE and _waits(each, now))
    return min(due, default=None)
