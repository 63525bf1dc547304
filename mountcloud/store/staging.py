"""Drafts on disk: the only copy of bytes that the service does not have yet."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from mountcloud.model.errors import Corrupt
from mountcloud.store.reserve import NoReserve, Reserve
from mountcloud.store.sparse import sync_file_system, sync_path
from mountcloud.store.staged_file import SEALED_SUFFIX, Scratch, SealedFile, Sealer, StagedFile

UNCLOSED = "unclosed"
"""The directory of drafts that no program ever closed."""
_ONE_BY_ONE = 32
"""More drafts than these are brought onto the disk all at once, with whatever else their file system has to write."""


class Staging:
    """The directory of all drafts. The name of a draft tells whether its content is encrypted."""

    def __init__(self, directory: Path, sealer: Sealer, reserve: Reserve | None = None) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._sealer = sealer
        self._reserve = reserve or NoReserve()
        self._scratch = Scratch()

    def create(self, *, sealed: bool) -> StagedFile:
        """A new, empty draft; ``sealed`` if its content must not be readable on the disk. Raises ``DiskFull``."""
        self.demand_room()
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
        if path.suffix == SEALED_SUFFIX:
            return SealedFile(path, self._reserve, self._sealer, self._scratch)
        return StagedFile(path, self._reserve)

    def demand_room(self, size: int = 0) -> None:
        """Something new is to be begun, of ``size`` bytes as far as they are known. Raises ``DiskFull``."""
        self._reserve.demand(size)

    def sync(self, names: Collection[str]) -> None:
        """Bring these drafts onto the disk, as far as they are still here; may take long, so call it in a thread."""
        if len(names) > _ONE_BY_ONE:
            sync_file_system(self._directory)
            return
        for name in names:
            with suppress(FileNotFoundError):
                sync_path(self._directory / name)
        if names:
            sync_path(self._directory)

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
        """Nobody wants its bytes any more."""
        (self._directory / name).unlink(missing_ok=True)

    def remove_all(self, names: Iterable[str]) -> None:
        """As ``remove``; may take long, so call it in a thread."""
        for name in names:
            self.remove(name)

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
