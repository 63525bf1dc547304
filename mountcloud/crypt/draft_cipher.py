"""Drafts at rest: AES-256-XTS (IEEE 1619, NIST SP 800-38E), a key for each draft, wrapped by a key of the account.

XTS keeps every block of 16 bytes in its place and apart from the others, so a draft is written at any offset and a
write that was cut off leaves whole blocks, old or new. It hides content; it does not notice changes.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mountcloud.model.errors import Corrupt

BLOCK = 16
UNIT = 64 << 10
"""Bytes of a data unit. A new unit costs 8 us and a write in the middle of one is enciphered from its beginning."""

_KEY_SIZE = 64
_NAME_SIZE = 8
_NONCE_SIZE = 12
_MAGIC = b"mountcloud draft 1\0"
_HOLE = bytes(BLOCK)


class DraftCipher:
    """One draft's bytes. Offsets and lengths are multiples of ``BLOCK``."""

    def __init__(self, key: bytes) -> None:
        self._aes = algorithms.AES(key)

    def encrypt(self, data: memoryview, offset: int, into: bytearray) -> memoryview:
        """What stands on the disk at this offset: the part of ``into`` that it fills.

        ``into`` has ``BLOCK`` bytes more. It is the caller's, who uses it again: new memory costs more than the cipher.
        """
        given = memoryview(into)
        for number, skip, begin, end in _pieces(len(data), offset):
            unit = self._unit(number).encryptor()
            if skip:
                given[begin:end] = unit.update(bytes(skip) + data[begin:end])[skip:]
            else:
                unit.update_into(data[begin:end], given[begin : end + BLOCK])
        return given[: len(data)]

    def decrypt(self, stored: bytes, offset: int) -> bytes:
        """The content at this offset; blocks that were never written are zeros on the disk and read as zeros."""
        return _with_holes(stored, b"".join(self._decrypted(memoryview(stored), offset)))

    def _decrypted(self, stored: memoryview, offset: int) -> Iterator[bytes]:
        for number, skip, begin, end in _pieces(len(stored), offset):
            unit, part = self._unit(number).decryptor(), stored[begin:end]
            yield unit.update(bytes(skip) + part)[skip:] if skip else unit.update(part)

    def _unit(self, number: int) -> Cipher[modes.XTS]:
        return Cipher(self._aes, modes.XTS(number.to_bytes(16, "little")))


def _pieces(length: int, offset: int) -> Iterator[tuple[int, int, int, int]]:
    """For each data unit that is touched: its number, the bytes of it that come before, and where its part lies."""
    done = 0
    while done < length:
        number, skip = divmod(offset + done, UNIT)
        end = min(done + UNIT - skip, length)
        yield number, skip, done, end
        done = end


def _with_holes(stored: bytes, content: bytes) -> bytes:
    if _HOLE not in stored:
        return content
    if not stored.strip(b"\0"):
        return bytes(len(stored))
    places = range(0, len(stored), BLOCK)
    blocks = ((stored[place : place + BLOCK], content[place : place + BLOCK]) for place in places)
    return b"".join(_HOLE if there == _HOLE else plain for there, plain in blocks)


class AccountKeys(Protocol):
    """The keys of 32 bytes that wrap those of the drafts, by names of 8 characters."""

    def current(self) -> tuple[str, bytes]:
        """The one to use for new drafts, made if there is none."""

    def find(self, name: str) -> bytes:
        """An older one. Raises ``NoKey``."""


class DraftSealer:
    """Makes the ciphers of drafts. ``random`` gives that many unpredictable bytes."""

    def __init__(self, keys: AccountKeys, random: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._random = random

    def new(self) -> tuple[bytes, DraftCipher]:
        """A cipher with a new key, and bytes that tell nothing of the key, by which ``open`` finds it again."""
        name, wrapping = self._keys.current()
        key, nonce = self._random(_KEY_SIZE), self._random(_NONCE_SIZE)
        head = _MAGIC + name.encode("ascii")
        return head + nonce + AESGCM(wrapping).encrypt(nonce, key, head), DraftCipher(key)

    def open(self, sealed: bytes) -> DraftCipher:
        """The cipher of those bytes. Raises ``NoKey`` if the account's key is missing, ``Corrupt`` for any others."""
        head, rest = sealed[: len(_MAGIC) + _NAME_SIZE], sealed[len(_MAGIC) + _NAME_SIZE :]
        if not head.startswith(_MAGIC) or not head.isascii():
            raise Corrupt("this is no draft of mountcloud")
        name = head[len(_MAGIC) :].decode("ascii")
        wrapping = self._keys.find(name)
        wrapped = rest[_NONCE_SIZE : _NONCE_SIZE + _KEY_SIZE + BLOCK]
        try:
            return DraftCipher(AESGCM(wrapping).decrypt(rest[:_NONCE_SIZE], wrapped, head))
        except (InvalidTag, ValueError):
            raise Corrupt(f"the header of a draft is damaged, or {name} is another key than it was") from None
