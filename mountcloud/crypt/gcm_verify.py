"""Check the tag of an AES-256-GCM file from pieces that come in any order.

GHASH is a polynomial in H = AES(0), so every piece adds (XOR) its own value times H to the number of blocks after it.
A piece's value comes from the library at full speed: authenticate the piece as associated data of an empty message; the
resulting tag is that value, plus the length block times H, plus a mask that the key tells.
"""

import struct
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import constant_time, hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mountcloud.crypt import gf128
from mountcloud.crypt.gf128 import BLOCK
from mountcloud.crypt.keys import IV_SIZE, FileKey
from mountcloud.model.errors import Corrupt
from mountcloud.model.span import StoredSpan

_PIECE_IV = bytes(IV_SIZE)
"""Tags of pieces never leave this module, so a fixed IV gives nothing away."""


class TagCheck:
    """What was seen of one file at one version, and whether its tag is right. Not for concurrent use."""

    def __init__(self, file_key: FileKey, size: int) -> None:
        self._file_key = file_key
        self._aes = algorithms.AES256(file_key.key)
        self._size = size
        self._sum = 0
        self._seen: list[StoredSpan] = []
        self._hash_key = gf128.from_block(self._keystream(bytes(BLOCK)))
        self._powers = gf128.Powers(self._hash_key)
        self._piece_mask = gf128.from_block(self._keystream(_PIECE_IV + b"\0\0\0\1"))

    @classmethod
    def resume(cls, file_key: FileKey, size: int, state: bytes) -> "TagCheck":
        """Go on from ``state()``; raises ``Corrupt`` if it is not one of this file at this version."""
        check = cls(file_key, size)
        try:
            plain = check._sealing().decrypt(state, check._identity())
        except InvalidTag:
            raise Corrupt("the state of a tag check is damaged or of another file") from None
        check._sum = int.from_bytes(plain[:BLOCK], "big")
        check._seen = [StoredSpan(start, end) for start, end in struct.iter_unpack(">QQ", plain[BLOCK:])]
        return check

    def state(self) -> bytes:
        """All that was added so far, to be kept beside the chunks.

        Sealed under a key of its own: the bare sum with the ciphertext would betray H, and with H tags can be forged.
        """
        spans = b"".join(struct.pack(">QQ", span.start, span.end) for span in self._seen)
        return self._sealing().encrypt(self._sum.to_bytes(BLOCK, "big") + spans, self._identity())

    @property
    def seen(self) -> tuple[StoredSpan, ...]:
        """The spans added so far, merged, in order."""
        return tuple(self._seen)

    def add(self, span: StoredSpan, data: bytes | memoryview) -> None:
        """Take in the stored bytes of ``span``; what was taken in before is ignored.

        Spans begin at a multiple of 16 and end at one, or at the end of the file (else ValueError).
        """
        if span.start % BLOCK or span.end > self._size or (span.end % BLOCK and span.end != self._size):
            raise ValueError(f"{span} is not made of whole blocks of {self._size} bytes")
        if len(data) != span.length:
            raise ValueError(f"{len(data)} bytes are not those of {span}")
        view = memoryview(data)
        for gap in _gaps(self._seen, span):
            self._sum ^= self._contribution(gap, view[gap.start - span.start : gap.end - span.start])
        self._seen = _merged(self._seen, span)

    def verdict(self) -> bool | None:
        """None while bytes are missing, then whether all were those that the tag was made of."""
        if sum(span.length for span in self._seen) != self._size:
            return None
        total = self._sum ^ gf128.multiply(_lengths(0, self._size), self._hash_key)
        mask = self._keystream(self._file_key.iv + b"\0\0\0\1")
        return constant_time.bytes_eq(gf128.to_block(total ^ gf128.from_block(mask)), self._file_key.tag)

    def _contribution(self, span: StoredSpan, data: memoryview) -> int:
        encryptor = Cipher(self._aes, modes.GCM(_PIECE_IV)).encryptor()
        encryptor.authenticate_additional_data(data)
        encryptor.finalize()
        value = gf128.from_block(encryptor.tag) ^ self._piece_mask
        value ^= gf128.multiply(_lengths(span.length, 0), self._hash_key)
        return self._powers.times(value, _blocks(self._size) - _blocks(span.end))

    def _keystream(self, block: bytes) -> bytes:
        return Cipher(self._aes, modes.CTR(block)).encryptor().update(bytes(BLOCK))

    def _sealing(self) -> AESSIV:
        kdf = HKDF(hashes.SHA256(), length=64, salt=None, info=b"mountcloud state of a tag check, 1")
        return AESSIV(kdf.derive(self._file_key.key))

    def _identity(self) -> list[bytes]:
        return [self._file_key.iv, self._file_key.tag, self._size.to_bytes(8, "big")]


def _blocks(size: int) -> int:
    return -(-size // BLOCK)


def _lengths(associated: int, encrypted: int) -> int:
    return gf128.from_block(struct.pack(">QQ", associated * 8, encrypted * 8))


def _gaps(seen: list[StoredSpan], span: StoredSpan) -> Iterator[StoredSpan]:
    """The parts of ``span`` that are not in ``seen`` (merged, in order)."""
    start = span.start
    for known in seen:
        if known.start >= span.end:
            break
        if start < known.start:
            yield StoredSpan(start, known.start)
        start = max(start, known.end)
    if start < span.end:
        yield StoredSpan(start, span.end)


def _merged(seen: list[StoredSpan], span: StoredSpan) -> list[StoredSpan]:
    before = [known for known in seen if known.end < span.start]
    after = [known for known in seen if known.start > span.end]
    touching = [span, *(known for known in seen if known.end >= span.start and known.start <= span.end)]
    return [*before, StoredSpan(min(s.start for s in touching), max(s.end for s in touching)), *after]
