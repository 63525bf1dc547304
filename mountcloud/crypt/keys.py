"""Key pairs and wrapped file keys of DRACOON (DRACOON facts, section 22).

A password unlocks a private key; the private key unwraps file keys; anybody's public key wraps one for them.
"""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mountcloud.crypt import pbes2, pem
from mountcloud.model.errors import AuthenticationRequired, Corrupt, NoKey, Unsupported

ROUNDS = 1_300_000
"""PBKDF2 rounds of a new pair (DRACOON facts, 22.2)."""

KEY_SIZE = 32
IV_SIZE = 12
TAG_SIZE = 16

_SALT_SIZE = 20
_PRIVATE = "ENCRYPTED PRIVATE KEY"
_PUBLIC = "PUBLIC KEY"
_RSA_ENCRYPTION = bytes.fromhex("2a864886f70d010101")


class KeyPairVersion(Enum):
    """The kinds of key pair (DRACOON facts, 22.1)."""

    A = "A"
    RSA_4096 = "RSA-4096"

    @property
    def bits(self) -> int:
        """Length of the RSA modulus."""
        return 2048 if self is KeyPairVersion.A else 4096

    @property
    def file_key_version(self) -> "FileKeyVersion":
        """The kind of file key that such a pair makes."""
        return FileKeyVersion.A if self is KeyPairVersion.A else FileKeyVersion.RSA_4096_AES_256_GCM

    @property
    def oaep(self) -> padding.OAEP:
        """How it wraps: label hash SHA-256 for both, MGF1 hash SHA-1 for ``A`` (DRACOON facts, 22.3)."""
        mgf1_hash = hashes.SHA1() if self is KeyPairVersion.A else hashes.SHA256()  # noqa: S303 -- the format's
        return padding.OAEP(mgf=padding.MGF1(mgf1_hash), algorithm=hashes.SHA256(), label=None)


class FileKeyVersion(Enum):
    """The kinds of wrapped file key (DRACOON facts, 22.1)."""

    A = "A"
    RSA_4096_AES_256_GCM = "RSA-4096/AES-256-GCM"

    @property
    def key_pair_version(self) -> KeyPairVersion:
        """The kind of pair that unwraps it."""
        return KeyPairVersion.A if self is FileKeyVersion.A else KeyPairVersion.RSA_4096


@dataclass(frozen=True, slots=True)
class PrivateKeyContainer:
    """A locked private key as the service keeps it: version and PEM text."""

    version: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublicKeyContainer:
    """A public key as the service gives it: version and PEM text."""

    version: str
    public_key: str


@dataclass(frozen=True, slots=True)
class WrappedFileKey:
    """A file key for one recipient; ``iv`` and ``tag`` are the same for all of them (DRACOON facts, 22.3)."""

    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    tag: bytes = field(repr=False)
    version: str


@dataclass(frozen=True, slots=True)
class FileKey:
    """The secret of one file at one version: a key of 32 bytes, an iv of 12, the tag of its whole ciphertext of 16."""

    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    tag: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if (len(self.key), len(self.iv), len(self.tag)) != (KEY_SIZE, IV_SIZE, TAG_SIZE):
            raise Corrupt("a part of the file key has the wrong length")


class UnlockedKey:
    """A private key in memory. Unlock once and keep it: unlocking costs about a second (DRACOON facts, 22.2)."""

    def __init__(self, version: KeyPairVersion, key: rsa.RSAPrivateKey) -> None:
        self.version = version
        self._key = key

    def public(self) -> PublicKeyContainer:
        """The public half."""
        return _public_container(self.version, self._key)

    def unwrap(self, wrapped: WrappedFileKey) -> FileKey:
        """The file key.

        Raises ``Unsupported`` (unknown version), ``NoKey`` (made for the other kind of pair), ``Corrupt``.
        """
        if file_key_version(wrapped.version).key_pair_version is not self.version:
            raise NoKey(f"the file key is of version {wrapped.version}, the key pair of {self.version.value}")
        try:
            key = self._key.decrypt(wrapped.key, self.version.oaep)
        except ValueError:
            raise Corrupt("the file key does not belong to this key pair, or is damaged") from None
        return FileKey(key, wrapped.iv, wrapped.tag)


