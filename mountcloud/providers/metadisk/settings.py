"""What the user says about a Metadisk account, checked before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from mountcloud.model.errors import InvalidArgument
from mountcloud.providers.checking import check_proxy, checked_url, typed


@dataclass(frozen=True, slots=True)
class MetadiskSettings:
    """One account. ``username`` is its e-mail address, which only the log-in needs.

    New buckets get ``storage`` and ``transfer``, in GB. ``ca_file``, ``proxy``, ``allow_http`` as for WebDAV; shards
    come from other hosts, through the same proxy.
    """

    url: str
    username: str = ""
    storage: int = 10
    transfer: int = 30
    ca_file: str = ""
    proxy: str = ""
    allow_http: bool = False
    max_concurrency: int = 4


def settings_from(values: Mapping[str, object]) -> MetadiskSettings:
    """Settings of a table of the configuration; raises ``InvalidArgument`` that names the wrong key."""
    checked = typed(MetadiskSettings, values)
    if "url" not in checked:
        raise InvalidArgument("url is missing", hint="the public service is closed, so name a server")
    settings = MetadiskSettings(**checked)
    if settings.max_concurrency < 1 or min(settings.storage, settings.transfer) < 1:
        raise InvalidArgument("max_concurrency, storage and transfer must be at least 1")
    check_proxy(settings.proxy)
    url = checked_url("url", settings.url, "https://bridge.example.com", allow_http=settings.allow_http)
    if urlsplit(url).path:
        raise InvalidArgument("url must be an origin, without a path")
    return replace(settings, url=url)
