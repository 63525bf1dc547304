"""Whether a file is the one whose hash the service tells: against damage, not against an attacker."""

import hashlib

from mountcloud.crypt.ripemd160 import ContentHash
from mountcloud.model.span import StoredSpan

METADISK = "metadisk"
"""The algorithm of ``crypt/ripemd160.py``, which ``hashlib`` does not have."""


class HashCheck:
    """Takes bytes in order only; others are left out, and must be given again when their turn has come."""

    def __init__(self, size: int, expected: str, algorithm: str = "md5") -> None:
        self._size = size
        self._expected = expected.lower()
        self._position = 0
        self._digest = ContentHash() if algorithm == METADISK else hashlib.new(algorithm, usedforsecurity=False)

    @property
    def seen(self) -> tuple[StoredSpan, ...]:
        """What was hashed so far."""
        return (StoredSpan(0, self._position),)

    def add(self, span: StoredSpan, data: bytes | memoryview) -> None:
        """Hash what follows on what was hashed already."""
        if span.start <= self._position < span.end:
            self._digest.update(memoryview(data)[self._position - span.start :])
            self._position = span.end

    def verdict(self) -> bool | None:
        """None before the end."""
        return None if self._position < self._size else self._digest.hexdigest() == self._expected

    def state(self) -> bytes:
        """A hash cannot be interrupted: it begins again."""
        return b""
