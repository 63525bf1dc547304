"""DRACOON as a provider: each verb of the port, handed to the part that knows how."""

import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

import trio

from mountcloud.crypt.gcm_stream import MAX_PLAIN_SIZE, GcmStreamCipher
from mountcloud.crypt.keys import key_pair_version
from mountcloud.crypt.plain import PlainCipher
from mountcloud.model.change import ChangeBatch
from mountcloud.model.errors import Failure, IsADirectory, NotFound, Outdated, Unsupported
from mountcloud.model.ids import Cursor, NodeId, Ref, Version
from mountcloud.model.keepsakes import Keepsakes, NoKeepsakes
from mountcloud.model.names import NameRules
from mountcloud.model.node import Node
from mountcloud.model.offers import Discarded, Encryption, Link, LinkKind, LinkWish, PastVersion, ServiceFacts
from mountcloud.model.provider import (
    Capabilities,
    ChangeFeed,
    Content,
    ContentCipher,
    Secrets,
    Source,
    UploadProgress,
    UploadTarget,
    Usage,
)
from mountcloud.net.http import Client, ClientSettings
from mountcloud.net.oauth2 import OAuthSettings, TokenSource
from mountcloud.policy import names
from mountcloud.providers.dracoon.account import Account, AccountFacts
from mountcloud.providers.dracoon.api import Api
from mountcloud.providers.dracoon.content import Addresses, DracoonContent
from mountcloud.providers.dracoon.keys import AccountKeys
from mountcloud.providers.dracoon.raw import Raw
from mountcloud.providers.dracoon.recycling import RecycleBin
from mountcloud.providers.dracoon.settings import DracoonSettings, settings_from
from mountcloud.providers.dracoon.sharing import Shares
from mountcloud.providers.dracoon.tree import Tree
from mountcloud.providers.dracoon.upload import Uploads

NAMES = NameRules(
    max_length=150,
    forbidden='\\<>:"|?*/\0',
    forbid_control=True,
    forbidden_first="-",
    forbidden_last=".",
    reserved=frozenset({"CON", "PRN", "AUX", "NUL"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)}),
    case_sensitive=False,
    normalises=True,
)
"""Names by the rules of the service's own description (DRACOON facts, 19)."""


