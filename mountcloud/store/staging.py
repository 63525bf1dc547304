"""Drafts on disk: the only copy of bytes that the service does not have yet."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

from mountcloud.model.errors import Corrupt
from mountcloud.store.staged_file import SEALED_SUFFIX, SealedFile, Sealer, StagedFile

UNCLOSED = "unclosed"
"""The directory of drafts that no program ever closed."""


class Staging:
    """The directory of all drafts. The name of a draft tells whether its content is encrypted."""

    def __init__(self, directory: Path, sealer: Sealer) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._sealer = sealer

    def create(self, *, sealed: bool) -> StagedFile:
        """A new, empty draft; ``sealed`` if its content must not be readable on the disk. Raises ``OutOfSpace``."""
        path = self._directory / f"{uuid4().hex}{SEALED_SUFFIX if sealed else ''}"
        try:
            return self._at(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def open(self, name: str) -> StagedFile:
        """The draft of that name. Raises ``Corrupt`` if it is gone, ``NoKey`` if it cannot be read."""
        path = self._directory / name
        if not path.exists():
            raise Corrupt(f"the draft {name} is missing from {self._directory}")
        return self._at(path)

    def _at(self, path: Path) -> StagedFile:
        return SealedFile(path, self._sealer) if path.suffix == SEALED_SUFFIX else StagedFile(path)

    def demand_keys(self) -> None:
        """Raises ``NoKey`` if a draft is here whose key is not. Broken drafts are left for their upload to tell."""
        for path in self._files():
            if path.suffix == SEALED_SUFFIX and path.stat().st_size:
                try:
                    self._at(path).close()
                except Corrupt:
                    continue

    def _files(self) -> Iterator[Path]:
        return (path for path in self._directory.iterdir() if path.is_file())

    def size_of(self, name: str) -> int | None:
        """Bytes of the draft of that name, None if it is gone."""
        path = self._directory / name
        return _size(path) if path.exists() else None

    def remove(self, name: str) -> None:
        """Its bytes are on the service, or nobody wants them any more."""
        (self._directory / name).unlink(missing_ok=True)

    def set_aside(self, keep: Iterable[str]) -> list[Path]:
        """Move drafts that nothing refers to (they were never closed) into ``unclosed``; drop empty ones."""
        kept = set(keep)
        moved: list[Path] = []
        for path in [each for each in self._files() if each.name not in kept]:
            if _size(path) == 0:
                path.unlink()
                continue
            aside = self._directory / UNCLOSED
            aside.mkdir(mode=0o700, exist_ok=True)
            moved.append(path.rename(aside / path.name))
        return moved

    def unclosed(self) -> list[StagedFile]:
        """What was set aside, open; the caller closes. Raises ``NoKey``."""
        aside = self._directory / UNCLOSED
        return [self._at(path) for path in sorted(aside.iterdir())] if aside.is_dir() else []


def _size(path: Path) -> int:
    return SealedFile.size_at(path) if path.suffix == SEALED_SUFFIX else path.stat().st_size
