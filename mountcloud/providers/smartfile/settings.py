"""What the user says about a SmartFile account, checked before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mountcloud.model.errors import InvalidArgument
from mountcloud.providers.checking import check_proxy, checked_url, typed

SERVICE = "https://app.smartfile.com"


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
    url = checked_url("url", settings.url, SERVICE, allow_http=settings.allow_http)
    return replace(settings, url=url)
