"""Requests signed with an account's own key on the curve secp256k1 (Metadisk facts, 3.2)."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_DIGITS = 64
_IN_BODY = frozenset({"POST", "PUT", "PATCH"})


def signed_text(method: str, path: str, payload: bytes) -> bytes:
    """What is signed of a request: ``payload`` is its body, or the query where there is none, byte by byte as sent."""
    return f"{method}\n{path}\n".encode() + payload


def signs_body(method: str) -> bool:
    """True if the body of such a request is signed, else its query."""
    return method in _IN_BODY


class SigningKey:
    """A private key, 64 hex digits as text. Raises ``ValueError`` for a text that is none."""

    def __init__(self, text: str) -> None:
        self._key = ec.derive_private_key(int(text, 16), ec.SECP256K1())

    @property
    def public(self) -> str:
        """The point in compressed form, in hex: as it is registered."""
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex()

    def sign(self, signed: bytes) -> str:
        """ECDSA over SHA-256, DER in hex; another one each time."""
        return self._key.sign(signed, ec.ECDSA(SHA256())).hex()


def new_private_key() -> str:
    """A key that nobody has, as text."""
    number = ec.generate_private_key(ec.SECP256K1()).private_numbers().private_value
    return f"{number:0{_DIGITS}x}"
