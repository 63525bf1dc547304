"""Files of a service that gives no parts: each is downloaded once, and parts are read from there."""

import errno
import os
import tempfile
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import trio

from mountcloud.model.arrival import Arrival, Piece
from mountcloud.model.errors import DiskFull, Failure, Unavailable
from mountcloud.model.places import Places
from mountcloud.model.span import StoredSpan

RANGES = "ranges"
"""The note in the book of places that tells whether the service gives parts of files: "parts", "whole"."""

_MOST = 2
"""Files that are kept for who reads on; what is under way comes on top."""

_DIRECTORY = Path("/var/tmp")  # noqa: S108 - for files without a name, which nobody else can open
Download = Callable[[Arrival], Awaitable[None]]
Deliver = Callable[[bytes], Awaitable[None]]


@dataclass(slots=True)
class _Spool:
    """One file as it comes. Whoever began the download stays until its end; others wait for what they want of it."""

    file: BinaryIO
    size: int
    came: int = 0
    users: int = 0
    filling: bool = False
    failure: Failure | None = None
    stirred: trio.Event = field(default_factory=trio.Event)

    def take(self, piece: Piece) -> None:
        try:
            os.pwrite(self.file.fileno(), piece, self.came)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise DiskFull(f"{_DIRECTORY} has no room for a file that must be downloaded whole") from error
        self.came += len(piece)
        self.stir()

    def stir(self) -> None:
        self.stirred.set()
        self.stirred = trio.Event()

    async def fill(self, download: Download) -> None:
        try:
            await download(Arrival(StoredSpan(0, self.size), self.take))
        except Failure as failure:
            self.failure = failure
        finally:
            self.filling = False
            self.stir()

    async def part(self, span: StoredSpan) -> bytes:
        while self.came < span.end:
            if not self.filling:
                raise self.failure or Unavailable("the download was given up")
            await self.stirred.wait()
        return os.pread(self.file.fileno(), span.length, span.start)


class Spools:
    """Downloads of one account that had to be whole. ``needed`` once the service answered a range with everything."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._spools: OrderedDict[str, _Spool] = OrderedDict()

    @property
    def needed(self) -> bool:
        """True if the service gives whole files only."""
        return self._places.note(RANGES) == "whole"

    def note(self, *, needed: bool) -> None:
        """What an answer to a range showed."""
        if needed != self.needed or self._places.note(RANGES) is None:
            self._places.set_note(RANGES, "whole" if needed else "parts")

    async def read(self, key: str, span: StoredSpan, size: int, download: Download, deliver: Deliver) -> None:
        """Deliver a part of a file that is downloaded once. Raises what downloading and delivering raise."""
        spool = self._spool(key, size)
        spool.users += 1
        try:
            if spool.filling or spool.came >= span.end:
                await deliver(await spool.part(span))
            else:
                await self._fill(spool, span, download, deliver)
        finally:
            spool.users -= 1
            self._forget()

    def _spool(self, key: str, size: int) -> _Spool:
        if key not in self._spools:
            file = tempfile.TemporaryFile(dir=_DIRECTORY if _DIRECTORY.is_dir() else None)  # noqa: SIM115 - it stays open
            self._spools[key] = _Spool(file, size)
        self._spools.move_to_end(key)
        return self._spools[key]

    async def _fill(self, spool: _Spool, span: StoredSpan, download: Download, deliver: Deliver) -> None:
        """What was wanted is delivered as soon as it is here; the rest goes on coming for whoever reads on."""
        spool.came, spool.filling, spool.failure = 0, True, None
        failed: Failure | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(spool.fill, download)
            try:
                await deliver(await spool.part(span))
            except Failure as failure:
                failed = failure
                nursery.cancel_scope.cancel()
        if failed is not None:
            raise failed

    def _forget(self) -> None:
        idle = [key for key, spool in self._spools.items() if not spool.users]
        for key in idle[: max(len(self._spools) - _MOST, 0)]:
            self._spools.pop(key).file.close()

    def close(self) -> None:
        """Give the room back; idempotent."""
        for spool in self._spools.values():
            spool.file.close()
        self._spools.clear()
