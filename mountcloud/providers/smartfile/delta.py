"""Only the parts of a changed file that differ go up: signature, delta, patch (SmartFile facts, 11).

The service rewrites its file by the delta, without any condition. So the file must be what this change is based on
right before, and a checksum of the result is asked for afterwards. Whatever is in doubt goes up whole.
"""

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import trio

from mountcloud.crypt.librsync import DeltaJob, is_available
from mountcloud.model.errors import Corrupt, Failure
from mountcloud.model.provider import Source
from mountcloud.providers.smartfile.api import Api
from mountcloud.providers.smartfile.wire import Entry, Path

ALGORITHM = "SHA512"
_PIECE = 1 << 22
_SMALLEST_BLOCK, _LARGEST_BLOCK = 2048, 1 << 17
_WORTHWHILE = 2
"""A delta must be smaller than the file by this factor."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What makes the new file of the old one, and what the result must be."""

    file: BinaryIO
    size: int
    digest: str

    async def pread(self, size: int, offset: int) -> bytes:
        """As a ``Source``."""
        await trio.lowlevel.checkpoint()
        return os.pread(self.file.fileno(), size, offset)


@dataclass(frozen=True, slots=True)
class Applied:
    """What the service showed right after the patch (None: it refused it), and whether that is the new content."""

    made: Entry | None
    right: bool


class Deltas:
    """Deltas of one account. ``smallest``: bytes of the smallest file for which they are made, 0 = none at all."""

    def __init__(self, api: Api, smallest: int) -> None:
        self._api = api
        self._smallest = smallest

    def wants(self, *sizes: int) -> bool:
        """True for files that are all large enough."""
        return bool(self._smallest) and all(size >= self._smallest for size in sizes) and is_available()

    async def made(self, path: Path, source: Source, file: BinaryIO) -> Delta | None:
        """The delta against what the service has, written to ``file``; None if it is not worth its while.

        Raises ``Unavailable`` on trouble; whatever else the service says of signatures, it has none.
        """
        try:
            signature = await self._api.signature(path, block_for(source.size))
            return await _written(signature, source, file)
        except OSError:
            return None  # No room for the delta.
        except Failure as failure:
            if failure.transient:
                raise
            return None

    async def applied(self, path: Path, delta: Delta) -> "Applied":
        """Let the service make its new file, and see whether it is the right one. Raises ``Unavailable``."""
        made = None
        try:
            await self._api.patch(path, delta)
            made = await self._api.look(path)
            return Applied(made, right=await self.is_there(path, delta.digest))
        except Failure as failure:
            if failure.transient:
                raise
            return Applied(made, right=False)

    async def is_there(self, path: Path, digest: str) -> bool:
        """True if the content that the service has is surely this one. Raises ``Unavailable``."""
        try:
            return await self._api.checksum(path, ALGORITHM) == digest
        except Failure as failure:
            if failure.transient:
                raise
            return False


def block_for(size: int) -> int:
    """Bytes of a block: about the root of the size keeps signature and delta small alike; a multiple of 128."""
    return min(max(math.isqrt(size) // 128 * 128, _SMALLEST_BLOCK), _LARGEST_BLOCK)


async def _written(signature: bytes, source: Source, file: BinaryIO) -> Delta | None:
    job, digest = DeltaJob(signature), hashlib.new(ALGORITHM)
    written = 0
    for offset in range(0, source.size, _PIECE):
        piece = await source.pread(min(_PIECE, source.size - offset), offset)
        if not piece:
            raise Corrupt("the file to be sent is shorter than it was")
        written += file.write(await trio.to_thread.run_sync(_next, job, digest, piece))
        if written * _WORTHWHILE > source.size:
            return None
    file.write(job.finish())
    file.flush()
    return Delta(file, file.tell(), digest.hexdigest())


def _next(job: DeltaJob, digest: "hashlib._Hash", piece: bytes) -> bytes:
    digest.update(piece)
    return job.update(piece)


async def digest_of(source: Source) -> str:
    """What the service would tell of this content."""
    digest = hashlib.new(ALGORITHM)
    for offset in range(0, source.size, _PIECE):
        digest.update(await source.pread(min(_PIECE, source.size - offset), offset))
    return digest.hexdigest()


@contextmanager
def scratch() -> Iterator[BinaryIO]:
    """An unnamed file for a delta, which is smaller than the file that lies on this machine already."""
    with tempfile.TemporaryFile() as file:
        yield file


@dataclass(frozen=True, slots=True)
class Sent:
    """What is written down before a patch is sent, for whoever must find out whether it arrived."""

    digest: str
    size: int

    @property
    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"digest": self.digest, "size": self.size})


def sent_of(state: str) -> Sent | None:
    """What ``Sent.text`` was made of; None if that is not what was kept."""
    kept = json.loads(state) if state else {}
    return Sent(kept["digest"], kept["size"]) if "digest" in kept else None
