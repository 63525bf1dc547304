"""Bytes to be stored, and the hash under which the service will know them."""

from dataclasses import dataclass

import trio

from mountcloud.crypt.ripemd160 import ContentHash
from mountcloud.model.errors import Corrupt
from mountcloud.model.provider import Content, Source
from mountcloud.model.span import StoredSpan

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Bytes:
    """A source in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.data)

    async def pread(self, size: int, offset: int) -> bytes:
        """As a ``Source``."""
        await trio.lowlevel.checkpoint()
        return self.data[offset : offset + size]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source of what the service has already, under a name that it is to lose, or in another bucket."""

    content: Content

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.content.stored_size

    async def pread(self, size: int, offset: int) -> bytes:
        """As a ``Source``."""
        return await self.content.fetch(StoredSpan(offset, min(offset + size, self.size)))


async def hash_of(source: Source) -> str:
    """One pass over all bytes."""
    digest, offset = ContentHash(), 0
    while offset < source.size:
        piece = await source.pread(min(_PIECE, source.size - offset), offset)
        if not piece:
            raise Corrupt("the file to be sent is shorter than it was")
        await trio.to_thread.run_sync(digest.update, piece)
        offset += len(piece)
    return digest.hexdigest()
