"""The identities that travel between rooms. Distinct types, so that they cannot be mixed up."""

from dataclasses import dataclass
from typing import NewType

NodeId = NewType("NodeId", str)
"""A service's stable name for a node. A file keeps it when its content is replaced (where the service can).

Nodes that the service does not know yet have an id that starts with ``LOCAL_PREFIX``.
"""

Version = NewType("Version", str)
"""Opaque. For a file it changes if and only if the content changes; for a directory it changes when anything below
it changed, as far as the service tells (empty where it tells nothing)."""

Cursor = NewType("Cursor", str)
"""A place in a service's change feed: opaque text, made and read by the provider alone."""

Inode = NewType("Inode", int)
"""Given once per node, never reused in the life of an index, kept over restarts."""

HandleId = NewType("HandleId", int)
OperationId = NewType("OperationId", int)

ROOT_INODE = Inode(1)
LOCAL_PREFIX = "local:"


@dataclass(frozen=True, slots=True)
class Ref:
    """A node at a version: what an operation addresses, and the precondition under which it may happen."""

    id: NodeId
    version: Version


def is_local(node: NodeId) -> bool:
    """True for a node that exists on this machine only, because its creation is still owed to the service."""
    return node.startswith(LOCAL_PREFIX)
