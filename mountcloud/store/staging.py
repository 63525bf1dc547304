"""Drafts on disk: the only copy of bytes that the service does not have yet."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from mountcloud.model.errors import Corrupt, Failure, OutOfSpace, Unavailable


class StagedFile:
    """One draft. Reads and writes go to the page cache and return at once; ``sync`` makes them survive a power cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

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
        """Write all of it. Raises ``OutOfSpace``."""
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._descriptor, data[written:] if written else data, offset + written)
        except OSError as error:
            raise _failure(error) from error
        return written

    def truncate(self, size: int) -> None:
        """Cut, or extend with zeros. Raises ``OutOfSpace``."""
        try:
            os.ftruncate(self._descriptor, size)
        except OSError as error:
            raise _failure(error) from error

    def sync(self) -> None:
        """Onto the disk; may take long, so call it in a thread."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close; the file stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _failure(error: OSError) -> Failure:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return OutOfSpace("the disk that holds the drafts is full", hint="free some space, or move the state directory")
    return Unavailable(f"a draft cannot be written: {error.strerror}")


class Staging:
    """The directory of all drafts."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory

    def create(self) -> StagedFile:
        """A new, empty draft."""
        return StagedFile(self._directory / uuid4().hex)

    def open(self, name: str) -> StagedFile:
        """The draft of that name. Raises ``Corrupt`` if it is gone."""
        path = self._directory / name
        if not path.exists():
            raise Corrupt(f"the draft {name} is missing from {self._directory}")
        return StagedFile(path)

    def size_of(self, name: str) -> int | None:
        """Bytes of the draft of that name, None if it is gone."""
        path = self._directory / name
        return path.stat().st_size if path.exists() else None

    def remove(self, name: str) -> None:
        """Its bytes are on the service, or nobody wants them any more."""
        (self._directory / name).unlink(missing_ok=True)

    def set_aside(self, keep: Iterable[str]) -> list[Path]:
        """Move drafts that nothing refers to (they were never closed) into ``unclosed``; drop empty ones."""
        kept = set(keep)
        orphans = [path for path in self._directory.iterdir() if path.is_file() and path.name not in kept]
        moved: list[Path] = []
        for path in orphans:
            if path.stat().st_size == 0:
                path.unlink()
                continue
            aside = self._directory / "unclosed"
            aside.mkdir(mode=0o700, exist_ok=True)
            moved.append(path.rename(aside / path.name))
        return moved
