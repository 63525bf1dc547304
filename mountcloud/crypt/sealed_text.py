"""A text that only the holder of a key reads and nobody alters unseen: AES-256-GCM, as one JSON object."""

import base64
import binascii
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mountcloud.model.errors import Corrupt

KEY_SIZE = 32
NONCE_SIZE = 12
_FORMAT = "mountcloud-sealed-1"


def seal(text: str, key: bytes, nonce: bytes) -> str:
    """The sealed text; a nonce must never be used twice with one key."""
    data = AESGCM(key).encrypt(nonce, text.encode(), _FORMAT.encode())
    return json.dumps({"format": _FORMAT, "data": base64.b64encode(nonce + data).decode("ascii")})


def is_sealed(text: str) -> bool:
    """True for what ``seal`` made, whether or not it can be opened."""
    return _FORMAT in text[:100]


def unseal(text: str, key: bytes) -> str:
    """What was sealed; raises ``Corrupt`` if the key is another or the text was altered."""
    try:
        blob = base64.b64decode(json.loads(text)["data"], validate=True)
        return AESGCM(key).decrypt(blob[:NONCE_SIZE], blob[NONCE_SIZE:], _FORMAT.encode()).decode()
    except (ValueError, KeyError, TypeError, binascii.Error, InvalidTag):
        # Not chained: a decoder's exception holds the whole text.
        raise Corrupt("a sealed text cannot be opened") from None
