"""How a file is cut for sending, and the stored bytes of each cut."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol

from mountcloud.crypt.gcm_stream import GcmStreamEncryptor
from mountcloud.crypt.keys import FileKey
from mountcloud.model.errors import Unavailable
from mountcloud.model.provider import Source
from mountcloud.net.bodies import Body

MAX_PARTS = 10_000
"""The storage's own limit (DRACOON facts, 12.3)."""

_GRAIN = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes [start, end) of a file; numbers begin at 1."""

    number: int
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes in the part."""
        return self.end - self.start


def cut(size: int, preferred: int) -> list[Part]:
    """Equal parts and a last one that may be shorter, never more than MAX_PARTS; one empty part for an empty file."""
    smallest = -(-size // MAX_PARTS)
    length = preferred if smallest <= preferred else -(-smallest // _GRAIN) * _GRAIN
    starts = range(0, max(size, 1), length)
    return [Part(number, start, min(start + length, size)) for number, start in enumerate(starts, 1)]


def content_range(part: Part, total: int) -> str:
    """The header of a chunk, with the inclusive end that the standard wants (DRACOON facts, 12.2)."""
    return f"bytes {part.start}-{part.end - 1}/{total}"


class Feed(Protocol):
    """The stored bytes of one upload; parts are asked for in order, each of them once."""

    async def body(self, part: Part) -> Body:
        """The part's bytes, which may be sent again."""

    def file_key(self) -> FileKey | None:
        """The key of the whole, once all parts were made; None if nothing is encrypted."""


class PlainFeed:
    """Parts are read while they are sent, so they cost no memory."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def body(self, part: Part) -> Body:
        """Reads the source anew for each sending."""
        return lambda: SourcePieces(self._source, part.start, part.end)

    def file_key(self) -> None:
        """There is none."""


class EncryptedFeed:
    """Parts are slices of one cipher stream, so each is encrypted once and held until it is sent."""

    def __init__(self, source: Source, key: bytes, iv: bytes) -> None:
        self._source = source
        self._key = key
        self._iv = iv
        self._encryptor = GcmStreamEncryptor(key, iv)
        self._position = 0
        self._sealed: FileKey | None = None

    async def body(self, part: Part) -> Body:
        """Encrypts the part; raises ``ValueError`` unless it follows the one before."""
        if part.start != self._position:
            raise ValueError("parts of a cipher stream must be made in order")
        pieces = [self._encryptor.update(piece) async for piece in SourcePieces(self._source, part.start, part.end)]
        self._position = part.end
        return lambda: HeldPieces(iter(pieces))

    def file_key(self) -> FileKey:
        """Ends the stream; its tag covers everything (DRACOON facts, 22.4)."""
        if self._sealed is None:
            self._encryptor.finish()
            self._sealed = FileKey(self._key, self._iv, self._encryptor.tag)
        return self._sealed


class SourcePieces:
    """Reads bytes [start, end) of a source in pieces of 1 MiB; raises ``Unavailable`` if the source became shorter."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source = source
        self._position = start
        self._end = end

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._position >= self._end:
            raise StopAsyncIteration
        wanted = min(_GRAIN, self._end - self._position)
        piece = await self._source.pread(wanted, self._position)
        if len(piece) != wanted:
            raise Unavailable("the file changed while it was sent")
        self._position += wanted
        return piece


class HeldPieces:
    """Pieces in memory, as a body."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration
