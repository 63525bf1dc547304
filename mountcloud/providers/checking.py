"""What all services ask of the table that the user wrote for an account, before anything is sent."""

import difflib
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any
from urllib.parse import SplitResult, urlsplit

from mountcloud.model.errors import InvalidArgument

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def typed(settings: type, values: Mapping[str, object]) -> dict[str, Any]:
    """The values in the types that the fields of a dataclass have.

    Raises ``InvalidArgument`` that names the wrong key, for unknown ones with the nearest that is known.
    """
    known = {field.name: field.type for field in fields(settings)}
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise InvalidArgument(f"unknown setting {key!r}", hint=f"did you mean {near[0]!r}?" if near else "")
    return {key: _typed(key, value, known[key]) for key, value in values.items()}


def _typed(key: str, value: object, expected: Any) -> object:  # noqa: ANN401 - whatever a field is declared as
    if isinstance(expected, type) and issubclass(expected, Enum):
        try:
            return expected(value)
        except ValueError:
            raise InvalidArgument(f"{key} must be one of: {', '.join(each.value for each in expected)}") from None
    if type(value) is not expected:
        raise InvalidArgument(f"{key} must be of type {getattr(expected, '__name__', expected)}")
    return value


def checked_url(key: str, text: str, example: str, *, allow_http: bool | None = None) -> str:
    """The address of a service, without a slash at its end.

    Passwords and tokens travel there, so it is unencrypted only on this machine, or where ``allow_http`` (None: there
    is no such setting) says that this is meant. Raises ``InvalidArgument`` that names ``key``.
    """
    parts = _parts(text)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument(f"{key} must look like {example}")
    if parts.username or parts.query or parts.fragment:
        raise InvalidArgument(f"{key} must not hold credentials, a query or a fragment")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not allow_http:
        hint = "" if allow_http is None else "allow_http = true sends the log-in in the clear"
        raise InvalidArgument(f"{key} must begin with https://", hint=hint)
    return text.rstrip("/")


def check_proxy(proxy: str) -> None:
    """Raises ``InvalidArgument`` unless it is the address of a proxy, or empty."""
    parts = _parts(proxy)
    if proxy and (parts is None or parts.scheme not in {"http", "https", "socks5"}):
        raise InvalidArgument("proxy must look like http://proxy.example:3128")


def _parts(text: str) -> SplitResult | None:
    """None for what is no address, such as one whose port is no number."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts
