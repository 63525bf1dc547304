"""A sparse file: written in any order, and given back to the disk in pieces."""

import ctypes
import errno
import os
from pathlib import Path

from mountcloud.model.errors import Unavailable

_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02
_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


class SparseFile:
    """One file of cached bytes, open as long as the object lives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = self._open()
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = self._open()

    def _open(self) -> int:
        return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def pread(self, size: int, offset: int) -> bytes:
        """Up to ``size`` bytes. Raises ``Unavailable``."""
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise _unreadable(error) from error

    def fill(self, room: memoryview, offset: int) -> bool:
        """The bytes from there on, into memory; False if the file ends before it is full. Raises ``Unavailable``."""
        while room:
            try:
                count = os.preadv(self._descriptor, [room], offset)
            except OSError as error:
                raise _unreadable(error) from error
            if not count:
                return False
            room, offset = room[count:], offset + count
        return True

    def pwrite(self, data: bytes | memoryview, offset: int) -> None:
        """All of the bytes. Raises ``OSError``, such as ENOSPC."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self._descriptor, view, offset)
            view, offset = view[written:], offset + written

    def punch(self, offset: int, size: int) -> None:
        """Give the blocks back; they read as zeros. Where the file system cannot, they stay until the file goes."""
        if _libc.fallocate(self._descriptor, _PUNCH_HOLE | _KEEP_SIZE, offset, size) != 0:
            code = ctypes.get_errno()
            if code not in {errno.EOPNOTSUPP, errno.ENOSYS}:
                raise OSError(code, os.strerror(code), str(self.path))

    def close(self) -> None:
        """Close; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _unreadable(error: OSError) -> Unavailable:
    hint = "mountcloud evict gives the bytes back, so that they are fetched again"
    return Unavailable(f"the cache cannot be read: {error.strerror}", hint=hint)


def allocate(descriptor: int, size: int) -> None:
    """Give a file blocks for its first ``size`` bytes without making it longer, where its file system can.

    Raises ``OSError``, such as ENOSPC.
    """
    if _libc.fallocate(descriptor, _KEEP_SIZE, 0, size) != 0:
        code = ctypes.get_errno()
        if code not in {errno.EOPNOTSUPP, errno.ENOSYS}:
            raise OSError(code, os.strerror(code))


def sync_path(path: Path) -> None:
    """Bring a file, or the names in a directory, onto the disk. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(directory: Path) -> None:
    """Bring everything that was written to the directory's file system onto the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _libc.syncfs(descriptor)
    finally:
        os.close(descriptor)
