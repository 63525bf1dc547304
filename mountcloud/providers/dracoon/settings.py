"""What the user says about a DRACOON account, checked before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from mountcloud.model.errors import InvalidArgument
from mountcloud.providers.checking import checked_url, typed

MIN_PART_SIZE = 5 * 1024 * 1024
"""Bytes; the storage refuses smaller parts, the last one excepted (DRACOON facts, 12.3)."""


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
    checked = typed(DracoonSettings, values)
    checked["url"] = checked_url("url", checked.get("url", ""), "https://dracoon.team")
    settings = DracoonSettings(**checked)
    if settings.part_size < MIN_PART_SIZE:
        raise InvalidArgument(f"part_size must be at least {MIN_PART_SIZE}")
    if settings.max_concurrency < 1:
        raise InvalidArgument("max_concurrency must be at least 1")
    return settings
