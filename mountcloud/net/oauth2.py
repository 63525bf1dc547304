"""OAuth 2.0: where access tokens come from, and how a hundred requests share one refresh."""

import base64
import hashlib
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import trio

from mountcloud.model.errors import AuthenticationRequired, Unavailable
from mountcloud.model.provider import Secrets
from mountcloud.net.http import Client, Response

_log = logging.getLogger(__name__)

_EXPIRY_MARGIN_S = 30.0
_RENEWALS, _RENEWAL_WINDOW_S = 5, 15.0
"""A service that refuses every fresh token gets no more than this many of our renewals in the window."""

_REFUSED_FOR_S = 900.0
"""A refused password is not sent again for this long: services lock accounts after some wrong ones."""

_SHIELD_S = 30.0
_LOGIN_AGAIN = "mountcloud login NAME"


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """The endpoints (paths on the service, or whole addresses) and who we are to them.

    ``username`` enables the password grant. ``secret_in_form``: the client's name and secret go with the form.
    """

    client_id: str
    username: str = ""
    redirect_uri: str = ""
    scope: str = "all"
    authorize_path: str = "/oauth/authorize"
    token_path: str = "/oauth/token"  # noqa: S105 - an address
    revoke_path: str = "/oauth/revoke"
    secret_in_form: bool = False


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and its place in the row of all tokens of this process. ``expires_at`` is in trio's time."""

    value: str = field(repr=False)
    serial: int
    expires_at: float


