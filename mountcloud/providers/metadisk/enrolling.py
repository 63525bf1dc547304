"""Signing in with a password, once, to register a key that signs everything afterwards (Metadisk facts, 3 and 4)."""

import base64
import hashlib
from urllib.parse import urlsplit

from mountcloud.crypt.secp256k1 import SigningKey, new_private_key
from mountcloud.model.errors import AuthenticationRequired, InvalidArgument
from mountcloud.model.provider import Secrets
from mountcloud.net.http import Client, Response
from mountcloud.providers.metadisk import wire
from mountcloud.providers.metadisk.errors import LOGIN, failure_for
from mountcloud.providers.metadisk.signed import SECRET

PASSWORD = "password"  # noqa: S105 - its name


class Enrolment:
    """One account, by e-mail address and the secret ``password``, which is not needed any more once it is signed in."""

    def __init__(self, client: Client, email: str, secrets: Secrets) -> None:
        self._client = client
        self._email = email
        self._secrets = secrets

    @property
    def is_due(self) -> bool:
        """True while a password was given that has not been exchanged for a key."""
        return self._secrets.get(PASSWORD) is not None

    async def sign_in(self) -> None:
        """Register this machine's key, or see that it is registered; the password is forgotten.

        Raises ``AuthenticationRequired`` for a wrong password or an unknown account, ``AccountBlocked`` for one that is
        not activated.
        """
        text = self._secrets.get(SECRET) or new_private_key()
        registered = wire.keys_of((await self._call("GET")).json())
        public = SigningKey(text).public
        if public not in registered:
            # Stored before it is registered: a key that the service knows and nobody has would stay there.
            self._secrets.put(SECRET, text)
            await self._call("POST", {"key": public})
        self._secrets.delete(PASSWORD)

    async def _call(self, method: str, fields: dict[str, str] | None = None) -> Response:
        pair = f"{self._email}:{self._hashed()}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
        return _success(await self._client.request(method, "/keys", json=fields, authorization=basic))

    def _hashed(self) -> str:
        """As the service takes it (Metadisk facts, 3.1)."""
        password = self._secrets.get(PASSWORD)
        if not password:
            raise AuthenticationRequired("no password was given", hint=LOGIN)
        return hashlib.sha256(password.encode()).hexdigest()

    async def register(self) -> None:
        """Make the account; the service sends a mail. Raises ``Exists`` if there is one of this address."""
        fields = {"email": self._email, "password": self._hashed()}
        _success(await self._client.request("POST", "/users", json=fields))

    async def activate(self, token: str) -> None:
        """With the token of that mail, or the address in it. Raises ``InvalidArgument`` for any other."""
        word = urlsplit(token.strip()).path.rpartition("/")[2]
        if not (word.isascii() and word.isalnum()):
            raise InvalidArgument("that is no activation token")
        _success(await self._client.request("GET", f"/activations/{word}"))


def _success(answer: Response) -> Response:
    if not answer.ok:
        raise failure_for(answer)
    return answer
