"""Nextcloud: WebDAV whose abilities are known, and what only it has (WebDAV facts, 2).

Nothing is tried out on a scratch file: what the server can do is known from its name. Who the account is in addresses,
and which names the administrator allows, is asked once and kept in the book.
"""

from collections.abc import Callable, Mapping

from mountcloud.model.errors import InvalidArgument
from mountcloud.model.names import NameRules
from mountcloud.model.node import Node
from mountcloud.model.places import Places
from mountcloud.model.provider import Secrets
from mountcloud.net.http import Client, ClientSettings
from mountcloud.providers.webdav import cloud, login_flow
from mountcloud.providers.webdav.abilities import Abilities
from mountcloud.providers.webdav.address import Address, decoded
from mountcloud.providers.webdav.chunks import CHUNK, Chunks
from mountcloud.providers.webdav.cloud import Cloud, cloud_of
from mountcloud.providers.webdav.dav import Dav
from mountcloud.providers.webdav.provider import WebdavProvider
from mountcloud.providers.webdav.settings import WebdavSettings, settings_from

ABILITIES = Abilities(
    put_if_none=True,
    put_if_match=True,
    delete_if_match=True,
    move_refuses=True,
    precise=True,
    whole_put=True,
    mkcol_tells=True,
    ranges=True,
    quota=True,
    owncloud=True,
    sets_dates=True,
)
"""SabreDAV and the server's own storage, whoever runs it (WebDAV facts, 1 and 2)."""

CLOUD = "nextcloud"
"""The note in the book of places that holds what the server told of the account."""


class NextcloudProvider(WebdavProvider):
    """One account of one Nextcloud."""

    def __init__(self, settings: WebdavSettings, secrets: Secrets, places: Places, chunk: int = CHUNK) -> None:
        super().__init__(settings, secrets, places)
        self._secrets = secrets
        self._origin, self._top = cloud.top_of(settings.url)
        self._chunk = chunk
        self._cloud: Cloud | None = None
        self._abilities = None
        known = cloud_of(places.note(CLOUD))
        if known is not None:
            self._settle(known)

    def _settle(self, known: Cloud) -> None:
        self._cloud, self._abilities = known, ABILITIES
        self._dav.settle(self._address("files", known))
        self._uploads.chunks = Chunks(Dav(self._client, self._address("uploads", known)), self._chunk)

    def _address(self, space: str, known: Cloud) -> Address:
        return Address(self._origin, (*decoded(self._top), "remote.php", "dav", space, known.user_id))

    async def _found_out(self) -> Abilities:
        found = await cloud.ask(self._client, self._top)
        self._places.set_note(CLOUD, found.text)
        self._settle(found)
        return ABILITIES

    @property
    def _names(self) -> NameRules:
        return (self._cloud or Cloud("")).rules

    async def verify(self) -> Node:
        """See whether the credentials work; a typed password is exchanged for one that this machine alone has."""
        password = await cloud.app_password(self._client, self._top)
        if password is not None:
            self._secrets.put("password", password)
        self._abilities = None
        return await self.root()

    async def revoke(self) -> None:
        """Make the password of this machine useless."""
        await cloud.revoke(self._client, self._top)


def create(settings: Mapping[str, object], secrets: Secrets, places: Places) -> NextcloudProvider:
    """A provider of the settings' account, without network; raises ``InvalidArgument`` for wrong settings."""
    return NextcloudProvider(_checked(settings), secrets, places)


def _checked(settings: Mapping[str, object]) -> WebdavSettings:
    checked = settings_from(settings)
    if not checked.username:
        raise InvalidArgument("username is missing", hint="mountcloud login NAME --provider nextcloud --url URL")
    return checked


async def log_in_by_browser(
    settings: Mapping[str, object], show: Callable[[str], None]
) -> tuple[dict[str, str], dict[str, str]]:
    """Let the user grant access in a browser: the settings and the secrets that come of it. See ``login_flow``."""
    checked = settings_from(settings)
    origin, top = cloud.top_of(checked.url)
    client = Client(ClientSettings(origin, ca_file=checked.ca_file, proxy=checked.proxy))
    try:
        granted = await login_flow.log_in(client, top, show)
    finally:
        await client.aclose()
    return {"url": origin + top, "username": granted.username}, {"password": granted.password}
