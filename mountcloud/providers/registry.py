"""Which services there are: scheme to factory, by hand, so that nothing is found by magic.

Only the service that is asked for is imported: the others would make every start slower.
"""

import difflib
from collections.abc import Awaitable, Callable, Mapping

from mountcloud.model.errors import InvalidArgument
from mountcloud.model.keepsakes import Keepsakes, NoKeepsakes
from mountcloud.model.places import Places
from mountcloud.model.provider import Provider, Secrets
from mountcloud.providers.memory_places import MemoryPlaces

Factory = Callable[[Mapping[str, object], Secrets, Places, Keepsakes], Provider]
"""Makes a provider of its settings and secrets, without network; raises ``InvalidArgument`` for wrong settings.

Services that have stable ids of their own leave the book of places alone.
"""


def _amazon(settings: Mapping[str, object], secrets: Secrets, places: Places, _: Keepsakes) -> Provider:
    from mountcloud.providers.amazon.provider import create

    return create(settings, secrets, places)


def _dracoon(settings: Mapping[str, object], secrets: Secrets, _: Places, keepsakes: Keepsakes) -> Provider:
    from mountcloud.providers.dracoon.provider import create

    return create(settings, secrets, keepsakes)


def _memory(settings: Mapping[str, object], _: Secrets, __: Places, ___: Keepsakes) -> Provider:
    """A service of its own that dies with the provider, for trying things out."""
    from mountcloud.providers.memory import MemoryProvider

    if settings:
        raise InvalidArgument(f"unknown setting {next(iter(settings))!r}", hint="the provider 'memory' has none")
    return MemoryProvider()


def _metadisk(settings: Mapping[str, object], secrets: Secrets, places: Places, _: Keepsakes) -> Provider:
    from mountcloud.providers.metadisk.provider import create

    return create(settings, secrets, places)


def _nextcloud(settings: Mapping[str, object], secrets: Secrets, places: Places, _: Keepsakes) -> Provider:
    from mountcloud.providers.webdav.nextcloud import create

    return create(settings, secrets, places)


def _smartfile(settings: Mapping[str, object], secrets: Secrets, places: Places, _: Keepsakes) -> Provider:
    from mountcloud.providers.smartfile.provider import create

    return create(settings, secrets, places)


def _webdav(settings: Mapping[str, object], secrets: Secrets, places: Places, _: Keepsakes) -> Provider:
    from mountcloud.providers.webdav.provider import create

    return create(settings, secrets, places)


FACTORIES: dict[str, Factory] = {
    "amazon": _amazon,
    "dracoon": _dracoon,
    "memory": _memory,
    "metadisk": _metadisk,
    "nextcloud": _nextcloud,
    "smartfile": _smartfile,
    "webdav": _webdav,
}


BrowserLogin = Callable[[Mapping[str, object], Callable[[str], None]], Awaitable[tuple[dict[str, str], dict[str, str]]]]
"""Shows an address where the user grants access and waits for it; gives settings and secrets to be kept.

Raises ``AuthenticationRequired`` if nobody grants it, ``InvalidArgument`` for wrong settings.
"""


async def _nextcloud_login(
    settings: Mapping[str, object], show: Callable[[str], None]
) -> tuple[dict[str, str], dict[str, str]]:
    from mountcloud.providers.webdav.nextcloud import log_in_by_browser

    return await log_in_by_browser(settings, show)


BROWSER_LOGINS: dict[str, BrowserLogin] = {"nextcloud": _nextcloud_login}

VerificationLogin = Callable[[Mapping[str, object], Callable[[str, bool], str]], Awaitable[dict[str, str]]]
"""Asks the user for what is needed (a question, and whether the answer is hidden); gives secrets to be kept."""


async def _smartfile_login(settings: Mapping[str, object], ask: Callable[[str, bool], str]) -> dict[str, str]:
    from mountcloud.providers.smartfile.granting import log_in

    return await log_in(settings, ask)


VERIFICATION_LOGINS: dict[str, VerificationLogin] = {"smartfile": _smartfile_login}


def create(
    scheme: str,
    settings: Mapping[str, object],
    secrets: Secrets,
    places: Places | None = None,
    keepsakes: Keepsakes | None = None,
) -> Provider:
    """The provider of this scheme; raises ``InvalidArgument`` if there is none.

    Without a book of places, ids of services that address nodes by path end with the provider; without keepsakes
    nothing that is encrypted can be read while the service is away.
    """
    demand_known(scheme)
    where = MemoryPlaces() if places is None else places
    return FACTORIES[scheme](settings, secrets, where, NoKeepsakes() if keepsakes is None else keepsakes)


def demand_known(scheme: str) -> None:
    """Raises ``InvalidArgument`` unless there is such a provider."""
    if scheme not in FACTORIES:
        near = difflib.get_close_matches(scheme, FACTORIES, n=1)
        known = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(FACTORIES))}"
        raise InvalidArgument(f"unknown provider {scheme!r}", hint=known)
