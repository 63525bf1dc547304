"""What the user says about a Metadisk account, checked before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mountcloud.model.errors import InvalidArgument
from mountcloud.providers.checking import check_proxy, typed

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class MetadiskSettings:
    """One account. ``username`` is its e-mail address, which only the log-in needs.

    New buckets get ``storage`` and ``transfer``, in GB. ``ca_file``, ``proxy``, ``allow_http`` as for WebDAV; shards
    come from other hosts, which are asked without the proxy.
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
    return MetadiskSettings(**{**checked, "url": _url(settings)})


def _url(settings: MetadiskSettings) -> str:
    """The address without a trailing slash."""
    parts = urlsplit(settings.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument("url must look like https://bridge.example.com")
    if parts.username or parts.query or parts.fragment or parts.path.strip("/"):
        raise InvalidArgument("url must be an origin, without credentials, path, query or fragment")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not settings.allow_http:
        raise InvalidArgument("url must begin with https://", hint="allow_http = true sends the log-in in the clear")
    return settings.url.rstrip("/")
