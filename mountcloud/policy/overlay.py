"""What is owed for a node, laid over what the service says of it."""

from collections.abc import Iterable
from dataclasses import replace

from mountcloud.model.node import Node
from mountcloud.model.operation import Operation, OperationKind


def overlay(node: Node, owed: Iterable[Operation]) -> Node | None:
    """The node as programs must see it, or None if its removal is owed. ``owed`` are its operations, oldest first."""
    for operation in owed:
        if operation.kind is OperationKind.REMOVE:
            return None
        places = operation.creates or operation.kind is OperationKind.MOVE
        if places and operation.target is not None:
            node = replace(node, parent=operation.target.parent, name=operation.target.name)
        if operation.kind is OperationKind.UPLOAD:
            node = replace(node, size=operation.size, mtime_ns=operation.mtime_ns)
        if operation.kind is OperationKind.SET_TIMES:
            node = replace(node, mtime_ns=operation.mtime_ns)
    return node
