"""Disk space that is kept back, so that a full disk stops programs and not the bookkeeping of what is owed."""

import errno
import os
from pathlib import Path

from mountcloud.model.errors import DiskFull, TooLarge, Unavailable

SIZE = 8 << 20
"""Bytes kept back: more than the write-ahead logs of all databases grow to."""
STEP = 2 << 20
"""Bytes given away at a time: what is left cannot be taken by whoever else finds the disk full."""
FLOOR = 1 << 20
"""Bytes below which the disk counts as full."""


class Reserve:
    """A file that takes up space while there is enough, and gives it to the databases when they find the disk full.

    While some of it is given away nothing new may be begun, only what is under way brought to an end.
    """

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path = path
        self._size = size
        self._held = self._kept() >= size
        self.hold()

    def _kept(self) -> int:
        return self._path.stat().st_blocks * 512 if self._path.exists() else 0

    @property
    def held(self) -> bool:
        """True while the space is kept back."""
        return self._held

    def hold(self) -> bool:
        """Take the space (back) if the disk has it and some more. Tells whether it is held."""
        if not self._held:
            kept = self._kept()
            self._held = self._free() >= self._size - kept + 2 * FLOOR and self._taken(kept)
        return self._held

    def _taken(self, kept: int) -> bool:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(descriptor, 0, self._size)
        except OSError:
            os.ftruncate(descriptor, kept)
            return False
        else:
            return True
        finally:
            os.close(descriptor)

    def _free(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    def release(self) -> bool:
        """Give some of the space away; tells whether there was any. Emptied, not removed: a name costs space too."""
        length = self._path.stat().st_size if self._path.exists() else 0
        if length:
            os.truncate(self._path, max(length - STEP, 0))
            self._held = False
        return length > 0

    def demand(self, size: int = 0) -> None:
        """Something new is to be begun, of ``size`` bytes as far as they are known.

        Raises ``DiskFull`` unless the space is held and the disk has that and some more besides.
        """
        if self._free() < FLOOR + size or not self.hold():
            raise full_disk()


class NoReserve(Reserve):
    """For a disk on which nothing is kept back."""

    def __init__(self) -> None:
        self._held = False

    def hold(self) -> bool:
        """There is nothing to hold."""
        return False

    def release(self) -> bool:
        """There is nothing to give."""
        return False

    def demand(self, size: int = 0) -> None:
        """Whatever the disk says is right."""


def full_disk() -> DiskFull:
    """What a program is told."""
    return DiskFull("the disk that holds the drafts is full", hint="free some space, or move the state directory")


def failure_of(error: OSError) -> DiskFull | TooLarge | Unavailable:
    """What an error of the disk that holds the drafts means to a program."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return full_disk()
    if error.errno == errno.EFBIG:
        return TooLarge("the disk that holds the drafts cannot hold a file of this size")
    return Unavailable(f"a draft cannot be written: {error.strerror}")