def key_pair_version(text: str) -> KeyPairVersion:
    """Read the version of a container; raises ``Unsupported``."""
    try:
        return KeyPairVersion(text)
    except ValueError:
        raise Unsupported(f"key pairs of version {text!r} are unknown") from None


def file_key_version(text: str) -> FileKeyVersion:
    """Read the version of a wrapped file key; raises ``Unsupported``."""
    try:
        return FileKeyVersion(text)
    except ValueError:
        raise Unsupported(f"file keys of version {text!r} are unknown") from None


def unlock(container: PrivateKeyContainer, password: str) -> UnlockedKey:
    """Open a private key; up to about a second of work for each reading of the password (DRACOON facts, 22.2).

    Raises ``Unsupported`` (unknown version or lock), ``Corrupt`` (malformed), ``AuthenticationRequired`` (the password
    is wrong or empty). A ciphertext that decrypts to noise means a wrong password.
    """
    version = key_pair_version(container.version)
    locked = pbes2.parse(pem.read(container.private_key, _PRIVATE))
    for candidate in _password_bytes(password):
        plain = locked.open(candidate)
        if plain is not None and _RSA_ENCRYPTION in plain[:32]:
            return UnlockedKey(version, _load_private(plain, version))
    raise AuthenticationRequired("the encryption password is wrong" if password else "the encryption password is empty")


def wrap(file_key: FileKey, public: PublicKeyContainer) -> WrappedFileKey:
    """Wrap a file key for the owner of a public key; raises ``Unsupported`` (unknown version) and ``Corrupt``."""
    version = key_pair_version(public.version)
    key = _load_public(public, version)
    wrapped = key.encrypt(file_key.key, version.oaep)
    return WrappedFileKey(wrapped, file_key.iv, file_key.tag, version.file_key_version.value)


def make_key_pair(
    version: KeyPairVersion, password: str, random_bytes: Callable[[int], bytes], *, rounds: int = ROUNDS
) -> tuple[PrivateKeyContainer, PublicKeyContainer]:
    """Make a pair and lock it as current SDKs do (DRACOON facts, 22.2).

    Raises ``AuthenticationRequired`` for an empty password. ``random_bytes`` gives salt and IV; the RSA primes
    come from the cryptographic library itself.
    """
    encoded = next(_password_bytes(password), None)
    if encoded is None:
        raise AuthenticationRequired("an encryption password must not be empty")
    key = rsa.generate_private_key(public_exponent=65537, key_size=version.bits)
    plain = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    sealed = pbes2.seal(plain, encoded, random_bytes(_SALT_SIZE), rounds, random_bytes(16))
    return PrivateKeyContainer(version.value, pem.write(sealed, _PRIVATE)), _public_container(version, key)


def _password_bytes(password: str) -> Iterator[bytes]:
    """The readings of a password worth trying: UTF-8, one byte per character, and both in NFC (DRACOON facts, 22.2)."""
    seen = {b""}
    for text in (password, unicodedata.normalize("NFC", password)):
        for encoding in ("utf-8", "iso-8859-1"):
            encoded = text.encode(encoding, errors="ignore")
            if encoded.decode(encoding) == text and encoded not in seen:
                seen.add(encoded)
                yield encoded


def _load_private(plain: bytes, version: KeyPairVersion) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_der_private_key(plain, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Corrupt("the private key is malformed") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != version.bits:
        raise Corrupt(f"the private key is not one of version {version.value}")
    return key


def _load_public(container: PublicKeyContainer, version: KeyPairVersion) -> rsa.RSAPublicKey:
    try:
        key = serialization.load_der_public_key(pem.read(container.public_key, _PUBLIC))
    except (ValueError, UnsupportedAlgorithm):
        raise Corrupt("the public key is malformed") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size != version.bits:
        raise Corrupt(f"the public key is not one of version {version.value}")
    return key


def _public_container(version: KeyPairVersion, key: rsa.RSAPrivateKey) -> PublicKeyContainer:
    encoded = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKeyContainer(version.value, pem.write(encoded, _PUBLIC))
