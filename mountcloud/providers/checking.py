"""What all services ask of the table that the user wrote for an account, before anything is sent."""

import difflib
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from mountcloud.model.errors import InvalidArgument


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


def check_proxy(proxy: str) -> None:
    """Raises ``InvalidArgument`` unless it is the address of a proxy, or empty."""
    if proxy and urlsplit(proxy).scheme not in {"http", "https", "socks5"}:
        raise InvalidArgument("proxy must look like http://proxy.example:3128")
