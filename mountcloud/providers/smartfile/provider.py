"""SmartFile as a provider: each verb of the port, handed to the part that knows how."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mountcloud.model.change import ChangeBatch
from mountcloud.model.errors import InvalidName, IsADirectory, Outdated, Unsupported
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
from mountcloud.net.oauth1 import Signed
from mountcloud.policy import names
from mountcloud.providers.smartfile import credentials
from mountcloud.providers.smartfile.api import Api
from mountcloud.providers.smartfile.changes import Changes
from mountcloud.providers.smartfile.content import SmartFileContent
from mountcloud.providers.smartfile.delta import Deltas
from mountcloud.providers.smartfile.settings import SmartFileSettings, settings_from
from mountcloud.providers.smartfile.spools import Spools
from mountcloud.providers.smartfile.tree import HIDDEN, Tree
from mountcloud.providers.smartfile.upload import Uploads

NAMES = NameRules(max_bytes=255, forbid_control=True)
"""Assumed: nobody has told what the service refuses (SmartFile facts, 17)."""

_ANSWER_WITHIN_S = 120.0


class SmartFileProvider:
    """One account. Ids are ours, kept in the book of places."""

    def __init__(self, settings: SmartFileSettings, login: Login | Signed, places: Places) -> None:
        self._settings = settings
        self._client = Client(
            ClientSettings(
                settings.url,
                read_timeout_s=_ANSWER_WITHIN_S,
                ca_file=settings.ca_file,
                concurrency=settings.max_concurrency,
                proxy=settings.proxy,
            ),
            auth=login,
        )
        self._places = places
        self._api = Api(self._client)
        self._tree = Tree(self._api, places)
        self._spools = Spools(places)
        self._changes = Changes(self._tree)
        deltas = Deltas(self._api, settings.delta_min_kib << 10)
        self._uploads = Uploads(self._tree, self._changes, deltas)

    @property
    def capabilities(self) -> Capabilities:
        """The service tells nothing of changes and keeps no times; exact ones are kept on this machine."""
        return Capabilities(
            change_feed=ChangeFeed.NONE,
            ranged_reads=not self._spools.needed,
            mtime_resolution_ns=1,
            max_concurrency=self._settings.max_concurrency,
            names=NAMES,
        )

    def _checked(self, name: str) -> str:
        """Raises early what the service would refuse, or what our own passing files are called."""
        problem = names.check(NAMES, name)
        if problem is None and name.startswith(HIDDEN):
            problem = InvalidName(f"names that begin with {HIDDEN!r} are used for uploads under way")
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
        """All children, each once."""
        return await self._tree.children(directory)

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        """Raises ``Unsupported``."""
        raise Unsupported("this service has no change feed")

    async def open(self, node: Node) -> Content:
        """The content; that it is still this version is looked at after each answer."""
        if node.is_directory:
            raise IsADirectory("a directory has no content")
        if self._places.get(node.id) is None:
            raise Outdated("the file is gone")
        await self._tree.settle_version(node)
        return SmartFileContent(self._tree, node.id, node.version, node.size, self._spools)

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """Store a file; of a large one that was changed only the parts that differ travel."""
        if target.replaces is None:
            target = replace(target, name=self._checked(target.name))
        return await self._uploads.upload(target, source, progress)

    async def discard_upload(self, state: str) -> None:
        """Nothing is left on the service but what hides itself."""

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """Make a directory."""
        return await self._changes.make_directory(Slot(parent, self._checked(name)), mtime_ns)

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        """Give a node another place."""
        return await self._changes.move(ref, Slot(parent, self._checked(name)), replaces)

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time."""
        return await self._changes.set_times(ref, mtime_ns)

    async def remove(self, ref: Ref) -> None:
        """Remove a file at this version, or an empty directory."""
        await self._changes.remove(ref)

    async def usage(self) -> Usage:
        """What the root says it holds; nobody knows of limits (SmartFile facts, 13)."""
        return Usage(await self._api.size(), None)

    async def aclose(self) -> None:
        """End all connections; idempotent."""
        self._spools.close()
        await self._client.aclose()


def create(settings: Mapping[str, object], secrets: Secrets, places: Places) -> SmartFileProvider:
    """A provider of the settings' account, without network; raises ``InvalidArgument`` for wrong settings."""
    address = os.environ.get(credentials.URL)
    checked = settings_from({"url": address, **settings} if address else settings)
    return SmartFileProvider(checked, credentials.login(checked, secrets, os.environ, Path.home()), places)
