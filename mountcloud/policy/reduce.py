"""A batch of remote changes, and what is in flux on this machine -> what to change in the index."""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from mountcloud.model.change import Change, Upserted
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node


@dataclass(frozen=True, slots=True)
class Plan:
    """What the index has to do, in this order."""

    remove: tuple[NodeId, ...]
    upsert: tuple[Node, ...]


def reduce(changes: Iterable[Change], pinned: Container[NodeId]) -> Plan:
    """Drop what concerns pinned nodes (they are owed something, or being written), keep the last word on the others.

    A node that moves is upserted, so a removal that comes before its upsert in the same batch is not one.
    """
    last: dict[NodeId, Node | None] = {}
    for change in changes:
        key = change.node.id if isinstance(change, Upserted) else change.id
        last.pop(key, None)
        last[key] = change.node if isinstance(change, Upserted) else None
    free = {key: node for key, node in last.items() if key not in pinned}
    return Plan(
        tuple(key for key, node in free.items() if node is None),
        tuple(node for node in free.values() if node is not None),
    )
