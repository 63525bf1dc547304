"""OAuth 1.0a with plain text signatures (RFC 5849, 3.4.4): what proves who we are travels in each request."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import httpx
from oauthlib.oauth1 import SIGNATURE_PLAINTEXT
from oauthlib.oauth1 import Client as Signer


@dataclass(frozen=True, slots=True)
class Keys:
    """The program's token and secret, those that were granted (empty before), and the code of the user's consent."""

    client_token: str
    client_secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    token_secret: str = field(default="", repr=False)
    verifier: str = field(default="", repr=False)


class Signed(httpx.Auth):
    """Signs each request. ``keys`` are asked for anew each time; it raises ``AuthenticationRequired`` without any."""

    def __init__(self, keys: Callable[[], Keys]) -> None:
        self._keys = keys

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One request, signed."""
        keys = self._keys()
        signer = Signer(
            keys.client_token,
            client_secret=keys.client_secret,
            resource_owner_key=keys.token or None,
            resource_owner_secret=keys.token_secret or None,
            verifier=keys.verifier or None,
            signature_method=SIGNATURE_PLAINTEXT,
        )
        # Neither address nor method is part of a plain text signature.
        _, headers, _ = signer.sign(str(request.url.copy_with(query=None)), "GET")
        request.headers["Authorization"] = headers["Authorization"]
        yield request
