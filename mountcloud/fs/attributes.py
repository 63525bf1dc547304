"""What ``stat`` tells, made of the node, its draft and what programs set."""

import stat
from dataclasses import dataclass
from functools import lru_cache

from mountcloud.engine.drafting import Draft
from mountcloud.model.ids import Inode
from mountcloud.model.node import Node, Rights, usual_mode
from mountcloud.store.attributes import Stored
from mountcloud.store.index import Entry

_WRITE_BITS = 0o222
_READ_BITS = 0o444
BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns everything that nobody gave away: the user who mounted."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class FileAttributes:
    """As ``stat`` has them; times in nanoseconds, size in bytes."""

    inode: Inode
    mode: int
    nlink: int
    uid: int
    gid: int
    size: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int


def chosen_mode(mode: int, *, directory: bool) -> int | None:
    """The permission bits to remember, None for the usual ones: most files have them, and need no room."""
    bits = mode & 0o7777
    return None if bits == usual_mode(directory=directory) else bits


def first_attributes(mode: int, by: Owner, parent: FileAttributes, owner: Owner, *, directory: bool) -> Stored:
    """What is to be remembered of a node that ``by`` makes: only what differs from the usual.

    Below a directory with the set-group-ID bit the group is the directory's (mkdir(2), open(2)).
    """
    inherited = bool(parent.mode & stat.S_ISGID)
    gid = parent.gid if inherited else by.gid
    bits = chosen_mode(mode | (stat.S_ISGID if inherited and directory else 0), directory=directory)
    return Stored(bits, None if by.uid == owner.uid else by.uid, None if gid == owner.gid else gid)


def permissions(node: Node, stored: Stored) -> int:
    """The bits that were chosen: on this machine, else as the service keeps them, else the usual ones."""
    kept = node.mode if stored.mode is None else stored.mode
    return usual_mode(directory=node.is_directory) if kept is None else kept


def allowed_bits(node: Node) -> int:
    """The permission bits that the account's rights leave."""
    return _allowed(node.rights, node.is_directory)


@lru_cache(256)
def _allowed(rights: Rights, directory: bool) -> int:
    readable = _READ_BITS | 0o111 if Rights.READ in rights else 0o111 if directory else 0
    creating = Rights.CREATE_FILES | Rights.CREATE_DIRECTORIES
    writable = bool(rights & creating) if directory else Rights.WRITE in rights
    return readable | (_WRITE_BITS if writable else 0)


def compose(entry: Entry, draft: Draft | None, stored: Stored, owner: Owner) -> FileAttributes:
    """All that a program may know of a node."""
    node = entry.node
    bits = permissions(node, stored)
    kind = stat.S_IFDIR if node.is_directory else stat.S_IFREG
    mode = stat.S_IFLNK | 0o777 if entry.is_link else kind | (bits & (allowed_bits(node) | 0o7000))
    mtime_ns = node.mtime_ns if draft is None else draft.mtime_ns
    return FileAttributes(
        inode=entry.inode,
        mode=mode,
        nlink=2 if node.is_directory else (0 if node.parent is None else 1),
        uid=owner.uid if stored.uid is None else stored.uid,
        gid=owner.gid if stored.gid is None else stored.gid,
        size=node.size if draft is None else draft.file.size,
        atime_ns=mtime_ns if stored.atime_ns is None else stored.atime_ns,
        mtime_ns=mtime_ns,
        ctime_ns=mtime_ns,
    )
