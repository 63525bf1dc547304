"""Operations as tables need them."""

from dataclasses import replace
from typing import Any

from mountcloud.model.ids import NodeId, OperationId, Ref, Version
from mountcloud.model.operation import Operation, OperationKind, OperationState, Slot

Fields = dict[str, Any]

ROOT, DIR = NodeId("root"), NodeId("dir")
X, Y, D = NodeId("local:x"), NodeId("local:y"), NodeId("local:d")
R, S = NodeId("r"), NodeId("s")
R1, S1 = Ref(R, Version("1")), Ref(S, Version("1"))
A, B, C = Slot(ROOT, "a"), Slot(ROOT, "b"), Slot(ROOT, "c")

SENDING: Fields = {"state": OperationState.SENDING}
TRIED: Fields = {"state": OperationState.WAITING, "attempts": 1}
PARKED: Fields = {"state": OperationState.PARKED, "attempts": 1, "error": "no"}


def op(id: int, kind: OperationKind, node: NodeId, **fields: Any) -> Operation:
    return replace(Operation(OperationId(id), kind, node), **fields)


def upload(id: int, node: NodeId, target: Slot = A, **fields: Any) -> Operation:
    return op(id, OperationKind.UPLOAD, node, target=target, staged=f"s{id}", **fields)


def mkdir(id: int, node: NodeId, target: Slot = A, **fields: Any) -> Operation:
    return op(id, OperationKind.MAKE_DIRECTORY, node, target=target, is_directory=True, **fields)


def move(id: int, node: NodeId, source: Slot, target: Slot, **fields: Any) -> Operation:
    return op(id, OperationKind.MOVE, node, source=source, target=target, **fields)


def dated(id: int, node: NodeId, **fields: Any) -> Operation:
    return op(id, OperationKind.SET_TIMES, node, **fields)


def removal(id: int, node: NodeId, source: Slot = A, **fields: Any) -> Operation:
    return op(id, OperationKind.REMOVE, node, source=source, **fields)
