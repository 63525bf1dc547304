"""Stored bytes as plain files: ``blobs/ab/abcdef...``."""

import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

_PIECE = 1024 * 1024


class Blobs:
    """A directory of files with random names."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def new(self) -> str:
        """A fresh name, with an empty file."""
        name = secrets.token_hex(16)
        path = self.path(name)
        path.parent.mkdir(exist_ok=True)
        path.touch()
        return name

    def path(self, name: str) -> Path:
        """Where the bytes are."""
        return self._directory / self.place(name)

    def place(self, name: str) -> str:
        """Where they are below the directory."""
        return f"{name[:2]}/{name}"

    def write(self, name: str, data: bytes, offset: int) -> None:
        """Put bytes at an offset."""
        with self.path(name).open("r+b") as file:
            file.seek(offset)
            file.write(data)

    def seal(self, name: str, size: int) -> str:
        """Cut off what a broken chunk left behind; the MD5 in hex."""
        os.truncate(self.path(name), size)
        with self.path(name).open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

    def join(self, target: str, parts: Sequence[str]) -> None:
        """Make ``target`` of the parts in order, which are gone afterwards."""
        if len(parts) == 1:
            self.path(parts[0]).replace(self.path(target))
            return
        with self.path(target).open("wb") as output:
            for part in parts:
                self._append(output.fileno(), part)
                self.remove(part)

    def _append(self, output: int, part: str) -> None:
        with self.path(part).open("rb") as source:
            while os.sendfile(output, source.fileno(), None, _PIECE * 64):
                pass

    def size(self, name: str) -> int:
        """Bytes in the file."""
        return self.path(name).stat().st_size

    def remove(self, name: str) -> None:
        """Forget the bytes; no error if they are gone."""
        self.path(name).unlink(missing_ok=True)
