"""A private key under a password: PKCS#8 with PBES2, which is PBKDF2 and AES-CBC (DRACOON facts, 22.2)."""

from collections.abc import Collection
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from mountcloud.crypt import der
from mountcloud.model.errors import Corrupt, Unsupported

MAX_ROUNDS = 10_000_000
"""More would let a hostile server burn the user's processor for minutes (DRACOON facts, 22.2)."""

_BLOCK = 16
_PBES2 = bytes.fromhex("2a864886f70d01050d")
_PBKDF2 = bytes.fromhex("2a864886f70d01050c")
_PRFS: dict[bytes, type[hashes.SHA1 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    bytes.fromhex("2a864886f70d0207"): hashes.SHA1,
    bytes.fromhex("2a864886f70d0209"): hashes.SHA256,
    bytes.fromhex("2a864886f70d020a"): hashes.SHA384,
    bytes.fromhex("2a864886f70d020b"): hashes.SHA512,
}
_AES_256_CBC = bytes.fromhex("60864801650304012a")
_KEY_SIZES = {
    bytes.fromhex("608648016503040102"): 16,
    bytes.fromhex("608648016503040116"): 24,
    _AES_256_CBC: 32,
}


@dataclass(frozen=True, slots=True)
class Lock:
    """How a password becomes a key: everything but the password."""

    salt: bytes
    rounds: int
    iv: bytes
    prf: hashes.HashAlgorithm
    key_size: int = 32

    def cipher(self, password: bytes) -> Cipher[modes.CBC]:
        """The cipher that this password gives; takes about a second with 1,300,000 rounds."""
        kdf = PBKDF2HMAC(self.prf, length=self.key_size, salt=self.salt, iterations=self.rounds)
        return Cipher(algorithms.AES(kdf.derive(password)), modes.CBC(self.iv))


@dataclass(frozen=True, slots=True)
class LockedKey:
    """Encrypted bytes of a private key with the parameters of their lock."""

    lock: Lock
    ciphertext: bytes

    def open(self, password: bytes) -> bytes | None:
        """What may be the private key (PKCS#8 DER); None if the password is surely wrong."""
        decryptor = self.lock.cipher(password).decryptor()
        unpadder = padding.PKCS7(_BLOCK * 8).unpadder()
        padded = decryptor.update(self.ciphertext) + decryptor.finalize()
        try:
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError:
            return None


def parse(data: bytes) -> LockedKey:
    """Read an EncryptedPrivateKeyInfo.

    Raises ``Corrupt``, or ``Unsupported`` for an unknown algorithm or more than ``MAX_ROUNDS``.
    """
    match der.decode(data).as_sequence():
        case [algorithm, encrypted]:
            lock, ciphertext = _parse_algorithm(algorithm), encrypted.as_octets()
        case _:
            raise Corrupt("not an encrypted private key")
    if not ciphertext or len(ciphertext) % _BLOCK:
        raise Corrupt("the encrypted private key has an impossible length")
    return LockedKey(lock, ciphertext)


def seal(private_key: bytes, password: bytes, salt: bytes, rounds: int, iv: bytes) -> bytes:
    """Lock a private key (PKCS#8 DER) as current SDKs do: HMAC-SHA1 by default, AES-256-CBC (DRACOON facts, 22.2)."""
    padder = padding.PKCS7(_BLOCK * 8).padder()
    padded = padder.update(private_key) + padder.finalize()
    encryptor = Lock(salt, rounds, iv, hashes.SHA1()).cipher(password).encryptor()  # noqa: S303 -- the format's default
    kdf = der.encode_sequence(der.encode(der.OCTETS, salt), der.encode_integer(rounds))
    parameters = der.encode_sequence(
        _algorithm(_PBKDF2, kdf),
        _algorithm(_AES_256_CBC, der.encode(der.OCTETS, iv)),
    )
    ciphertext = encryptor.update(padded) + encryptor.finalize()
    return der.encode_sequence(_algorithm(_PBES2, parameters), der.encode(der.OCTETS, ciphertext))


def _algorithm(object_id: bytes, parameters: bytes) -> bytes:
    return der.encode_sequence(der.encode(der.OBJECT_ID, object_id), parameters)


def _parse_algorithm(element: der.Element) -> Lock:
    match _parameters(element, {_PBES2}, "lock")[1].as_sequence():
        case [kdf, scheme]:
            object_id, iv = _parameters(scheme, _KEY_SIZES, "cipher")
            return _parse_kdf(_parameters(kdf, {_PBKDF2}, "derivation")[1], iv.as_octets(), _KEY_SIZES[object_id])
        case _:
            raise Corrupt("the parameters of the lock are malformed")


def _parse_kdf(element: der.Element, iv: bytes, key_size: int) -> Lock:
    match element.as_sequence():
        case [salt, rounds, *optional]:
            lock = Lock(salt.as_octets(), rounds.as_integer(), iv, _parse_prf(optional, key_size), key_size)
        case _:
            raise Corrupt("the parameters of the derivation are malformed")
    if len(iv) != _BLOCK or not lock.rounds:
        raise Corrupt("the parameters of the lock are impossible")
    if lock.rounds > MAX_ROUNDS:
        raise Unsupported(f"the private key asks for {lock.rounds} rounds, more than {MAX_ROUNDS}")
    return lock


def _parse_prf(optional: list[der.Element], key_size: int) -> hashes.HashAlgorithm:
    rest = list(optional)
    if rest and rest[0].tag == der.INTEGER and rest.pop(0).as_integer() != key_size:
        raise Corrupt("the lock names a key size that its cipher does not have")
    if not rest:
        return hashes.SHA1()  # noqa: S303 -- the format's default
    if len(rest) > 1:
        raise Corrupt("the parameters of the derivation are malformed")
    return _PRFS[_parameters(rest[0], _PRFS, "hash")[0]]()


def _parameters(element: der.Element, known: Collection[bytes], what: str) -> tuple[bytes, der.Element]:
    match element.as_sequence():
        case [object_id, parameters]:
            name = object_id.as_object_id()
        case _:
            raise Corrupt(f"the {what} of the private key is malformed")
    if name not in known:
        raise Unsupported(f"the {what} of the private key is not one that mountcloud knows")
    return name, parameters
