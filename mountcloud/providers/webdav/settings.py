"""What the user says about a WebDAV account, checked before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mountcloud.model.errors import InvalidArgument
from mountcloud.net.auth import Scheme
from mountcloud.providers.checking import check_proxy, typed

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class WebdavSettings:
    """One account. ``url`` is the collection in which the tree begins; without ``username`` nobody logs in.

    ``allow_http`` lets the password travel unencrypted to a server that is not this machine. ``ca_file`` holds
    authorities to trust besides the system's, ``proxy`` the address of a proxy (else the environment decides).
    """

    url: str
    username: str = ""
    auth: Scheme = Scheme.AUTO
    ca_file: str = ""
    proxy: str = ""
    allow_http: bool = False
    max_concurrency: int = 16


def settings_from(values: Mapping[str, object]) -> WebdavSettings:
    """Settings of a table of the configuration; raises ``InvalidArgument`` that names the wrong key."""
    checked = typed(WebdavSettings, values)
    checked["url"] = _url(checked.get("url", ""), allow_http=checked.get("allow_http", False))
    settings = WebdavSettings(**checked)
    if settings.max_concurrency < 1:
        raise InvalidArgument("max_concurrency must be at least 1")
    check_proxy(settings.proxy)
    return settings


def _url(text: str, *, allow_http: bool) -> str:
    """The address without a trailing slash."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument("url must look like https://cloud.example/dav")
    if parts.username or parts.query or parts.fragment:
        raise InvalidArgument("url must not hold credentials, a query or a fragment")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not allow_http:
        raise InvalidArgument("url must begin with https://", hint="allow_http = true sends the password in the clear")
    return text.rstrip("/")
