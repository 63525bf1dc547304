"""The hash by which the Storj bridge names content: RIPEMD-160 over the hex text of SHA-256 (Metadisk facts, 2).

``hashlib`` has RIPEMD-160 only where its OpenSSL was built with it, hence the library.
"""

import hashlib


class ContentHash:
    """Takes content in pieces of any size, in order."""

    def __init__(self, data: bytes | bytearray | memoryview = b"") -> None:
        self._inner = hashlib.sha256(data)

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """What follows."""
        self._inner.update(data)

    def hexdigest(self) -> str:
        """40 lower-case hex digits, for all that came so far."""
        from Cryptodome.Hash import RIPEMD160  # late: it takes long, and no other service needs it

        return RIPEMD160.new(self._inner.hexdigest().encode("ascii")).hexdigest()
