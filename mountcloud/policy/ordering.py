"""Which owed operations may run now. Everything else waits for an earlier one, and only for those that it needs.

An operation waits for an earlier one that

* touches the same node (one node's operations keep their order),
* takes or frees the name that it takes,
* makes, moves or removes the directory in which it takes a name,
* has to leave or fill the directory that it removes.

A directory that the service does not know yet is waited for wherever its creation stands in the queue.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mountcloud.model.ids import NodeId, is_local
from mountcloud.model.operation import Operation, OperationKind, OperationState, Slot

_RUNNABLE = {OperationState.QUEUED, OperationState.WAITING}


@dataclass(slots=True)
class _Earlier:
    """What the operations seen so far touch."""

    nodes: set[NodeId] = field(default_factory=set)
    slots: set[Slot] = field(default_factory=set)
    directories: set[NodeId] = field(default_factory=set)

    def blocks(self, operation: Operation) -> bool:
        target, source = operation.target, operation.source
        if not self.nodes.isdisjoint(operation.nodes):
            return True
        if target is not None and (target in self.slots or target.parent in self.nodes or is_local(target.parent)):
            return True
        if source is not None and source in self.slots:
            return True
        return operation.kind is OperationKind.REMOVE and operation.node in self.directories

    def add(self, operation: Operation) -> None:
        self.nodes.update(operation.nodes)
        for slot in (operation.target, operation.source):
            if slot is not None:
                self.slots.add(slot)
                self.directories.add(slot.parent)


def ready(
    operations: Iterable[Operation], now: float, limit: int, held: Callable[[Operation], bool]
) -> list[Operation]:
    """At most ``limit`` operations that may start at the time ``now``, oldest first.

    ``operations`` are all that is owed, in order; ``held`` tells of those that must wait for something on this machine.
    """
    earlier = _Earlier()
    found: list[Operation] = []
    for operation in operations:
        free = operation.state in _RUNNABLE and operation.not_before <= now
        if free and not earlier.blocks(operation) and not held(operation):
            found.append(operation)
            if len(found) >= limit:
                break
        earlier.add(operation)
    return found


def next_due(operations: Iterable[Operation], now: float) -> float | None:
    """The earliest time after ``now`` at which a waiting operation becomes due."""
    due = (each.not_before for each in operations if each.state in _RUNNABLE and each.not_before > now)
    return min(due, default=None)
