"""Which services there are: scheme to factory, by hand, so that nothing is found by magic."""

import difflib
from collections.abc import Awaitable, Callable, Mapping

from mountcloud.model.errors import InvalidArgument
from mountcloud.model.places import Places
from mountcloud.model.provider import Provider, Secrets
from mountcloud.providers.amazon import provider as amazon
from mountcloud.providers.dracoon import provider as dracoon
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.metadisk import provider as metadisk
from mountcloud.providers.smartfile import granting as smartfile_granting
from mountcloud.providers.smartfile import provider as smartfile
from mountcloud.providers.webdav import nextcloud
from mountcloud.providers.webdav import provider as webdav

Factory = Callable[[Mapping[str, object], Secrets, Places], Provider]
"""Makes a provider of its settings and secrets, without network; raises ``InvalidArgument`` for wrong settings.

Services that have stable ids of their own leave the book of places alone.
"""


def _dracoon(settings: Mapping[str, object], secrets: Secrets, _: Places) -> Provider:
    return dracoon.create(settings, secrets)


def _memory(settings: Mapping[str, object], _: Secrets, __: Places) -> Provider:
    """A service of its own that dies with the provider, for trying things out."""
    if settings:
        raise InvalidArgument(f"unknown setting {next(iter(settings))!r}", hint="the provider 'memory' has none")
    return MemoryProvider()


FACTORIES: dict[str, Factory] = {
    "amazon": amazon.create,
    "dracoon": _dracoon,
    "memory": _memory,
    "metadisk": metadisk.create,
    "nextcloud": nextcloud.create,
    "smartfile": smartfile.create,
    "webdav": webdav.create,
}


BrowserLogin = Callable[[Mapping[str, object], Callable[[str], None]], Awaitable[tuple[dict[str, str], dict[str, str]]]]
"""Shows an address where the user grants access and waits for it; gives settings and secrets to be kept.

Raises ``AuthenticationRequired`` if nobody grants it, ``InvalidArgument`` for wrong settings.
"""

BROWSER_LOGINS: dict[str, BrowserLogin] = {"nextcloud": nextcloud.log_in_by_browser}

VerificationLogin = Callable[[Mapping[str, object], Callable[[str, bool], str]], Awaitable[dict[str, str]]]
"""Asks the user for what is needed (a question, and whether the answer is hidden); gives secrets to be kept."""

VERIFICATION_LOGINS: dict[str, VerificationLogin] = {"smartfile": smartfile_granting.log_in}


def create(scheme: str, settings: Mapping[str, object], secrets: Secrets, places: Places | None = None) -> Provider:
    """The provider of this scheme; raises ``InvalidArgument`` if there is none.

    Without a book of places, ids of services that address nodes by path end with the provider.
    """
    demand_known(scheme)
    return FACTORIES[scheme](settings, secrets, MemoryPlaces() if places is None else places)


def demand_known(scheme: str) -> None:
    """Raises ``InvalidArgument`` unless there is such a provider."""
    if scheme not in FACTORIES:
        near = difflib.get_close_matches(scheme, FACTORIES, n=1)
        known = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(FACTORIES))}"
        raise InvalidArgument(f"unknown provider {scheme!r}", hint=known)
