"""What the user says about an Amazon Cloud Drive account, checked before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from mountcloud.model.errors import InvalidArgument
from mountcloud.providers.checking import check_proxy, checked_url, typed

DOCUMENTED_CHANGE_CALLS = 15
"""Requests to the change feed that the service asked for at most, in an hour (Amazon facts, 13)."""

EXAMPLE = "https://drive.example.com"
"""What its addresses look like."""


@dataclass(frozen=True, slots=True)
class AmazonSettings:
    """One account. ``url`` is the origin of the service; ``authorize_url`` and ``token_url`` where it logs in, else
    they are below ``url``. ``owner`` is under whose name properties are kept: the app's security profile.

    ``change_calls_per_hour`` 0 is no limit. ``temp_link_from`` is the size in bytes from which files are read through
    an address of their own, because the ordinary one failed for very large ones (Amazon facts, 8).
    """

    url: str
    client_id: str = "mountcloud"
    redirect_uri: str = "http://localhost"
    authorize_url: str = ""
    token_url: str = ""
    owner: str = "mountcloud"
    ca_file: str = ""
    proxy: str = ""
    max_concurrency: int = 8
    change_calls_per_hour: int = DOCUMENTED_CHANGE_CALLS
    temp_link_from: int = 9 << 30


def settings_from(values: Mapping[str, object]) -> AmazonSettings:
    """Settings of a table of the configuration; raises ``InvalidArgument`` that names the wrong key."""
    checked = typed(AmazonSettings, values)
    checked["url"] = checked_url("url", checked.get("url", ""), EXAMPLE)
    for key, below in (("authorize_url", "/ap/oa"), ("token_url", "/auth/o2/token")):
        checked[key] = checked_url(key, checked.get(key) or checked["url"] + below, EXAMPLE)
    settings = AmazonSettings(**checked)
    if settings.max_concurrency < 1:
        raise InvalidArgument("max_concurrency must be at least 1")
    if settings.change_calls_per_hour < 0 or settings.temp_link_from < 0:
        raise InvalidArgument("change_calls_per_hour and temp_link_from must not be negative")
    if not settings.owner or "/" in settings.owner:
        raise InvalidArgument("owner must be the name of the app's security profile")
    check_proxy(settings.proxy)
    return settings
