"""Access granted by the user in a browser, with a code that is typed in here (SmartFile facts, 2)."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, quote

from mountcloud.model.errors import AuthenticationRequired, Unavailable
from mountcloud.net.http import Client, ClientSettings, Response
from mountcloud.net.oauth1 import Keys, Signed
from mountcloud.providers.smartfile.settings import settings_from

Ask = Callable[[str, bool], str]
"""Asks the user; the answer is hidden if it is a secret."""


async def log_in(options: Mapping[str, object], ask: Ask) -> dict[str, str]:
    """The secrets of an account to which the user grants access; raises ``AuthenticationRequired``, ``Unavailable``."""
    settings = settings_from(options)
    keys = Keys(settings.client_token, ask("Client secret", True))
    token, secret = await _exchange(settings.url, "request_token", keys)
    address = f"{settings.url}/oauth/authorize/?oauth_token={quote(token, safe='')}"
    code = ask(f"Open this address in a browser and grant access there:\n\n  {address}\n\nCode", False)
    granted = Keys(keys.client_token, keys.client_secret, token, secret, code.strip())
    access, access_secret = await _exchange(settings.url, "access_token", granted)
    return {"client_secret": keys.client_secret, "access_token": access, "access_secret": access_secret}


async def _exchange(url: str, step: str, keys: Keys) -> tuple[str, str]:
    client = Client(ClientSettings(url), auth=Signed(lambda: keys))
    try:
        answer = await client.request("POST", f"/oauth/{step}/", headers={"Accept": "*/*"})
    finally:
        await client.aclose()
    return _tokens(answer)


def _tokens(answer: Response) -> tuple[str, str]:
    if answer.status in {400, 401, 403}:
        raise AuthenticationRequired("the service does not grant access", hint="check the client token and the code")
    said = parse_qs(answer.body.decode(errors="replace")) if answer.ok else {}
    token, secret = (said.get(name, [""])[0] for name in ("oauth_token", "oauth_token_secret"))
    if not token or not secret:
        raise Unavailable(f"the service gives no token [{answer.status}]")
    return token, secret
