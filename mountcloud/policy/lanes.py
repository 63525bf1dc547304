"""How many operations may be under way beside each other: a large upload never keeps small ones waiting."""

from collections.abc import Iterable
from dataclasses import dataclass

from mountcloud.model.ids import NodeId, OperationId
from mountcloud.model.operation import Operation, OperationKind

LARGE = 64 << 20
"""Bytes from which an upload takes long on any line."""
QUICK = 1 << 20
"""Bytes up to which an upload takes hardly longer than any other request."""

ANY_SMALL = Operation(OperationId(0), OperationKind.REMOVE, NodeId(""))
ANY_LONGER = Operation(OperationId(0), OperationKind.UPLOAD, NodeId(""), size=QUICK + 1)
ANY_LARGE = Operation(OperationId(0), OperationKind.UPLOAD, NodeId(""), size=LARGE)
"""One of each kind, to ask for a place before it is known for whom."""


def is_large(operation: Operation) -> bool:
    """True for what may only use the places of large uploads."""
    return operation.kind is OperationKind.UPLOAD and operation.size >= LARGE


def is_quick(operation: Operation) -> bool:
    """True for what may use the places that are for small changes alone."""
    return operation.kind is not OperationKind.UPLOAD or operation.size <= QUICK


@dataclass(frozen=True, slots=True)
class Lanes:
    """``width`` operations at a time; at most ``parallel`` of them take longer, at most one less of these are large.

    Something small may always go: beside a large upload too where only one place is allowed.
    """

    parallel: int
    width: int

    def admits(self, operation: Operation, running: Iterable[Operation]) -> bool:
        """True if the operation may start beside those that are under way."""
        under_way = list(running)
        large = sum(is_large(each) for each in under_way)
        longer = min(self.parallel, self.width)
        if is_large(operation):
            return len(under_way) < longer and large < max(longer - 1, 1)
        if len(under_way) >= self.width:
            return large == len(under_way) == self.width
        return is_quick(operation) or sum(not is_quick(each) for each in under_way) < longer
