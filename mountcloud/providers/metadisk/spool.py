"""Shards on this machine's disk, each as a file without a name: fetched whole, checked, and read from in parts."""

import errno
import os
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import trio

from mountcloud.model.errors import DiskFull

_DIRECTORY = Path("/var/tmp")  # noqa: S108 - for files without a name, which nobody else can open
_MOST_BYTES = 64 << 20
"""Of shards that nobody reads at the moment: the neighbours of what was read last."""

Alive = Callable[[], None]
"""Is called whenever something came."""


@dataclass(slots=True)
class Shard:
    """One shard, whole once ``done``. Whoever waits for it is told when something comes."""

    file: BinaryIO
    size: int = 0
    done: bool = False
    users: int = 0
    listeners: list[Alive] = field(default_factory=list)
    turn: trio.Lock = field(default_factory=trio.Lock)

    def take(self, piece: bytes) -> None:
        """The next bytes; raises ``DiskFull``."""
        try:
            os.pwrite(self.file.fileno(), piece, self.size)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise DiskFull(f"{_DIRECTORY} has no room for a shard, which must be fetched whole") from error
        self.size += len(piece)
        for alive in self.listeners:
            alive()

    def begin(self) -> None:
        """From its start, perhaps again."""
        os.ftruncate(self.file.fileno(), 0)
        self.size = 0

    def read(self, start: int, end: int) -> bytes:
        """Bytes of a shard that is done."""
        return os.pread(self.file.fileno(), end - start, start)


Fill = Callable[[Shard], Awaitable[None]]
"""Fetches a whole shard and checks it."""


class Spool:
    """The shards of one account that are here, by hash: what has the same hash has the same bytes."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._shards: OrderedDict[str, Shard] = OrderedDict()

    @asynccontextmanager
    async def shard(self, key: str, fill: Fill, alive: Alive) -> AsyncIterator[Shard]:
        """A whole shard, for as long as it is read from; of several who want it one fetches it."""
        shard = self._held(key)
        shard.users += 1
        shard.listeners.append(alive)
        try:
            async with shard.turn:
                if not shard.done:
                    shard.begin()
                    await fill(shard)
                    shard.done = True
            yield shard
        finally:
            shard.listeners.remove(alive)
            shard.users -= 1
            self._tidy()

    def _held(self, key: str) -> Shard:
        if key not in self._shards:
            file = tempfile.TemporaryFile(dir=_DIRECTORY if _DIRECTORY.is_dir() else None)  # noqa: SIM115 - it stays open
            self._shards[key] = Shard(file)
        self._shards.move_to_end(key)
        return self._shards[key]

    def _tidy(self) -> None:
        """Forget what came to nothing, and the longest unused of what takes too much room."""
        idle = [key for key, shard in self._shards.items() if not shard.users]
        kept = sum(self._shards[key].size for key in idle)
        for key in idle:
            shard = self._shards[key]
            if not shard.done or (kept > self._most_bytes and key != idle[-1]):
                kept -= shard.size
                self._shards.pop(key).file.close()

    def close(self) -> None:
        """Give the room back; idempotent."""
        for shard in self._shards.values():
            shard.file.close()
        self._shards.clear()
