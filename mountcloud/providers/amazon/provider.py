"""Amazon Cloud Drive as a provider: each verb of the port, handed to the part that knows how."""

from collections.abc import AsyncIterator, Mapping, Sequence

import trio

from mountcloud.model.change import ChangeBatch
from mountcloud.model.errors import IsADirectory
from mountcloud.model.ids import Cursor, NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.model.offers import Discarded, Link, LinkKind, LinkWish
from mountcloud.model.places import Places
from mountcloud.model.provider import (
    Capabilities,
    ChangeFeed,
    Content,
    Secrets,
    Source,
    UploadProgress,
    UploadTarget,
    Usage,
)
from mountcloud.policy import names
from mountcloud.providers.amazon import wire
from mountcloud.providers.amazon.api import Api
from mountcloud.providers.amazon.content import AmazonContent
from mountcloud.providers.amazon.feed import Feed
from mountcloud.providers.amazon.links import Links, real
from mountcloud.providers.amazon.moving import Moves
from mountcloud.providers.amazon.names import NAMES
from mountcloud.providers.amazon.offers import Bin, Extras, TemporaryLinks
from mountcloud.providers.amazon.settings import AmazonSettings, settings_from
from mountcloud.providers.amazon.tree import Tree
from mountcloud.providers.amazon.upload import Uploads


class AmazonProvider:
    """One account. A node's id is the service's own, but for its second and further places: see ``links.py``."""

    def __init__(self, settings: AmazonSettings, secrets: Secrets, places: Places) -> None:
        self._settings = settings
        self._api = Api(settings, secrets)
        self._tree = Tree(self._api, Links(places))
        self._moves = Moves(self._api, self._tree)
        self._uploads = Uploads(self._api, self._tree)
        self._feed = Feed(self._api, self._tree, settings.change_calls_per_hour, trio.current_time)
        self._bin = Bin(self._api, self._tree)
        self._links = TemporaryLinks(self._api, self._tree)
        self._extras = Extras(self._api)
        self._capabilities = Capabilities(
            change_feed=ChangeFeed.CURSOR,
            mtime_resolution_ns=1,
            keeps_modes=True,
            max_concurrency=settings.max_concurrency,
            names=NAMES,
        )

    @property
    def capabilities(self) -> Capabilities:
        """Data; available without network."""
        return self._capabilities

    async def verify(self) -> Node:
        """See whether the account can be used; raises ``AuthenticationRequired``, ``Forbidden``, ``Unavailable``."""
        return await self.root()

    async def root(self) -> Node:
        """The top folder."""
        found = await self._tree.root()
        return wire.to_node(found, NodeId(found.id), None)

    async def node(self, ref: Ref) -> Node:
        """The node as it is now, perhaps at another version."""
        return self._tree.to_node(ref.id, await self._tree.reachable(ref.id))

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """All children, each once."""
        return await self._tree.children(directory)

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        """What happened after the cursor; nothing while the service does not want to be asked."""
        return await self._feed.changes(cursor)

    async def open(self, node: Node) -> Content:
        """The content; whether it still is this version shows when it is read."""
        if node.is_directory:
            raise IsADirectory("a directory has no content")
        return AmazonContent(self._api, real(node.id), node.version, node.size, self._settings.temp_link_from)

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """Store a whole file."""
        if target.replaces is None:
            _check(target.name)
        return await self._uploads.upload(target, source, progress)

    async def discard_upload(self, state: str) -> None:
        """The service keeps nothing of an upload that did not end."""

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """Make a folder."""
        _check(name)
        return await self._tree.make_directory(parent, name, mtime_ns)

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        """Give a node another place; what makes way goes into the trash."""
        _check(name)
        return await self._moves.move(ref, parent, name, replaces)

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time, which is kept in a property."""
        return await self._tree.set_times(ref, mtime_ns)

    async def set_mode(self, ref: Ref, mode: int) -> Node:
        """Keep permission bits, in a property too."""
        return await self._tree.set_mode(ref, mode)

    async def remove(self, ref: Ref) -> None:
        """Into the trash: a file at this version, or an empty directory."""
        await self._tree.remove(ref)

    async def usage(self) -> Usage:
        """The account's space."""
        quota = await self._api.call("GET", "account/quota")
        total, available = wire.number(quota, "quota"), wire.number(quota, "available")
        return Usage(max(total - available, 0), total or None)

    async def share(self, ref: Ref, kind: LinkKind, wish: LinkWish) -> Link:
        """A temporary link to a file."""
        return await self._links.share(ref, kind, wish)

    async def links(self, ref: Ref) -> Sequence[Link]:
        """None: the service does not tell of the links that it gave out."""
        await self._tree.get(ref.id)
        return ()

    async def unshare(self, link: Link) -> None:
        """Raises ``Unsupported``: links end by themselves."""
        await self._links.unshare(link)

    async def discarded(self, directory: NodeId) -> Sequence[Discarded]:
        """What is in the trash and was at or below the directory."""
        return await self._bin.discarded(directory)

    async def restore(self, discarded: Discarded) -> None:
        """Out of the trash."""
        await self._bin.restore(discarded)

    async def purge(self, discarded: Discarded) -> None:
        """Raises ``Unsupported``."""
        await self._bin.purge(discarded)

    async def thumbnail(self, ref: Ref, edge: int) -> bytes | None:
        """A small picture, where the service makes one."""
        return await self._extras.thumbnail(ref, edge)

    async def request(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """One call of the service's own interface."""
        return await self._extras.request(method, path, fields)

    def pages(self, path: str, fields: Mapping[str, object]) -> AsyncIterator[object]:
        """All pages of one of its lists."""
        return self._extras.pages(path, fields)

    def authorize_url(self, state: str) -> str:
        """Where the user's browser grants access."""
        return self._api.tokens.authorize_url(self._settings.url, state)

    async def redeem(self, code: str) -> None:
        """Exchange what the browser brought for tokens."""
        await self._api.tokens.redeem(code)

    async def aclose(self) -> None:
        """End all connections; idempotent."""
        await self._api.aclose()


def create(settings: Mapping[str, object], secrets: Secrets, places: Places) -> AmazonProvider:
    """A provider of the settings' account, without network; raises ``InvalidArgument`` for wrong settings."""
    return AmazonProvider(settings_from(settings), secrets, places)


def _check(name: str) -> None:
    problem = names.check(NAMES, name)
    if problem is not None:
        raise problem
