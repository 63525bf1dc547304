"""POSIX meaning without FUSE: attributes and space; directories and files have rooms of their own."""

from dataclasses import dataclass, replace

import trio

from mountcloud.fs.attributes import FileAttributes, permissions
from mountcloud.fs.core import Core, demand
from mountcloud.fs.directories import Directories
from mountcloud.fs.extended import ExtendedAttributes
from mountcloud.fs.files import Files
from mountcloud.fs.links import Links
from mountcloud.fs.listings import Listings, Made, Make
from mountcloud.fs.states import States
from mountcloud.model.errors import Forbidden
from mountcloud.model.ids import Inode
from mountcloud.model.node import Rights
from mountcloud.model.provider import ChangeFeed
from mountcloud.policy.times import within_range
from mountcloud.store.index import Entry


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes; ``free`` is what the account may still use."""

    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What ``setattr`` asks for; None where it asks for nothing. Times in nanoseconds, size in bytes."""

    size: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    atime_ns: int | None = None
    mtime_ns: int | None = None


_UNLIMITED = 1 << 50
"""What ``df`` shows for an account without a limit: 1 PiB."""


class FileSystem:
    """One account as a file system."""

    def __init__(self, core: Core, states: States, max_file_size: int = 0) -> None:
        self._core = core
        self.directories = Directories(core)
        self.files = Files(core, self.directories, max_file_size)
        self.links = Links(core, self.directories, self.files)
        self.extended = ExtendedAttributes(core, states)
        self._states = states

    def listings(self, make: Make[Made]) -> Listings[Made]:
        """Open directories for the one who reads them."""
        return Listings(self._core, make)

    def attributes(self, inode: Inode) -> FileAttributes:
        """What ``stat`` tells; never asks the service. Raises ``NotFound``."""
        entry = self._core.entry(inode)
        self._core.used(entry)
        return self._core.stat(entry)

    async def set_attributes(self, inode: Inode, wanted: Wanted) -> FileAttributes:
        """Change what is asked for, and tell how it is now."""
        if wanted.size is not None:
            await self.files.truncate(inode, wanted.size)
        entry = self._core.entry(inode)
        before = self._core.stat(entry)
        mtime_ns = None if wanted.mtime_ns is None else within_range(wanted.mtime_ns)
        if mtime_ns is not None and mtime_ns != before.mtime_ns:
            demand(entry, Rights.SET_TIMES)
            self._core.local.set_times(entry, mtime_ns)
        # An access time that nobody set is shown as the modification time, which now goes its own way.
        kept = before.atime_ns if mtime_ns is not None and mtime_ns != before.mtime_ns else None
        self._set_stored(entry, wanted if wanted.atime_ns is not None else replace(wanted, atime_ns=kept))
        return self.attributes(inode)

    def _set_stored(self, entry: Entry, wanted: Wanted) -> None:
        stored = self._core.attributes.get(entry.node.id)
        mode = None if wanted.mode is None else wanted.mode & 0o7777
        changes = {
            "mode": None if mode == permissions(entry.node, stored) else mode,
            "uid": wanted.uid,
            "gid": wanted.gid,
            "atime_ns": None if wanted.atime_ns is None else within_range(wanted.atime_ns),
        }
        given = {key: value for key, value in changes.items() if value is not None}
        if given:
            self._core.attributes.put(entry.node.id, replace(stored, **given))
        if "mode" in given:
            self._core.local.set_mode(entry)

    def is_here(self, inode: Inode) -> bool:
        """True if all of it can be read without the service; raises ``NotFound``."""
        return self._states.is_whole(self._core.entry(inode))

    def access(self, inode: Inode, *, write: bool) -> None:
        """Raises ``Forbidden`` if the account may not read, or not write."""
        entry = self._core.entry(inode)
        writing = Rights.CREATE_FILES | Rights.CREATE_DIRECTORIES if entry.node.is_directory else Rights.WRITE
        if write and not entry.node.rights & writing:
            raise Forbidden(f"no right to write {entry.file_name!r}")

    @property
    def is_current(self) -> bool:
        """False while changes on the service cannot be seen."""
        return self._core.syncer.healthy

    @property
    def is_told(self) -> bool:
        """False where nothing but listing what is in use shows changes on the service."""
        return self._core.syncer.provider.capabilities.change_feed is not ChangeFeed.NONE

    def space(self) -> Space:
        """From memory; never asks the service."""
        usage = self._core.syncer.space.known
        if usage is None or usage.total is None:
            used = 0 if usage is None else usage.used
            return Space(_UNLIMITED, max(_UNLIMITED - used, 0))
        return Space(usage.total, max(usage.total - usage.used, 0))

    async def synchronise_directory(self) -> None:
        """What was made, moved and removed by now survives a power cut."""
        await trio.to_thread.run_sync(self._core.journal.sync)
