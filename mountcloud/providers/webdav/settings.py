"""What the user says about a WebDAV account, checked before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from mountcloud.model.errors import InvalidArgument
from mountcloud.net.auth import Scheme
from mountcloud.providers.checking import check_proxy, checked_url, typed


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
    checked = typed(WebdavSettings, values)
    allowed = checked.get("allow_http", False)
    url = checked_url("url", checked.get("url", ""), "https://cloud.example/dav", allow_http=allowed)
    settings = WebdavSettings(**{**checked, "url": url})
    if settings.max_concurrency < 1:
        raise InvalidArgument("max_concurrency must be at least 1")
    check_proxy(settings.proxy)
    return settings
