"""One draft on the disk, plain or sealed. Reads and writes go to the page cache and return at once."""

import os
from pathlib import Path
from typing import Protocol

from mountcloud.model.errors import OutOfSpace
from mountcloud.store.reserve import Reserve, failure_of

SEALED_SUFFIX = ".sealed"
"""The end of the name of a draft whose content is encrypted."""

_BLOCK = 16
_HEADER = 4096
_PIECE = 1 << 20
"""Bytes enciphered and written at a time: file systems keep what comes in one write in fewer, larger pieces."""
_KEY_AT = 64
_KEY_ROOM = 512


class BlockCipher(Protocol):
    """One draft's bytes; offsets and lengths are multiples of 16, and blocks never written are zeros on both sides."""

    def encrypt(self, data: memoryview, offset: int, into: bytearray) -> memoryview:
        """What stands on the disk: the part of ``into`` that it fills, which has 16 bytes more than that."""

    def decrypt(self, stored: bytes, offset: int) -> bytes:
        """What was written."""


class Sealer(Protocol):
    """Makes the ciphers of drafts."""

    def new(self) -> tuple[bytes, BlockCipher]:
        """A cipher with a key of its own, and up to 512 bytes by which ``open`` finds it again."""

    def open(self, sealed: bytes) -> BlockCipher:
        """The cipher of those bytes; more may follow them. Raises ``NoKey``, ``Corrupt``."""


class Scratch:
    """Memory that is used again for every piece, by one thread: new memory costs more than what is done in it."""

    def __init__(self) -> None:
        self._room = bytearray()

    def of(self, size: int) -> bytearray:
        """At least so many bytes, with anything in them."""
        if len(self._room) < size:
            self._room = bytearray(size)
        return self._room


class StagedFile:
    """One draft in plain text. Raises ``DiskFull``, ``Unavailable``.

    It does not grow into the space that ``reserve`` has given away to the databases.
    """

    def __init__(self, path: Path, reserve: Reserve) -> None:
        self.path = path
        self._reserve = reserve
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise failure_of(error) from error

    @property
    def name(self) -> str:
        """The name that the journal knows it by."""
        return self.path.name

    @property
    def size(self) -> int:
        """Bytes."""
        return os.fstat(self._descriptor).st_size

    def pread(self, size: int, offset: int) -> bytes:
        """Up to ``size`` bytes, fewer only at the end."""
        return os.pread(self._descriptor, size, offset)

    def pwrite(self, data: bytes, offset: int) -> int:
        """Write all of it."""
        self._reserve.demand()
        self._write(data, offset)
        return len(data)

    def _write(self, data: bytes | memoryview, offset: int) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._descriptor, data[written:] if written else data, offset + written)
        except OSError as error:
            raise failure_of(error) from error

    def truncate(self, size: int) -> None:
        """Cut, or extend with zeros."""
        try:
            os.ftruncate(self._descriptor, size)
        except OSError as error:
            raise failure_of(error) from error

    def close(self) -> None:
        """Close; the file stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class SealedFile(StagedFile):
    """One draft that tells nothing of its content: a header with its size and its wrapped key, then its blocks.

    The size in the header counts: bytes are written before a size that includes them, and cut off after a size that
    does not. Whatever stands behind it was left by a writer that was killed, and never becomes visible. Files that are
    used by one thread may share their ``scratch``.
    """

    def __init__(self, path: Path, reserve: Reserve, sealer: Sealer, scratch: Scratch | None = None) -> None:
        super().__init__(path, reserve)
        self._scratch = scratch or Scratch()
        try:
            self._cipher, self._size = (
                self._opened(sealer) if os.fstat(self._descriptor).st_size else self._made(sealer)
            )
        except BaseException:
            self.close()
            raise

    def _made(self, sealer: Sealer) -> tuple[BlockCipher, int]:
        sealed, cipher = sealer.new()
        self._write(bytes(_KEY_AT) + sealed + bytes(_HEADER - _KEY_AT - len(sealed)), 0)
        return cipher, 0

    def _opened(self, sealer: Sealer) -> tuple[BlockCipher, int]:
        header = super().pread(_KEY_AT + _KEY_ROOM, 0)
        cipher = sealer.open(header[_KEY_AT:])
        size = int.from_bytes(header[:8], "little")
        if super().size > _stored(size):
            super().truncate(_stored(size))
        return cipher, size

    @staticmethod
    def size_at(path: Path) -> int:
        """Bytes of the draft at this path, told without its key."""
        with path.open("rb") as file:
            return int.from_bytes(file.read(8), "little")

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    def pread(self, size: int, offset: int) -> bytes:
        """Up to ``size`` bytes, fewer only at the end."""
        end = min(offset + size, self._size)
        if end <= offset:
            return b""
        begin, length = _down(offset), _up(end) - _down(offset)
        stored = super().pread(length, _HEADER + begin)
        return self._cipher.decrypt(stored.ljust(length, b"\0"), begin)[offset - begin : end - begin]

    def pwrite(self, data: bytes, offset: int) -> int:
        """Write all of it; the blocks at both ends keep what else is in them."""
        if not data:
            return 0
        self._reserve.demand()
        if offset > self._size:
            self._clear_last_block()
        begin, end = _down(offset), offset + len(data)
        before = self.pread(offset - begin, begin).ljust(offset - begin, b"\0")
        after = self.pread(_up(end) - end, end).ljust(_up(end) - end, b"\0")
        self._put(before + data + after if before or after else data, begin)
        self._grow(end)
        return len(data)

    def _put(self, data: bytes, begin: int) -> None:
        whole = memoryview(data)
        try:
            for done in range(0, len(data), _PIECE):
                piece = whole[done : done + _PIECE]
                stored = self._cipher.encrypt(piece, begin + done, self._scratch.of(len(piece) + _BLOCK))
                self._write(stored, _HEADER + begin + done)
        except OutOfSpace:
            os.ftruncate(self._descriptor, _stored(self._size))
            raise

    def _clear_last_block(self) -> None:
        """What is behind the end becomes part of the file now, and must be zeros."""
        begin = _down(self._size)
        if begin != self._size:
            self._put(self.pread(_BLOCK, begin).ljust(_BLOCK, b"\0"), begin)

    def _grow(self, size: int) -> None:
        if size > self._size:
            self._set_size(size)

    def _set_size(self, size: int) -> None:
        self._write(size.to_bytes(8, "little"), 0)
        self._size = size

    def truncate(self, size: int) -> None:
        """Cut, or extend with zeros."""
        if size > self._size:
            self._clear_last_block()
            super().truncate(_stored(size))
            self._set_size(size)
        elif size < self._size:
            self._set_size(size)
            super().truncate(_stored(size))


def _down(offset: int) -> int:
    return offset // _BLOCK * _BLOCK


def _up(offset: int) -> int:
    return _down(offset + _BLOCK - 1)


def _stored(size: int) -> int:
    return _HEADER + _up(size)
