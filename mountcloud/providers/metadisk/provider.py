"""Metadisk as a provider: each verb of the port, handed to the part that knows how."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from mountcloud.model.change import ChangeBatch
from mountcloud.model.errors import (
    Failure,
    InvalidArgument,
    IsADirectory,
    NotFound,
    NotPermitted,
    Outdated,
    Unsupported,
)
from mountcloud.model.ids import Cursor, NodeId, Ref
from mountcloud.model.names import NameRules
from mountcloud.model.node import Node
from mountcloud.model.offers import ServiceFacts
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
from mountcloud.net.http import Client, ClientSettings
from mountcloud.net.websocket import Patience, Way
from mountcloud.policy import names
from mountcloud.providers.metadisk import wire
from mountcloud.providers.metadisk.api import Api
from mountcloud.providers.metadisk.bucket import Names
from mountcloud.providers.metadisk.buckets import Buckets
from mountcloud.providers.metadisk.changes import Changes
from mountcloud.providers.metadisk.content import MetadiskContent, Reading
from mountcloud.providers.metadisk.enrolling import Enrolment
from mountcloud.providers.metadisk.farmers import Farmers
from mountcloud.providers.metadisk.moving import Moves
from mountcloud.providers.metadisk.nonces import Nonces
from mountcloud.providers.metadisk.settings import MetadiskSettings, settings_from
from mountcloud.providers.metadisk.signed import SignedCalls, key_of
from mountcloud.providers.metadisk.spool import Spool
from mountcloud.providers.metadisk.tree import ROOT, Tree

NAMES = NameRules(max_bytes=255)
"""The service has no rules that anybody knows of (Metadisk facts, 14); what it would cut off is escaped."""

log = logging.getLogger(__name__)


class MetadiskProvider:
    """One account. Ids are ours, kept in the book of places."""

    def __init__(self, settings: MetadiskSettings, secrets: Secrets, places: Places) -> None:
        self._settings = settings
        self._secrets = secrets
        self._client = client_of(settings)
        self._api = Api(self._client, SignedCalls(self._client, lambda: key_of(secrets), Nonces(places)))
        self._enrolment = Enrolment(self._client, settings.username, secrets)
        self._tree = Tree(self._api, places)
        self._spool = Spool()
        farmers = Farmers(Patience(), Way(settings.ca_file, settings.proxy), settings.max_concurrency)
        self._reading = Reading(self._spool, farmers, places)
        shared = Names(self._tree, self._content)
        self._changes, self._moves = Changes(self._tree, shared), Moves(self._tree, shared)
        self._buckets = Buckets(self._tree, settings)

    @property
    def capabilities(self) -> Capabilities:
        """The service tells nothing of changes, keeps no times and gives no parts; this machine makes up for it."""
        return Capabilities(
            change_feed=ChangeFeed.NONE,
            ranged_reads=False,
            mtime_resolution_ns=1,
            max_concurrency=self._settings.max_concurrency,
            names=NAMES,
        )

    def _checked(self, name: str) -> str:
        problem = names.check(NAMES, name)
        if problem is not None:
            raise problem
        return name

    async def root(self) -> Node:
        """The root of the account."""
        return await self._tree.root()

    async def node(self, ref: Ref) -> Node:
        """The node as it is now, perhaps at another version."""
        return await self._tree.node(ref.id)

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """All children, each once. What an upload that was cut short left behind is cleared away besides."""
        found = await self._tree.children(directory)
        if self._tree.leftovers:
            try:
                await self._changes.finish_leftovers()
            except Failure as failure:
                log.info("a replaced content stays for now: %s", failure)
        return found

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        """Raises ``Unsupported``."""
        raise Unsupported("this service has no change feed")

    def _content(self, bucket: str, content: str, size: int) -> Content:
        return MetadiskContent(content, size, lambda: self._api.pointers(bucket, content), self._reading)

    async def open(self, node: Node) -> Content:
        """The content of this version, wherever the file is when it is read."""
        if node.is_directory:
            raise IsADirectory("a directory has no content")

        async def find() -> tuple[wire.Pointer, ...]:
            try:
                return await self._pointers(node)
            except NotFound:
                raise Outdated("the file is gone, or has new content") from None

        return MetadiskContent(node.version, node.size, find, self._reading)

    async def _pointers(self, node: Node) -> tuple[wire.Pointer, ...]:
        """A move of our own may be on its way while we ask in the old bucket."""
        bucket = self._tree.where_now(node.id).bucket
        try:
            return await self._api.pointers(bucket, node.version)
        except NotFound:
            again = self._tree.bound_for(node.id) or (await self._tree.where(node.id)).bucket
            if again == bucket:
                raise
            return await self._api.pointers(again, node.version)

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """Store a file; its bytes travel only if the bucket does not have them."""
        if target.replaces is None:
            target = replace(target, name=self._checked(target.name))
        return await self._changes.upload(target, source)

    async def discard_upload(self, state: str) -> None:
        """Nothing is left on the service."""

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """A bucket in the root, a note in a bucket."""
        if parent == ROOT:
            return await self._buckets.make(self._checked(name), mtime_ns)
        return await self._changes.make_directory(Slot(parent, self._checked(name)), mtime_ns)

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        """Give a node another place."""
        slot = Slot(parent, self._checked(name))
        if self._is_bucket(ref.id):
            return await self._buckets.rename(ref, slot, replaces)
        return await self._moves.move(ref, slot, replaces)

    def _is_bucket(self, node: NodeId) -> bool:
        if node == ROOT:
            raise NotPermitted("the root stays where it is")
        return self._tree.place(node).parent == ROOT

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time, on this machine."""
        return await self._changes.set_times(ref, mtime_ns)

    async def remove(self, ref: Ref) -> None:
        """Remove a file at this version, or an empty directory."""
        if self._is_bucket(ref.id):
            await self._buckets.remove(ref)
        else:
            await self._changes.remove(ref)

    async def usage(self) -> Usage:
        """What is in all buckets. What they may hold is informative only (Metadisk facts, 2)."""
        used = 0
        for bucket in await self._api.buckets():
            try:
                picture = await self._tree.look(bucket.id)
            except NotFound:
                continue
            used += sum(entry.size for entry in picture.objects.values())
        return Usage(used, None)

    async def request(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """The service's own interface, signed; see ``RawApi``."""
        if not path.startswith("/") or "?" in path:
            raise InvalidArgument(f"{path!r} is no path", hint="it begins with a slash, as in /buckets")
        return await self._api.raw(method.upper(), path, fields)

    async def pages(self, path: str, fields: Mapping[str, object]) -> AsyncIterator[object]:
        """The service does not page: everything comes at once."""
        yield await self.request("GET", path, fields)

    async def about(self) -> ServiceFacts:
        """What the service says of itself."""
        said, headers = await self._api.describe()
        return wire.service_of(said, headers.get("date", ""))

    async def verify(self) -> object:
        """See whether the log-in works; a typed password is exchanged for a key that this machine alone has."""
        if self._enrolment.is_due:
            await self._enrolment.sign_in()
        return await self._tree.root()

    async def register(self) -> None:
        """See ``Registration``."""
        await self._enrolment.register()

    async def activate(self, token: str) -> None:
        """See ``Registration``."""
        await self._enrolment.activate(token)

    async def revoke(self) -> None:
        """Take this machine's key from the account; one that is gone already may be gone."""
        try:
            await self._api.forget_key(key_of(self._secrets).public)
        except NotFound:
            return

    async def aclose(self) -> None:
        """End all connections; idempotent."""
        self._spool.close()
        await self._client.aclose()


def client_of(settings: MetadiskSettings) -> Client:
    """The service as HTTP."""
    concurrency = settings.max_concurrency
    ours = ClientSettings(settings.url, ca_file=settings.ca_file, concurrency=concurrency, proxy=settings.proxy)
    return Client(ours)


def create(settings: Mapping[str, object], secrets: Secrets, places: Places) -> MetadiskProvider:
    """A provider of the settings' account, without network; raises ``InvalidArgument`` for wrong settings."""
    return MetadiskProvider(settings_from(settings), secrets, places)
