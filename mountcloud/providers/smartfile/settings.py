"""What the user says about a SmartFile account, checked before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mountcloud.model.errors import InvalidArgument
from mountcloud.providers.checking import check_proxy, typed

SERVICE = "https://app.smartfile.com"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class SmartFileSettings:
    """One account. ``username`` is the API key, or the name with which the user logs in; empty: it is found elsewhere.

    ``client_token`` names the program to which access was granted (OAuth); then there is no ``username``.
    ``delta_min_kib``: the smallest file of which only changed parts are sent, 0 = never. ``ca_file``, ``proxy``,
    ``allow_http`` as for WebDAV.
    """

    url: str = SERVICE
    username: str = ""
    client_token: str = ""
    ca_file: str = ""
    proxy: str = ""
    allow_http: bool = False
    delta_min_kib: int = 1024
    max_concurrency: int = 4


def settings_from(values: Mapping[str, object]) -> SmartFileSettings:
    """Settings of a table of the configuration; raises ``InvalidArgument`` that names the wrong key."""
    checked = typed(SmartFileSettings, values)
    settings = SmartFileSettings(**checked)
    if settings.username and settings.client_token:
        raise InvalidArgument("username and client_token exclude each other", hint="client_token is for OAuth")
    if settings.max_concurrency < 1 or settings.delta_min_kib < 0:
        raise InvalidArgument("max_concurrency must be at least 1, delta_min_kib at least 0")
    check_proxy(settings.proxy)
    return SmartFileSettings(**{**checked, "url": _url(settings)})


def _url(settings: SmartFileSettings) -> str:
    """The address without a trailing slash."""
    parts = urlsplit(settings.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument("url must look like https://app.smartfile.com")
    if parts.username or parts.query or parts.fragment:
        raise InvalidArgument("url must not hold credentials, a query or a fragment")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not settings.allow_http:
        raise InvalidArgument("url must begin with https://", hint="allow_http = true sends the password in the clear")
    return settings.url.rstrip("/")
