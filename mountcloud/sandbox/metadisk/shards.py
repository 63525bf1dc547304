"""A file on its way in, cut into shards that are on the disk before the next piece comes (Metadisk facts, 5)."""

from dataclasses import dataclass
from typing import BinaryIO

from mountcloud.crypt.ripemd160 import ContentHash
from mountcloud.sandbox.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a file."""

    hash: str
    size: int
    blob: str


class Cutter:
    """Takes the bytes of one file in order."""

    def __init__(self, blobs: Blobs, shard_size: int, *, exactly: bool) -> None:
        self._blobs, self._shard_size, self._exactly = blobs, max(1, shard_size), exactly
        self._shards: list[Shard] = []
        self._whole = ContentHash()
        self._open: tuple[str, BinaryIO, ContentHash] | None = None
        self._filled = 0
        self.size = 0

    def take(self, data: bytes) -> None:
        """What follows."""
        while data:
            room = self._shard_size - self._filled
            piece, data = (data[:room], data[room:]) if self._exactly else (data, b"")
            self._append(piece)

    def finish(self) -> tuple[str, list[Shard]]:
        """The hash of the whole file, and its shards."""
        self._cut()
        return self._whole.hexdigest(), self._shards

    def discard(self) -> None:
        """Nothing of it is wanted."""
        self._cut()
        for shard in self._shards:
            self._blobs.remove(shard.blob)

    def _append(self, piece: bytes) -> None:
        if self._open is None:
            blob = self._blobs.new()
            self._open = blob, self._blobs.path(blob).open("wb"), ContentHash()
        _, file, digest = self._open
        file.write(piece)
        digest.update(piece)
        self._whole.update(piece)
        self._filled += len(piece)
        self.size += len(piece)
        if self._filled >= self._shard_size:
            self._cut()

    def _cut(self) -> None:
        if self._open is None:
            return
        blob, file, digest = self._open
        file.close()
        self._shards.append(Shard(digest.hexdigest(), self._filled, blob))
        self._open, self._filled = None, 0
