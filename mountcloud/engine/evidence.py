"""Whether what the service holds is what was sent to it, when no answer told."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from mountcloud.model.provider import Content, Source
from mountcloud.model.span import PlainSpan

_PIECE = 1 << 20


@dataclass(slots=True)
class Fingerprint:
    """The SHA-256 of ``size`` bytes that somebody reads in order, perhaps more than once.

    ``complete`` hears of it before the last bytes are handed on: nobody can have all of them without it being kept.
    """

    size: int
    complete: Callable[[str], None]
    _taken: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def take(self, data: bytes, offset: int) -> None:
        """Bytes that are about to be handed on."""
        if offset != self._taken or not data:
            return
        self._hash.update(data)
        self._taken += len(data)
        if self._taken == self.size:
            self.complete(self._hash.hexdigest())


async def digest(content: Content) -> str:
    """The SHA-256 of a content, read from the service."""
    found, size = hashlib.sha256(), content.cipher.plain_size
    for start in range(0, size, _PIECE):
        found.update(await _fetched(content, PlainSpan(start, min(start + _PIECE, size))))
    return found.hexdigest()


async def holds(content: Content, source: Source, *, by_hash: bool) -> bool:
    """True if the content is that of the source; ``by_hash`` where its bytes are stored as they are."""
    check = content.cipher.check(b"") if by_hash else None
    for start in range(0, source.size, _PIECE):
        want = PlainSpan(start, min(start + _PIECE, source.size))
        data = await source.pread(want.length, start)
        if check is not None:
            check.add(content.cipher.cover(want), data)
        elif await _fetched(content, want) != data:
            return False
    return check is None or check.verdict() is True


async def _fetched(content: Content, want: PlainSpan) -> bytes:
    covered = content.cipher.cover(want)
    return content.cipher.decrypt(want, covered, await content.fetch(covered))
