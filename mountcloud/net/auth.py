"""Who we are, said in the way that the server asks for: Basic (RFC 7617), Digest (RFC 7616), Bearer (RFC 6750).

Left to itself, the first request goes without credentials and the server's challenge decides: a password is not told
in the clear to a server that would have been content with a digest.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from enum import Enum

import httpx

from mountcloud.model.errors import AuthenticationRequired
from mountcloud.net.oauth2 import TokenSource

Secret = Callable[[], str | None]
"""Fetches the password or token; asked again after the server refused the last one."""

_Flow = Generator[httpx.Request, httpx.Response, None]


class Scheme(Enum):
    """How to say who we are; AUTO does what the server asks for."""

    AUTO = "auto"
    BASIC = "basic"
    DIGEST = "digest"
    BEARER = "bearer"


class Login(httpx.Auth):
    """The credentials of one account. Raises ``AuthenticationRequired`` where a secret is needed and none is stored."""

    def __init__(self, username: str, secret: Secret, scheme: Scheme = Scheme.AUTO) -> None:
        self._username = username
        self._secret = secret
        self._scheme = scheme
        self._chosen: httpx.Auth | None = None

    def auth_flow(self, request: httpx.Request) -> _Flow:
        """Send it as before if that is known, else as the server asks for."""
        if self._chosen is None and self._scheme is not Scheme.AUTO:
            self._chosen = self._made(self._scheme)
        if self._chosen is not None:
            response = yield from _last(self._chosen.auth_flow(request))
        else:
            response = yield request
            if response.status_code == 401:
                response = yield from self._answer(request, response)
        if response.status_code == 401:
            self._chosen = None

    def _answer(
        self, request: httpx.Request, challenge: httpx.Response
    ) -> Generator[httpx.Request, httpx.Response, httpx.Response]:
        scheme = _asked_for(challenge.headers.get_list("www-authenticate"))
        if scheme is None:
            return challenge
        self._chosen = self._made(scheme)
        flow = self._chosen.auth_flow(request)
        next_request = next(flow)
        if scheme is Scheme.DIGEST:
            next_request = flow.send(challenge)
        return (yield next_request)

    def _made(self, scheme: Scheme) -> httpx.Auth:
        secret = self._secret()
        if not secret:
            raise AuthenticationRequired("no password is stored", hint="mountcloud login NAME")
        if scheme is Scheme.DIGEST:
            return httpx.DigestAuth(self._username, secret)
        return _Bearer(secret) if scheme is Scheme.BEARER else httpx.BasicAuth(self._username, secret)


class TokenLogin(httpx.Auth):
    """The access token of an account; one that is refused is renewed, and the request sent once more."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Raises ``AuthenticationRequired`` where only the user can help."""
        token = await self._tokens.token()
        request.headers["Authorization"] = f"Bearer {token.value}"
        response = yield request
        if response.status_code == 401:
            token = await self._tokens.renew(token)
            request.headers["Authorization"] = f"Bearer {token.value}"
            yield request


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> _Flow:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def _asked_for(challenges: list[str]) -> Scheme | None:
    """The best scheme of those that the server offers; several may share one header.

    The library reads a digest's challenge at the beginning of a header only, and knows no protection of bodies.
    """
    offered = [each.strip().lower() for each in challenges]
    if any(each.startswith("digest ") and 'qop="auth-int"' not in each for each in offered):
        return Scheme.DIGEST
    together = f"{' '.join(offered)} "
    return next((each for each in (Scheme.BASIC, Scheme.BEARER) if f"{each.value} " in together), None)


def _last(flow: _Flow) -> Generator[httpx.Request, httpx.Response, httpx.Response]:
    """Play a flow to its end; the last response."""
    request = next(flow)
    while True:
        response = yield request
        try:
            request = flow.send(response)
        except StopIteration:
            return response
