"""What a service says of one file or directory."""

from dataclasses import dataclass
from enum import Enum, Flag, auto

from mountcloud.model.ids import NodeId, Ref, Version


class Kind(Enum):
    """The two kinds of node that services know."""

    FILE = "file"
    DIRECTORY = "directory"


class Rights(Flag):
    """What this account may do with one node; the provider derives them from the service's own scheme."""

    NONE = 0
    READ = auto()
    """Read the content of a file; list a directory."""
    WRITE = auto()
    """Replace the content of a file."""
    CREATE_FILES = auto()
    """Make files in this directory, or move files into it."""
    CREATE_DIRECTORIES = auto()
    """Make directories in this directory, or move directories into it."""
    RENAME = auto()
    """Give this node another name in the same directory."""
    MOVE = auto()
    """Give this node another parent."""
    DELETE = auto()
    """Remove this node."""
    SET_TIMES = auto()
    """Change this node's modification time."""
    MOVE_IN = auto()
    """Existing nodes may be moved into this directory from another one (what may be made there is a separate right)."""
    ALL = READ | WRITE | CREATE_FILES | CREATE_DIRECTORIES | RENAME | MOVE | DELETE | SET_TIMES | MOVE_IN


USUAL_DIRECTORY_MODE = 0o755
USUAL_FILE_MODE = 0o644
"""Permission bits of what nobody gave any others."""
SHARED_MODE = 0o1777
"""Bits that services may keep: what runs with another's rights is nothing to take from afar."""


def usual_mode(*, directory: bool) -> int:
    """Of what nobody gave any others."""
    return USUAL_DIRECTORY_MODE if directory else USUAL_FILE_MODE


_LARGEST = (1 << 63) - 1
"""Bytes, and nanoseconds since the epoch: the most that kernel and database can hold."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node at one version; a value, without anything about caching or handles.

    ``size`` counts plaintext bytes (0 for a directory); it and the time are within 64 bits.
    ``name`` is the service's name, not yet a file name.
    ``parent`` is None for the root only. ``encrypted`` tells which side of an encryption boundary it is on.
    ``mode`` are the permission bits that the service keeps for it, None if it keeps none.
    """

    id: NodeId
    parent: NodeId | None
    name: str
    kind: Kind
    size: int
    version: Version
    mtime_ns: int
    rights: Rights
    encrypted: bool = False
    mode: int | None = None

    def __post_init__(self) -> None:
        """Services and other clients tell what they like; one number too large must not hide a whole directory."""
        if not (0 <= self.size <= _LARGEST and -_LARGEST <= self.mtime_ns <= _LARGEST):
            object.__setattr__(self, "size", min(max(self.size, 0), _LARGEST))
            object.__setattr__(self, "mtime_ns", min(max(self.mtime_ns, -_LARGEST), _LARGEST))

    @property
    def ref(self) -> Ref:
        """This node at this version."""
        return Ref(self.id, self.version)

    @property
    def is_directory(self) -> bool:
        """True if it can have children."""
        return self.kind is Kind.DIRECTORY
