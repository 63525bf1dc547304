"""One change that was made here and is owed to the service."""

from dataclasses import dataclass
from enum import Enum

from mountcloud.model.ids import NodeId, OperationId, Ref, Version, is_local

UNKNOWN = Version("")
"""The version of a node that the service does not have."""


class OperationKind(Enum):
    """What has to be done on the service."""

    UPLOAD = "upload"
    MAKE_DIRECTORY = "make-directory"
    MOVE = "move"
    SET_TIMES = "set-times"
    SET_MODE = "set-mode"
    """The permission bits that the node has on this machine by the time when this is sent."""
    REMOVE = "remove"


class OperationState(Enum):
    """Where an operation stands; the moves between them are the table of ``policy/upload.py``."""

    QUEUED = "queued"
    SENDING = "sending"
    WAITING = "waiting"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Slot:
    """A name in a directory of the service."""

    parent: NodeId
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Names nodes, never paths. A value: the journal replaces it when it changes.

    ``target`` is the slot that the operation takes (upload, directory, move), ``source`` the slot that it frees (move,
    remove). ``version`` is the version of ``node`` on which it is based (empty for a node the service does not know).
    ``replaces`` makes way for it: the base version of an upload, or the node at the target of a move.
    ``staged`` names the draft of an upload, ``generation`` the state of it that is owed;
    ``tried_size``, ``tried_mtime_ns`` and ``tried_generation`` are those of the last attempt (-1 = none), by which a
    retry knows its own file on the service again after a lost reply, and which state of it that is; ``tried_digest`` is
    the SHA-256 of its bytes if all were read, where size and time do not tell enough. Times are in seconds since the
    epoch, ``mtime_ns`` in nanoseconds.
    """

    id: OperationId
    kind: OperationKind
    node: NodeId
    version: Version = UNKNOWN
    is_directory: bool = False
    target: Slot | None = None
    source: Slot | None = None
    replaces: Ref | None = None
    size: int = 0
    mtime_ns: int = 0
    staged: str = ""
    generation: int = 0
    tried_size: int = -1
    tried_mtime_ns: int = 0
    tried_generation: int = -1
    tried_digest: str = ""
    state: OperationState = OperationState.QUEUED
    attempts: int = 0
    not_before: float = 0.0
    error: str = ""

    @property
    def creates(self) -> bool:
        """True if the service does not know the node before this operation."""
        return is_local(self.node) and self.kind in {OperationKind.UPLOAD, OperationKind.MAKE_DIRECTORY}

    @property
    def nodes(self) -> tuple[NodeId, ...]:
        """The nodes whose operations must keep their order with this one."""
        return (self.node, self.replaces.id) if self.replaces is not None else (self.node,)

    @property
    def unsent(self) -> bool:
        """True while nothing of it can have reached the service: it was never tried, or refused."""
        if self.state is OperationState.PARKED:
            return True
        return self.state is not OperationState.SENDING and self.attempts == 0
