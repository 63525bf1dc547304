"""How many operations may be under way beside each other: a large upload never keeps small ones waiting."""

from collections.abc import Iterable
from dataclasses import dataclass

from mountcloud.model.operation import Operation, OperationKind

LARGE = 64 << 20
"""Bytes from which an upload takes long on any line."""


def is_large(operation: Operation) -> bool:
    """True for what may only use the places of large uploads."""
    return operation.kind is OperationKind.UPLOAD and operation.size >= LARGE


@dataclass(frozen=True, slots=True)
class Lanes:
    """``parallel`` operations at a time, at most one less of them large.

    Something small may always go: beside a large upload too where only one place is allowed.
    """

    parallel: int

    def admits(self, operation: Operation, running: Iterable[Operation]) -> bool:
        """True if the operation may start beside those that are under way."""
        under_way = [is_large(each) for each in running]
        large = sum(under_way)
        if is_large(operation):
            return len(under_way) < self.parallel and large < max(self.parallel - 1, 1)
        return len(under_way) < self.parallel or large == len(under_way) == self.parallel
