"""One file as one AES-256-GCM stream with its tag kept elsewhere (DRACOON facts, 22.4 and 22.5).

Any range decrypts alone, as AES-CTR; the tag covers the whole file and is checked by ``gcm_verify``.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mountcloud.crypt.gcm_verify import TagCheck
from mountcloud.crypt.gf128 import BLOCK
from mountcloud.crypt.keys import FileKey
from mountcloud.crypt.plain import wanted_part
from mountcloud.model.errors import TooLarge
from mountcloud.model.provider import Integrity
from mountcloud.model.span import PlainSpan, StoredSpan

MAX_PLAIN_SIZE = 2**36 - 32
"""The most that one key and IV can encrypt: 64 GiB less two blocks (DRACOON facts, 22.4)."""

_FIRST_COUNTER = 2
"""Counter 1 masks the tag (DRACOON facts, 22.5)."""


class GcmStreamCipher:
    """Reading; ``decrypt`` authenticates nothing, because only the whole file has a tag."""

    integrity = Integrity.WHOLE_FILE

    def __init__(self, file_key: FileKey, size: int) -> None:
        if size > MAX_PLAIN_SIZE:
            raise TooLarge(f"an encrypted file of {size} bytes cannot exist")
        self.plain_size = size
        self.stored_size = size
        self._file_key = file_key
        self._aes = algorithms.AES256(file_key.key)

    def check(self, state: bytes) -> TagCheck:
        """The check of the tag, from the start or from a kept state; raises ``Corrupt`` for a wrong state."""
        size = self.stored_size
        return TagCheck.resume(self._file_key, size, state) if state else TagCheck(self._file_key, size)

    def cover(self, want: PlainSpan) -> StoredSpan:
        """The blocks of 16 bytes that hold ``want``, so that ranges fit a tag check."""
        end = -(-want.end // BLOCK) * BLOCK
        return StoredSpan(want.start // BLOCK * BLOCK, max(want.end, min(end, self.stored_size)))

    def decrypt(self, want: PlainSpan, covered: StoredSpan, data: bytes | memoryview) -> bytes:
        """The plaintext. Raises ``Corrupt`` if ``data`` is not as long as ``covered``, ``TooLarge`` past the limit."""
        part = wanted_part(want, covered, data)
        if not part:
            return b""
        if want.end > MAX_PLAIN_SIZE:
            raise TooLarge(f"an encrypted file has no byte {want.end}")
        block, skip = divmod(want.start, BLOCK)
        counter = self._file_key.iv + (block + _FIRST_COUNTER).to_bytes(4, "big")
        decryptor = Cipher(self._aes, modes.CTR(counter)).decryptor()
        decryptor.update(bytes(skip))
        return decryptor.update(part)


class GcmStreamEncryptor:
    """Writing. Key (32 bytes) and iv (12 bytes) must be fresh for each upload (DRACOON facts, 22.4)."""

    def __init__(self, key: bytes, iv: bytes) -> None:
        self._encryptor = Cipher(algorithms.AES256(key), modes.GCM(iv)).encryptor()
        self._size = 0

    def update(self, data: bytes) -> bytes:
        """The ciphertext of the next bytes; raises ``TooLarge`` past ``MAX_PLAIN_SIZE``."""
        self._size += len(data)
        if self._size > MAX_PLAIN_SIZE:
            raise TooLarge("the file is larger than its encryption can hold")
        return self._encryptor.update(data)

    def finish(self) -> bytes:
        """Nothing remains, but now there is a tag."""
        return self._encryptor.finalize()

    @property
    def tag(self) -> bytes:
        """The 16 bytes that authenticate the whole file; after ``finish`` only."""
        return self._encryptor.tag