class TokenSource:
    """The access token of one account. Secrets used: ``password``, ``refresh_token``, ``client_secret``.

    Access tokens live in memory alone. A refresh returns a new refresh token, which is stored before anything else
    happens (DRACOON facts, 3).
    """

    def __init__(self, client: Client, settings: OAuthSettings, secrets: Secrets) -> None:
        self._client = client
        self._settings = settings
        self._secrets = secrets
        self._lock = trio.Lock()
        self._current: AccessToken | None = None
        self._serial = 0
        self._renewals: deque[float] = deque(maxlen=_RENEWALS)
        self._refused: dict[bytes, float] = {}

    async def token(self) -> AccessToken:
        """A token that should work; obtains one if there is none or its time is over.

        Raises ``AuthenticationRequired`` where only the user can help, ``Unavailable`` on trouble.
        """
        current = self._current
        if current is not None and trio.current_time() < current.expires_at:
            return current
        return await self.renew(current)

    async def renew(self, rejected: AccessToken | None) -> AccessToken:
        """A newer token than the rejected one; whoever comes late gets the one that an earlier caller fetched."""
        async with self._lock:
            current = self._current
            if current is not None and (rejected is None or current.serial > rejected.serial):
                return current
            self._guard_against_storm()
            # A cancelled caller must not lose the new refresh token on its way: the old one may be dead already.
            with trio.move_on_after(_SHIELD_S, shield=True):
                token = await self._obtain()
                self._renewals.append(trio.current_time())  # a service that is away refuses nothing
                return token
            raise Unavailable("the service did not give a token in time")

    async def redeem(self, code: str) -> None:
        """Exchange the code of an authorization for tokens, and keep them."""
        form = {"grant_type": "authorization_code", "code": code}
        if self._settings.redirect_uri:
            form["redirect_uri"] = self._settings.redirect_uri
        async with self._lock:
            response = await self._post(self._settings.token_path, form)
            if _error(response) is not None:
                raise AuthenticationRequired("the service refused the authorization code", hint="start the login again")
            self._keep(response)

    def authorize_url(self, base_url: str, state: str) -> str:
        """Where the user's browser gets the code for ``redeem``."""
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect_uri,
            "scope": self._settings.scope,
            "state": state,
        }
        path = self._settings.authorize_path
        return f"{base_url.rstrip('/') if path.startswith('/') else ''}{path}?{urlencode(query)}"

    async def revoke(self) -> None:
        """Make all tokens useless, here and on the service."""
        async with self._lock:
            current, self._current = self._current, None
            if current is not None:
                await self._revoke_one(current.value, "access_token")
            refresh = self._secrets.get("refresh_token")
            if refresh is not None:
                await self._revoke_one(refresh, "refresh_token")
                self._secrets.delete("refresh_token")

    async def _revoke_one(self, token: str, kind: str) -> None:
        response = await self._post(self._settings.revoke_path, {"token": token, "token_type_hint": kind})
        if not response.ok:
            _log.warning("the service did not revoke the %s: %d", kind.replace("_", " "), response.status)

    def _guard_against_storm(self) -> None:
        now = trio.current_time()
        if len(self._renewals) == _RENEWALS and now - self._renewals[0] < _RENEWAL_WINDOW_S:
            raise AuthenticationRequired("the service refuses its own fresh tokens", hint=_LOGIN_AGAIN)

    async def _obtain(self) -> AccessToken:
        """Refresh if we can, else the password, else the user must help."""
        # Another process of the account may have rotated the token while ours was on its way: then look again.
        while (refresh := self._secrets.get("refresh_token")) is not None and not self._was_refused(refresh):
            token = await self._grant({"grant_type": "refresh_token", "refresh_token": refresh}, refresh)
            if token is not None:
                return token
        password = self._secrets.get("password")
        if password is not None and self._settings.username and not self._was_refused(password):
            form = {"grant_type": "password", "username": self._settings.username, "password": password}
            token = await self._grant(form, password)
            if token is not None:
                return token
        raise AuthenticationRequired("the service does not accept the credentials", hint=_LOGIN_AGAIN)

    async def _grant(self, form: Mapping[str, str], credential: str) -> AccessToken | None:
        """None if the credential is refused; it is then remembered by its digest alone."""
        response = await self._post(self._settings.token_path, form)
        error = _error(response)
        if error is None:
            return self._keep(response)
        if error != "invalid_grant":
            raise AuthenticationRequired(
                f"the service refuses this client: {error}", hint="check client_id, and that the client is enabled"
            )
        self._refused[_digest(credential)] = trio.current_time() + _REFUSED_FOR_S
        return None

    def _was_refused(self, credential: str) -> bool:
        return self._refused.get(_digest(credential), 0.0) > trio.current_time()

    async def _post(self, path: str, form: Mapping[str, str]) -> Response:
        secret = self._secrets.get("client_secret") or ""
        if self._settings.secret_in_form:
            known = {"client_id": self._settings.client_id} | ({"client_secret": secret} if secret else {})
            return await self._client.request("POST", path, form={**form, **known})
        pair = base64.b64encode(f"{self._settings.client_id}:{secret}".encode()).decode()
        return await self._client.request("POST", path, form=form, authorization=f"Basic {pair}")

    def _keep(self, response: Response) -> AccessToken:
        """Store the refresh token first: were we to die after using the access token, it would be lost."""
        answer = response.json()
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise Unavailable("the service gave no access token")
        rotated = answer.get("refresh_token")
        if isinstance(rotated, str) and rotated:
            self._secrets.put("refresh_token", rotated)
        lifetime = answer.get("expires_in")
        seconds = float(lifetime) if isinstance(lifetime, int | float) and lifetime > 0 else 3600.0
        self._serial += 1
        usable_s = seconds - min(_EXPIRY_MARGIN_S, seconds / 10)
        self._current = AccessToken(answer["access_token"], self._serial, trio.current_time() + usable_s)
        return self._current


def _error(response: Response) -> str | None:
    """The OAuth error name of an answer, None if it is a success; raises ``Unavailable`` for anything else."""
    if response.ok:
        return None
    if response.status == 429 or response.status >= 500 or response.status < 400:
        raise Unavailable(f"the login service answers {response.status}", retry_after=response.retry_after)
    try:
        answer = response.json()
    except Unavailable:
        answer = None
    name = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(name, str) or not name.isidentifier():
        raise Unavailable(f"the login service answers {response.status} without a reason")
    return name


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode()).digest()
