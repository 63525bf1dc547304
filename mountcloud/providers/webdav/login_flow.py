"""Log in to Nextcloud in the user's browser: login flow, version 2 (WebDAV facts, 2).

The only way that works with a second factor or single sign-on, and no password is ever typed here.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import trio

from mountcloud.model.errors import AuthenticationRequired, Unavailable
from mountcloud.net.http import Client
from mountcloud.providers.webdav.errors import failure_for

_ASK_EVERY_S = 2.0
_PATIENCE_S = 20 * 60.0
"""The server forgets a login after this time."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What the user granted: the name to log in with, and a password for this machine alone."""

    username: str
    password: str = field(repr=False)


async def log_in(client: Client, top: str, show: Callable[[str], None]) -> Granted:
    """``show`` the address where the user grants access, and wait for it.

    Raises ``AuthenticationRequired`` if nobody did in 20 minutes, ``Unavailable`` where the server has no such login.
    """
    device = {"User-Agent": f"mountcloud on {socket.gethostname()}"}
    answer = await client.request("POST", f"{top}/index.php/login/v2", headers=device)
    if not answer.ok:
        raise failure_for(answer)
    begun = answer.json()
    poll = begun.get("poll") if isinstance(begun, dict) else None
    if not isinstance(begun, dict) or not isinstance(poll, dict):
        raise Unavailable("the server answers, but not as Nextcloud does")
    show(str(begun["login"]))
    # Asked at the address that we know: a server behind a proxy may think that it is called otherwise.
    path = urlsplit(str(poll["endpoint"])).path
    with trio.move_on_after(_PATIENCE_S):
        return await _granted(client, path, str(poll["token"]), device)
    raise AuthenticationRequired("nobody granted access in the browser", hint="start the login again")


async def _granted(client: Client, path: str, token: str, device: dict[str, str]) -> Granted:
    while True:
        await trio.sleep(_ASK_EVERY_S)
        try:
            answer = await client.request("POST", path, form={"token": token}, headers=device)
        except Unavailable:
            continue
        if answer.ok:
            given = answer.json()
            if isinstance(given, dict):
                return Granted(str(given["loginName"]), str(given["appPassword"]))
        if answer.status != 404 and answer.status < 500:
            raise failure_for(answer)
