"""WebDAV as a provider: each verb of the port, handed to the part that knows how."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import trio

from mountcloud.crypt.plain import PlainCipher
from mountcloud.model.change import ChangeBatch
from mountcloud.model.errors import (
    InvalidName,
    IsADirectory,
    NotPermitted,
    Outdated,
    Refused,
    Unavailable,
    Unsupported,
)
from mountcloud.model.ids import Cursor, NodeId, Ref
from mountcloud.model.names import NameRules
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
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
from mountcloud.net.auth import Login
from mountcloud.net.http import Client, ClientSettings
from mountcloud.policy import names
from mountcloud.providers.webdav import tokens, wire
from mountcloud.providers.webdav.abilities import Abilities, abilities_of
from mountcloud.providers.webdav.address import address_of
from mountcloud.providers.webdav.changes import Changes
from mountcloud.providers.webdav.content import WebdavContent
from mountcloud.providers.webdav.dav import Dav
from mountcloud.providers.webdav.facts import facts_of
from mountcloud.providers.webdav.feed import Feed
from mountcloud.providers.webdav.probe import probe
from mountcloud.providers.webdav.settings import WebdavSettings, settings_from
from mountcloud.providers.webdav.tree import HIDDEN, Tree
from mountcloud.providers.webdav.upload import Uploads

NAMES = NameRules(max_bytes=255, forbid_control=True, holds_bytes=True)
"""What every server holds: a control character in one name would break the XML list of the whole directory."""

ABILITIES = "abilities"
"""The note in the book of places that holds what the probe found."""
_ANSWER_WITHIN_S = 120.0


class WebdavProvider:
    """One account of one WebDAV server. Ids are ours, kept in the book of places, or those of Nextcloud."""

    def __init__(self, settings: WebdavSettings, secrets: Secrets, places: Places) -> None:
        address = address_of(settings.url)
        login = Login(settings.username, lambda: secrets.get("password"), settings.auth) if settings.username else None
        self._client = Client(
            ClientSettings(
                address.origin,
                read_timeout_s=_ANSWER_WITHIN_S,
                ca_file=settings.ca_file,
                concurrency=settings.max_concurrency,
                proxy=settings.proxy,
            ),
            auth=login,
        )
        self._settings = settings
        self._places = places
        self._probing = trio.Lock()
        self._abilities = abilities_of(places.note(ABILITIES))
        self._dav = Dav(self._client, address)
        self._tree = Tree(self._dav, places, lambda: self._abilities or Abilities())
        self._tree.know_root()
        self._changes = Changes(self._tree)
        self._feed = Feed(self._tree)
        self._uploads = Uploads(self._tree, self._changes)

    @property
    def capabilities(self) -> Capabilities:
        """What the probe found; before the first one, what every server can do."""
        found = self._abilities or Abilities()
        return Capabilities(
            change_feed=_feed_of(found),
            ranged_reads=found.ranges,
            keeps_mtime=found.properties or found.owncloud,
            mtime_resolution_ns=10**9 if found.owncloud else 1,
            max_concurrency=self._settings.max_concurrency,
            names=self._names,
        )

    @property
    def _names(self) -> NameRules:
        cuts = self._abilities is not None and not self._abilities.moves_semicolons
        return replace(NAMES, forbidden=NAMES.forbidden + ";") if cuts else NAMES

    def _checked(self, name: str) -> str:
        """Raises early what the server would refuse, or what our own passing files are called."""
        problem = names.check(self._names, name)
        if problem is None and name.startswith(HIDDEN):
            problem = InvalidName(f"names that begin with {HIDDEN!r} are used for uploads under way")
        if problem is not None:
            raise problem
        return name

    async def verify(self) -> Node:
        """See whether the credentials work, and ask anew what the server can do."""
        root = await self._tree.root()
        self._abilities = None
        await self._ready()
        return root

    async def _ready(self) -> None:
        if self._abilities is not None:
            return
        async with self._probing:
            if self._abilities is None:
                self._abilities = await self._found_out()
                self._places.set_note(ABILITIES, self._abilities.text)

    async def _found_out(self) -> Abilities:
        return await probe(self._dav)

    async def root(self) -> Node:
        """The collection of the settings."""
        await self._ready()
        return await self._tree.root()

    async def node(self, ref: Ref) -> Node:
        """The node as it is now, perhaps at another version."""
        await self._ready()
        return await self._tree.node(ref.id)

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """All children, each once."""
        await self._ready()
        return await self._tree.children(directory)

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        """What the server tells, where it does; see ``feed.py``."""
        await self._ready()
        if self._abilities is None or not self._abilities.sync:
            raise Unsupported("this server has no change feed")
        try:
            return ChangeBatch((), await self._feed.begin()) if cursor is None else await self._feed.after(cursor)
        except (Unsupported, NotPermitted, Refused) as refusal:
            self._abilities = replace(self._abilities, sync=False)
            self._places.set_note(ABILITIES, self._abilities.text)
            raise Unavailable("the server tells of changes no more: they are looked for from now on") from refusal

    async def open(self, node: Node) -> Content:
        """The content; that it is still this version is checked with every answer."""
        if node.is_directory:
            raise IsADirectory("a directory has no content")
        if self._places.get(node.id) is None:
            raise Outdated("the file is gone")
        if (expected := tokens.racy(node.version)) is not None:
            await self._ready()
            await self._tree.settle_version(node, expected)
        algorithm, _, digest = facts_of(self._tree.place(node.id).facts).checksum_at(node.version).partition(":")
        cipher = PlainCipher(node.size, digest, algorithm)
        return WebdavContent(self._tree, self._ready, node.id, node.version, cipher)

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """Store a whole file, each time from its start unless it goes up in chunks that the server keeps."""
        await self._ready()
        if target.replaces is None:
            target = replace(target, name=self._checked(target.name))
        return await self._uploads.upload(target, source, progress)

    async def discard_upload(self, state: str) -> None:
        """Give the chunks of an unfinished upload back; plain servers have none."""
        if state and self._uploads.chunks is not None:
            await self._uploads.chunks.discard(state)

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """Make a directory."""
        await self._ready()
        return await self._changes.make_directory(Slot(parent, self._checked(name)), mtime_ns)

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        """Give a node another place."""
        await self._ready()
        return await self._changes.move(ref, Slot(parent, self._checked(name)), replaces)

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time, on this machine alone where the server cannot keep it."""
        await self._ready()
        return await self._changes.set_times(ref, mtime_ns)

    async def remove(self, ref: Ref) -> None:
        """Remove a file at this version, or an empty directory."""
        await self._ready()
        await self._changes.remove(ref)

    async def usage(self) -> Usage:
        """What the root's quota properties tell (RFC 4331); nothing where there are none."""
        await self._ready()
        root = await self._dav.look((), wire.QUOTA, directory=True)
        used, available = max(root.number(wire.QUOTA[1]) or 0, 0), root.number(wire.QUOTA[0])
        return Usage(used, None if available is None or available < 0 else used + available)

    async def aclose(self) -> None:
        """End all connections; idempotent."""
        await self._client.aclose()


def _feed_of(found: Abilities) -> ChangeFeed:
    if found.sync:
        return ChangeFeed.CURSOR
    return ChangeFeed.TREE_VERSION if found.owncloud else ChangeFeed.NONE


def create(settings: Mapping[str, object], secrets: Secrets, places: Places) -> WebdavProvider:
    """A provider of the settings' account, without network; raises ``InvalidArgument`` for wrong settings."""
    return WebdavProvider(settings_from(settings), secrets, places)
