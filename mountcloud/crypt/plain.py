"""The cipher of services, rooms and containers that encrypt nothing."""

from mountcloud.crypt.digest import HashCheck
from mountcloud.model.errors import Corrupt
from mountcloud.model.provider import Integrity
from mountcloud.model.span import PlainSpan, StoredSpan


class PlainCipher:
    """Stored bytes are the plaintext."""

    def __init__(self, size: int, digest: str = "", algorithm: str = "md5") -> None:
        self.plain_size = size
        self.stored_size = size
        self.integrity = Integrity.WHOLE_FILE if digest else Integrity.NONE
        self._digest, self._algorithm = digest, algorithm

    def check(self, state: bytes) -> HashCheck | None:
        """By the hash that the service tells, if it tells one; a kept state is never needed."""
        return HashCheck(self.stored_size, self._digest, self._algorithm) if self._digest else None

    def cover(self, want: PlainSpan) -> StoredSpan:
        """The same bytes."""
        return StoredSpan(want.start, want.end)

    def decrypt(self, want: PlainSpan, covered: StoredSpan, data: bytes | memoryview) -> bytes:
        """The part that is wanted; raises ``Corrupt`` if ``data`` is not as long as ``covered``."""
        part = wanted_part(want, covered, data)
        return data if isinstance(data, bytes) and len(part) == len(data) else bytes(part)


def wanted_part(want: PlainSpan, covered: StoredSpan, data: bytes | memoryview) -> memoryview:
    """The stored bytes at the places of ``want``, for ciphers that change no offset.

    Raises ``Corrupt`` if ``data`` is not as long as ``covered``; ValueError if that does not cover ``want``.
    """
    if len(data) != covered.length:
        raise Corrupt(f"{covered.length} stored bytes were asked for, {len(data)} came")
    if not covered.start <= want.start <= want.end <= covered.end:
        raise ValueError(f"{covered} does not cover {want}")
    return memoryview(data)[want.start - covered.start : want.end - covered.start]
