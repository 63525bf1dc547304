"""What the user says about a DRACOON account, checked before anything is sent."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from mountcloud.model.errors import InvalidArgument

MIN_PART_SIZE = 5 * 1024 * 1024
"""Bytes; the storage refuses smaller parts, the last one excepted (DRACOON facts, 12.3)."""

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Channel(Enum):
    """How bytes go up: through the service, straight to its storage, or as the service says."""

    AUTO = "auto"
    CLASSIC = "classic"
    S3 = "s3"


@dataclass(frozen=True, slots=True)
class DracoonSettings:
    """One account. ``part_size`` is in bytes; ``root`` is the path of the room or folder to begin in."""

    url: str
    username: str = ""
    client_id: str = "dracoon_legacy_scripting"
    redirect_uri: str = ""
    upload_channel: Channel = Channel.AUTO
    part_size: int = 8 * 1024 * 1024
    root: str = ""
    ca_file: str = ""
    max_concurrency: int = 16
    distribute_keys: bool = True

    @property
    def callback(self) -> str:
        """Where the login page sends the code: the service's own page shows it for copying (DRACOON facts, 3)."""
        return self.redirect_uri or f"{self.url}/oauth/callback"


def settings_from(values: Mapping[str, object]) -> DracoonSettings:
    """Settings of a table of the configuration; raises ``InvalidArgument`` that names the wrong key."""
    known = [field.name for field in fields(DracoonSettings)]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise InvalidArgument(f"unknown setting {key!r}", hint=f"did you mean {near[0]!r}?" if near else "")
    checked: dict[str, Any] = {key: _typed(key, value) for key, value in values.items()}
    checked["url"] = _url(checked.get("url", ""))
    settings = DracoonSettings(**checked)
    if settings.part_size < MIN_PART_SIZE:
        raise InvalidArgument(f"part_size must be at least {MIN_PART_SIZE}")
    if settings.max_concurrency < 1:
        raise InvalidArgument("max_concurrency must be at least 1")
    return settings


def _typed(key: str, value: object) -> object:
    """The value in the type that the setting's default has."""
    expected = next(field.type for field in fields(DracoonSettings) if field.name == key)
    if expected is Channel:
        try:
            return Channel(value)
        except ValueError:
            names = ", ".join(channel.value for channel in Channel)
            raise InvalidArgument(f"{key} must be one of: {names}") from None
    if type(value) is not expected:
        raise InvalidArgument(f"{key} must be of type {getattr(expected, '__name__', expected)}")
    return value


def _url(text: str) -> str:
    """The address without a trailing slash; unencrypted only on this machine, since passwords travel."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument("url must look like https://dracoon.team")
    if parts.username or parts.query or parts.fragment:
        raise InvalidArgument("url must not hold credentials, a query or a fragment")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InvalidArgument("url must begin with https://")
    return text.rstrip("/")
