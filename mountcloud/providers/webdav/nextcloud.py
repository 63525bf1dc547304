"""Nextcloud: WebDAV whose abilities are known, and what only it has (WebDAV facts, 2).

Nothing is tried out on a scratch file: what the server can do is known from its name. Who the account is in addresses,
and what the administrator allows (names, the trash bin, versions, links), is asked at log-in and kept in the book.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from mountcloud.model.errors import InvalidArgument, Unsupported
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.names import NameRules
from mountcloud.model.node import Node
from mountcloud.model.offers import Discarded, Link, LinkKind, LinkWish, PastVersion, ServiceFacts
from mountcloud.model.places import Places
from mountcloud.model.provider import Secrets
from mountcloud.net.http import Client, ClientSettings
from mountcloud.providers.webdav import cloud, login_flow
from mountcloud.providers.webdav.abilities import Abilities
from mountcloud.providers.webdav.address import Address, decoded
from mountcloud.providers.webdav.bins import OldVersions, TrashBin
from mountcloud.providers.webdav.chunks import CHUNK, Chunks
from mountcloud.providers.webdav.cloud import Cloud, cloud_of
from mountcloud.providers.webdav.dav import Dav
from mountcloud.providers.webdav.links import Links
from mountcloud.providers.webdav.ocs import Ocs
from mountcloud.providers.webdav.previews import thumbnail
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
        self._ocs = Ocs(self._client, self._top)
        self._links = Links(self._ocs, self._tree)
        self._chunk = chunk
        self._cloud: Cloud | None = None
        self._abilities = None
        known = cloud_of(places.note(CLOUD))
        if known is not None:
            self._settle(known)

    def _settle(self, known: Cloud) -> None:
        self._cloud, self._abilities = known, ABILITIES
        self._dav.settle(self._address("files", known))
        self._uploads.chunks = Chunks(self._space("uploads", known), self._chunk)
        self._bin = TrashBin(self._space("trashbin", known), self._tree)
        self._old = OldVersions(self._space("versions", known), self._tree)

    def _space(self, name: str, known: Cloud) -> Dav:
        return Dav(self._client, self._address(name, known))

    async def _demand(self, offer: str, what: str) -> None:
        """Raises ``Unsupported`` if the server has it not; who logged in long ago never asked."""
        await self._ready()
        if self._cloud is None or self._cloud.offers is None:
            await self._found_out()
        if offer not in ((self._cloud and self._cloud.offers) or ()):
            raise Unsupported(f"this server has no {what}", hint="its administrator can switch it on")

    def _address(self, space: str, known: Cloud) -> Address:
        return Address(self._origin, (*decoded(self._top), "remote.php", "dav", space, known.user_id))

    async def _found_out(self) -> Abilities:
        found = await cloud.ask(self._ocs)
        self._places.set_note(CLOUD, found.text)
        self._settle(found)
        return ABILITIES

    @property
    def _names(self) -> NameRules:
        return (self._cloud or Cloud("")).rules

    async def verify(self) -> Node:
        """See whether the credentials work; a typed password is exchanged for one that this machine alone has."""
        password = await cloud.app_password(self._ocs)
        if password is not None:
            self._secrets.put("password", password)
        self._abilities = None
        return await self.root()

    async def revoke(self) -> None:
        """Make the password of this machine useless."""
        await cloud.revoke(self._ocs)

    async def about(self) -> ServiceFacts:
        """Its version and its clock."""
        return await cloud.about(self._ocs)

    async def discarded(self, directory: NodeId) -> Sequence[Discarded]:
        """What is in the trash bin and was at or below the directory."""
        await self._demand(cloud.TRASH, "trash bin")
        return await self._bin.discarded(directory)

    async def restore(self, discarded: Discarded) -> None:
        """Put it back where it was."""
        await self._demand(cloud.TRASH, "trash bin")
        await self._bin.restore(discarded)

    async def purge(self, discarded: Discarded) -> None:
        """Remove it for ever."""
        await self._demand(cloud.TRASH, "trash bin")
        await self._bin.purge(discarded)

    async def versions(self, ref: Ref) -> Sequence[PastVersion]:
        """The contents that a file has and had."""
        await self._demand(cloud.VERSIONS, "older versions")
        return await self._old.versions(ref)

    async def restore_version(self, ref: Ref, version: Version) -> None:
        """Make an older content the present one."""
        await self._demand(cloud.VERSIONS, "older versions")
        await self._old.restore_version(ref, version)

    async def share(self, ref: Ref, kind: LinkKind, wish: LinkWish) -> Link:
        """Make a link for strangers."""
        await self._demand(cloud.LINKS, "links")
        if kind is LinkKind.UPLOAD:
            await self._demand(cloud.UPLOAD_LINKS, "links for uploads")
        return await self._links.share(ref, kind, wish)

    async def links(self, ref: Ref) -> Sequence[Link]:
        """The links to a node."""
        await self._demand(cloud.LINKS, "links")
        return await self._links.links(ref)

    async def unshare(self, link: Link) -> None:
        """End a link."""
        await self._demand(cloud.LINKS, "links")
        await self._links.unshare(link)

    async def thumbnail(self, ref: Ref, edge: int) -> bytes | None:
        """A small picture of what the server can make one of."""
        await self._ready()
        return await thumbnail(self._client, self._ocs.url("/index.php/core/preview.png"), self._tree, ref, edge)

    async def request(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """One call of the server's own interface; ``path`` as in ``/cloud/user``."""
        return await self._ocs.request(method, path, fields)

    def pages(self, path: str, fields: Mapping[str, object]) -> AsyncIterator[object]:
        """The answers to a GET, page after page."""
        return self._ocs.pages(path, fields)


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
