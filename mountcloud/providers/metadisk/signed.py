"""Calls that prove by a signature who makes them, one after the other (Metadisk facts, 3.2).

A request that overtakes one with a lower number gets that one refused, so none begins before the other has its answer.
"""

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

import trio

from mountcloud.crypt.secp256k1 import SigningKey, signed_text, signs_body
from mountcloud.model.errors import AuthenticationRequired
from mountcloud.model.provider import Secrets
from mountcloud.net.http import JSON, Client, Response
from mountcloud.providers.metadisk.errors import LOGIN, NonceRefused, failure_for
from mountcloud.providers.metadisk.nonces import Nonces

SECRET = "private_key"  # noqa: S105 - its name
_AHEAD_MS = (0, 0, 1_000, 10_000, 100_000)
"""How far to reach beyond our own clock, at each attempt, where another machine's clock is ahead of it."""


def key_of(secrets: Secrets) -> SigningKey:
    """The account's key; raises ``AuthenticationRequired`` if there is none."""
    text = secrets.get(SECRET)
    try:
        return SigningKey(text or "")
    except ValueError:
        said = "no signing key is stored" if text is None else "the stored signing key is none"
    raise AuthenticationRequired(said, hint=LOGIN)


class SignedCalls:
    """Calls of one account. ``key`` is asked for at each of them."""

    def __init__(self, client: Client, key: Callable[[], SigningKey], nonces: Nonces) -> None:
        self._client = client
        self._key = key
        self._nonces = nonces
        self._turn = trio.Lock()

    async def send(self, method: str, path: str, fields: Mapping[str, object] | None = None) -> Response:
        """The answer to one call; ``fields`` are its body or query. Raises the failure of a refusal."""
        key = self._key()
        async with self._turn:
            for ahead_ms in _AHEAD_MS:
                numbered = {**(fields or {}), "__nonce": self._nonces.next(ahead_ms)}
                answer = await self._exchange(key, method, path, numbered)
                if answer.ok:
                    return answer
                failure = failure_for(answer)
                if not isinstance(failure, NonceRefused):
                    break
        raise failure

    async def _exchange(self, key: SigningKey, method: str, path: str, fields: Mapping[str, object]) -> Response:
        if signs_body(method):
            body = json.dumps(fields).encode()
            headers = {"Content-Type": JSON, **_headers(key, signed_text(method, path, body))}
            return await self._client.request(method, path, headers=headers, content=body)
        query = urlencode({name: _word(value) for name, value in fields.items()}, quote_via=quote)
        headers = _headers(key, signed_text(method, path, query.encode()))
        return await self._client.request(method, f"{path}?{query}", headers=headers)


def _headers(key: SigningKey, signed: bytes) -> dict[str, str]:
    return {"x-pubkey": key.public, "x-signature": key.sign(signed)}


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
