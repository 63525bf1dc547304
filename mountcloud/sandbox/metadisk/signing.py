"""Signatures with secp256k1 keys (Metadisk facts, 3.2)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256


def message(method: str, path: str, payload: bytes) -> bytes:
    """What is signed: ``payload`` is the body of POST, PUT and PATCH, the query of all others, as they were sent."""
    return f"{method}\n{path}\n".encode() + payload


def read_key(text: str) -> ec.EllipticCurvePublicKey:
    """A point in compressed or uncompressed form, in hex; raises ``ValueError``."""
    if not text.isalnum():
        raise ValueError('Must not contain non-hexidecimal characters like ":"')
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), bytes.fromhex(text))


def is_signed(key: str, signature: str, signed: bytes) -> bool:
    """True if the owner of this key signed it; false also for a key or signature that is none."""
    try:
        read_key(key).verify(bytes.fromhex(signature), signed, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
