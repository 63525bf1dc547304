"""What the user says about a WebDAV account, checked before anything is sent."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from mountcloud.model.errors import InvalidArgument
from mountcloud.net.auth import Scheme

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
    known = [field.name for field in fields(WebdavSettings)]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise InvalidArgument(f"unknown setting {key!r}", hint=f"did you mean {near[0]!r}?" if near else "")
    checked: dict[str, Any] = {key: _typed(key, value) for key, value in values.items()}
    checked["url"] = _url(checked.get("url", ""), allow_http=checked.get("allow_http", False))
    settings = WebdavSettings(**checked)
    if settings.max_concurrency < 1:
        raise InvalidArgument("max_concurrency must be at least 1")
    if settings.proxy and urlsplit(settings.proxy).scheme not in {"http", "https", "socks5"}:
        raise InvalidArgument("proxy must look like http://proxy.example:3128")
    return settings


def _typed(key: str, value: object) -> object:
    """The value in the type that the setting has."""
    expected = next(field.type for field in fields(WebdavSettings) if field.name == key)
    if expected is Scheme:
        try:
            return Scheme(value)
        except ValueError:
            raise InvalidArgument(f"{key} must be one of: {', '.join(each.value for each in Scheme)}") from None
    if type(value) is not expected:
        raise InvalidArgument(f"{key} must be of type {getattr(expected, '__name__', expected)}")
    return value


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