class DracoonProvider:
    """One DRACOON account.

    A file's id is its reference, which survives new content; its version is the id of its content.
    """

    def __init__(self, settings: DracoonSettings, secrets: Secrets, keepsakes: Keepsakes | None = None) -> None:
        self._secrets = secrets
        self._settings = settings
        self._client = Client(
            ClientSettings(settings.url, ca_file=settings.ca_file, concurrency=settings.max_concurrency)
        )
        oauth = OAuthSettings(settings.client_id, settings.username, settings.callback)
        self.tokens = TokenSource(self._client, oauth, secrets)
        self._api = Api(self._client, self.tokens)
        self._tree = Tree(self._api)
        self._keys = AccountKeys(self._api, secrets, NoKeepsakes() if keepsakes is None else keepsakes)
        self._account = Account(self._api, self._tree, self._keys, settings.root)
        self._uploads = Uploads(self._api, self._client, self._tree, self._keys, settings)
        self._shares = Shares(self._api, self._tree, self._keys, settings.url)
        self._bin = RecycleBin(self._api, self._tree, settings.root)
        self._raw = Raw(self._api)
        self._capabilities = Capabilities(
            change_feed=ChangeFeed.TREE_VERSION,
            max_encrypted_size=MAX_PLAIN_SIZE,
            max_concurrency=settings.max_concurrency,
            names=NAMES,
        )

    @property
    def capabilities(self) -> Capabilities:
        """Data; available without network."""
        return self._capabilities

    async def prepare(self) -> None:
        """Unlock the private key: the password is made hard to guess by a second of work (DRACOON facts, 22.2)."""
        await self._keys.unlock_ahead()

    async def verify(self) -> AccountFacts:
        """Log in, and unlock the private key if an encryption password is stored.

        Raises ``AuthenticationRequired`` if either password is wrong, ``AccountBlocked``, ``Unavailable``.
        """
        return await self._account.verified(has_password=bool(self._secrets.get("encryption_password")))

    async def distribute_keys(self) -> int:
        """Give file keys to all who lack them; the number of keys given (DRACOON facts, 13)."""
        return await self._keys.distribute()

    async def root(self) -> Node:
        """The top level of the tenant, or the directory of the settings."""
        return await self._account.root()

    async def node(self, ref: Ref) -> Node:
        """The node as it is now, perhaps at another version."""
        if self._account.is_root(ref.id):
            return await self._account.root()
        return self._tree.to_node(await self._tree.get(ref))

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """All children, each once."""
        return [self._tree.to_node(remote) for remote in await self._tree.children(directory)]

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        """Raises ``Unsupported``: directories have tree versions instead."""
        raise Unsupported("this service has no change feed")

    async def open(self, node: Node) -> Content:
        """The content, without asking anybody if its key is known here: what is cached of it can be read offline."""
        if node.is_directory:
            raise IsADirectory("a directory has no content")
        addresses = Addresses(self._api, node.version)
        return DracoonContent(addresses, self._client, await self._cipher(addresses, node))

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """Store a whole file; parts that an earlier attempt brought to the storage are not sent again."""
        if target.replaces is None:
            target = replace(target, name=_checked(target.name))
        return self._tree.to_node(await self._uploads.upload(target, source, progress))

    async def discard_upload(self, state: str) -> None:
        """Close the channel of an upload that nobody goes on with."""
        await self._uploads.discard(state)

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """Make a folder; at the top level a room that only this account can enter."""
        name, me = _checked(name), await self._account.facts()
        return self._tree.to_node(await self._tree.make_directory(parent, name, mtime_ns, me.id))

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        """Give a node another place; new rooms bring new readers, who then need its key."""
        moved = await self._tree.move(ref, parent, _checked(name), replaces)
        if moved.reparented and moved.remote.encrypted:
            await self._uploads.share_keys(moved.remote)
        return self._tree.to_node(moved.remote)

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time, in milliseconds."""
        return self._tree.to_node(await self._tree.set_times(ref, mtime_ns))

    async def remove(self, ref: Ref) -> None:
        """Remove a file at this version, or an empty directory. Rooms have no recycle bin."""
        await self._tree.remove(ref)

    async def usage(self) -> Usage:
        """The tenant's space."""
        return await self._account.usage()

    def authorize_url(self, state: str) -> str:
        """Where a browser goes to grant access."""
        return self.tokens.authorize_url(self._settings.url, state)

    async def redeem(self, code: str) -> None:
        """Exchange the code that the browser got for tokens."""
        await self.tokens.redeem(code)

    async def revoke(self) -> None:
        """Make the tokens useless."""
        await self.tokens.revoke()

    async def encryption(self) -> Encryption:
        """Whether the account has a key pair, or could have one."""
        return await self._account.encryption()

    async def key_pair_versions(self) -> Sequence[str]:
        """Kinds of key pair, what the service requires first."""
        return [version.value for version in await self._keys.versions()]

    async def make_key_pair(self, version: str, password: str) -> None:
        """Give the account its first pair of this kind."""
        await self._keys.make(key_pair_version(version), password)
        self._account.forget()

    async def key_pairs(self) -> Sequence[str]:
        """Kinds of which the account has a pair."""
        return [version.value for version in await self._keys.held()]

    async def add_key_pair(self, version: str) -> int:
        """A pair of another kind under the same password; how many file keys were wrapped for it."""
        return await self._keys.add(key_pair_version(version))

    async def replace_key_pair(self, version: str, password: str) -> None:
        """Throw the pair of this kind away, and make another."""
        await self._keys.replace(key_pair_version(version), password)
        self._account.forget()

    async def about(self) -> ServiceFacts:
        """The version of the service and its clock."""
        return await self._account.about()

    async def share(self, ref: Ref, kind: LinkKind, wish: LinkWish) -> Link:
        """A download or upload share."""
        return await self._shares.share(ref, kind, wish)

    async def links(self, ref: Ref) -> Sequence[Link]:
        """The shares of a node that the account may manage."""
        return await self._shares.links(ref)

    async def unshare(self, link: Link) -> None:
        """End a share."""
        await self._shares.unshare(link)

    async def discarded(self, directory: NodeId) -> Sequence[Discarded]:
        """What was removed at and below the directory, from the recycle bin of its room."""
        return await self._bin.discarded(directory)

    async def restore(self, discarded: Discarded) -> None:
        """Take it out of the recycle bin."""
        await self._bin.restore(discarded)

    async def purge(self, discarded: Discarded) -> None:
        """Remove it from the recycle bin, for ever."""
        await self._bin.purge(discarded)

    async def versions(self, ref: Ref) -> Sequence[PastVersion]:
        """All contents of a file."""
        return await self._bin.versions(ref)

    async def restore_version(self, ref: Ref, version: Version) -> None:
        """Make an older content the present one."""
        await self._bin.restore_version(ref, version)

    async def request(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """One call of the service's own interface."""
        return await self._raw.request(method, path, fields)

    def pages(self, path: str, fields: Mapping[str, object]) -> AsyncIterator[object]:
        """All pages of one of its lists."""
        return self._raw.pages(path, fields)

    async def aclose(self) -> None:
        """End all connections; idempotent."""
        await self._client.aclose()

    async def _cipher(self, addresses: Addresses, node: Node) -> ContentCipher:
        if not node.encrypted:
            return PlainCipher(node.size, self._tree.md5(node.version))
        known = await self._keys.kept_file_key(node.version)
        return GcmStreamCipher(known, node.size) if known else await self._cipher_and(addresses, node)

    async def _cipher_and(self, addresses: Addresses, node: Node) -> ContentCipher:
        """The cipher, and the first address meanwhile: the two round trips depend on different things."""
        failures: list[Failure] = []

        async def address() -> None:
            try:
                await addresses.get(worn_out=None)
            except Failure as failure:
                failures.append(failure)
                both.cancel_scope.cancel()

        async with trio.open_nursery() as both:
            both.start_soon(address)
            try:
                cipher = await self._cipher_by_service(node)
            except Failure as failure:
                failures.append(failure)
                both.cancel_scope.cancel()
        if failures:
            raise failures[0]
        return cipher

    async def _cipher_by_service(self, node: Node) -> ContentCipher:
        try:
            return GcmStreamCipher(await self._keys.asked_file_key(node.version), node.size)
        except NotFound as gone:
            raise Outdated("this version of the file is gone") from gone


def create(settings: Mapping[str, object], secrets: Secrets, keepsakes: Keepsakes | None = None) -> DracoonProvider:
    """A provider of the settings' account, without network; raises ``InvalidArgument`` for wrong settings."""
    return DracoonProvider(settings_from(settings), secrets, keepsakes)


def _checked(name: str) -> str:
    """The name in the service's normal form; raises early what the service would refuse later (DRACOON facts, 19)."""
    problem = names.check(NAMES, name)
    if problem is not None:
        raise problem
    return unicodedata.normalize("NFC", name)
