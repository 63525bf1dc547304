"""Signed requests of a second client (Metadisk facts, 3.2)."""

import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

EXAMPLE = int(hashlib.sha256(b"example signing key").hexdigest(), 16)
"""The private key of the vectors."""


@dataclass
class Signer:
    """Somebody with a key; ``nonce`` is that of the next request."""

    url: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256K1()))
    compressed: bool = True
    nonce: float = 1_458_500_000_000

    @property
    def key(self) -> str:
        """The public key in hex."""
        form = PublicFormat.CompressedPoint if self.compressed else PublicFormat.UncompressedPoint
        return self.private.public_key().public_bytes(Encoding.X962, form).hex()

    def send(self, method: str, path: str, **body: object) -> httpx.Response:
        """One signed request; ``body`` is the query where there is none. A nonce of its own may be among it."""
        said = {"__nonce": self.nonce, **body}
        self.nonce += 1
        in_body = method in {"POST", "PUT", "PATCH"}
        payload = json.dumps(said) if in_body else urlencode({name: value for name, value in said.items() if value})
        headers = {"x-pubkey": self.key, "x-signature": self.sign(f"{method}\n{path}\n{payload}".encode())}
        if in_body:
            return httpx.request(method, self.url + path, content=payload, headers=headers, trust_env=False)
        return httpx.request(method, f"{self.url}{path}?{payload}", headers=headers, trust_env=False)

    def sign(self, message: bytes) -> str:
        """In hex."""
        return self.private.sign(message, ec.ECDSA(SHA256())).hex()
