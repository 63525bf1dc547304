"""What the user says about a SmartFile account, checked before anything is sent."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from mountcloud.model.errors import InvalidArgument

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
    known = {field.name: field.type for field in fields(SmartFileSettings)}
    for key, value in values.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise InvalidArgument(f"unknown setting {key!r}", hint=f"did you mean {near[0]!r}?" if near else "")
        if type(value) is not known[key]:
            raise InvalidArgument(f"{key} must be of type {getattr(known[key], '__name__', known[key])}")
    checked: dict[str, Any] = dict(values)
    settings = SmartFileSettings(**checked)
    if settings.username and settings.client_token:
        raise InvalidArgument("username and client_token exclude each other", hint="client_token is for OAuth")
    if settings.max_concurrency < 1 or settings.delta_min_kib < 0:
        raise InvalidArgument("max_concurrency must be at least 1, delta_min_kib at least 0")
    if settings.proxy and urlsplit(settings.proxy).scheme not in {"http", "https", "socks5"}:
        raise InvalidArgument("proxy must look like http://proxy.example:3128")
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
