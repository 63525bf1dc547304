"""Who we are to the service: what was stored at log-in, else what the published client would find (SmartFile facts, 2).

That is the environment, then ``~/.netrc``, whose machine must be the address with its port.
"""

import netrc
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mountcloud.model.errors import AuthenticationRequired, InvalidArgument
from mountcloud.model.provider import Secrets
from mountcloud.net.auth import Login, Scheme
from mountcloud.net.oauth1 import Keys, Signed
from mountcloud.providers.smartfile.settings import SmartFileSettings

KEY, PASSWORD = "SMARTFILE_API_KEY", "SMARTFILE_API_PASSWORD"
CLIENT_TOKEN, CLIENT_SECRET = "SMARTFILE_CLIENT_TOKEN", "SMARTFILE_CLIENT_SECRET"
ACCESS_TOKEN, ACCESS_SECRET = "SMARTFILE_ACCESS_TOKEN", "SMARTFILE_ACCESS_SECRET"
URL = "SMARTFILE_API_URL"

_HINT = "mountcloud login NAME"


def login(settings: SmartFileSettings, secrets: Secrets, environment: Mapping[str, str], home: Path) -> Login | Signed:
    """What proves it with each request; raises ``InvalidArgument`` if nothing tells whose account it is."""
    client_token = settings.client_token or ("" if settings.username else environment.get(CLIENT_TOKEN, ""))
    if client_token:
        return Signed(lambda: _keys(client_token, secrets, environment))
    found = _from_netrc(settings.url, home / ".netrc")
    username = settings.username or environment.get(KEY, "") or (found[0] if found else "")
    if not username:
        raise InvalidArgument("username is missing", hint=f"{_HINT} --provider smartfile, or set {KEY}")

    def password() -> str | None:
        stored = secrets.get("password")
        if stored is None and environment.get(KEY, username) == username:
            stored = environment.get(PASSWORD)
        if stored is None and found is not None and found[0] == username:
            stored = found[1]
        return stored

    return Login(username, password, Scheme.BASIC)


def _keys(client_token: str, secrets: Secrets, environment: Mapping[str, str]) -> Keys:
    """Those of an account to which access was granted; raises ``AuthenticationRequired`` if one is missing."""
    names = {"client_secret": CLIENT_SECRET, "access_token": ACCESS_TOKEN, "access_secret": ACCESS_SECRET}
    found = [secrets.get(name) or environment.get(variable) for name, variable in names.items()]
    client_secret, token, token_secret = found
    if not client_secret or not token or not token_secret:
        raise AuthenticationRequired("no access was granted yet", hint=_HINT)
    return Keys(client_token, client_secret, token, token_secret)


def _from_netrc(url: str, file: Path) -> tuple[str, str] | None:
    """User and password of this very address; a file that cannot be read holds none."""
    try:
        entry = netrc.netrc(file).authenticators(urlsplit(url).netloc)
    except (OSError, netrc.NetrcParseError):
        return None
    return (entry[0], entry[2]) if entry and entry[0] and entry[2] else None
