"""A whole file to the service, all or nothing (DRACOON facts, 12 and 13)."""

import hashlib
import logging
from dataclasses import dataclass

import trio

from mountcloud.crypt.gcm_stream import MAX_PLAIN_SIZE
from mountcloud.crypt.keys import wrap
from mountcloud.model.errors import Conflict, Failure, NoKey, NotPermitted, TooLarge, Unavailable
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.provider import Source, UploadProgress, UploadTarget
from mountcloud.net.http import Client
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Api, call_or_none
from mountcloud.providers.dracoon.channels import Channels, Load, Way
from mountcloud.providers.dracoon.errors import (
    CHANNEL_CLOSED,
    FILE_KEY_NEEDED,
    FILE_KEY_UNWANTED,
    UPLOAD_UNKNOWN,
)
from mountcloud.providers.dracoon.keys import AccountKeys
from mountcloud.providers.dracoon.parts import Feed, SourcePieces
from mountcloud.providers.dracoon.resuming import Changed, Saved
from mountcloud.providers.dracoon.settings import DracoonSettings
from mountcloud.providers.dracoon.transfer import Refusal, Transfer
from mountcloud.providers.dracoon.tree import Tree, same_name
from mountcloud.providers.dracoon.wire import NodeType, RemoteNode

_log = logging.getLogger(__name__)

_VISIBLE_WITHIN_S = 30.0
_SHARE_WITHIN_S = 30.0
_ROOM_CHANGED = frozenset({FILE_KEY_NEEDED, FILE_KEY_UNWANTED})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the file goes: a free name, or the place of the file that gets new content."""

    parent: NodeId
    name: str
    mtime_ns: int
    replaced: RemoteNode | None

    def completion(self) -> dict[str, object]:
        """Never the default strategy, which silently adds a number to the name (DRACOON facts, 12.4)."""
        replacing = self.replaced is not None
        strategy = "overwrite" if replacing else "fail"
        return {"resolutionStrategy": strategy, "keepShareLinks": replacing, "fileName": self.name}


class Uploads:
    """Uploads of one account."""

    def __init__(self, api: Api, client: Client, tree: Tree, keys: AccountKeys, settings: DracoonSettings) -> None:
        self._api = api
        self._tree = tree
        self._keys = keys
        self._settings = settings
        self._channels = Channels(api, client, keys, settings)

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None) -> RemoteNode:
        """Store the file; a refusal that names another way, or another kind of room, is heeded once."""
        place = await self._place(target)
        heeded: set[int | None] = set()
        while True:
            try:
                return await self._attempt(place, source, progress)
            except Refusal as refusal:
                code = refusal.answer.code
                if code in heeded or not self._heed(code, place.parent):
                    raise refusal.answer.failure() from None
                heeded.add(code)

    def _heed(self, code: int | None, parent: NodeId) -> bool:
        """True if trying again may help."""
        if self._channels.heed(code):
            return True
        if code in _ROOM_CHANGED:
            self._tree.forget(parent)
            return True
        return False

    async def _place(self, target: UploadTarget) -> _Place:
        """A file that gets new content keeps its own place, wherever that is by now."""
        if target.replaces is not None:
            remote = await self._tree.get_at(target.replaces)
            return _Place(NodeId(str(remote.parent_id)), remote.name, target.mtime_ns, remote)
        if target.parent == wire.ROOT_ID:
            raise NotPermitted("the top level holds rooms only")
        return _Place(target.parent, target.name, target.mtime_ns, None)

    async def discard(self, state: str) -> None:
        """Close the channel that an abandoned upload left open; raises what the service answers."""
        await self._channels.discard(Saved(state))

    async def _attempt(self, place: _Place, source: Source, progress: UploadProgress | None) -> RemoteNode:
        encrypted = (await self._tree.surroundings(place.parent)).encrypted
        if encrypted and source.size > MAX_PLAIN_SIZE:
            raise TooLarge("the service's encryption holds no more than 64 GiB - 32 bytes")
        if encrypted:
            await self._keys.preferred_public()  # An account without a key pair should learn it before the bytes go.
        load = Load(place.parent, place.name, place.mtime_ns, source, encrypted)
        way, stored = await self._store(place, load, progress)
        _check_identity(place, stored)
        remote = stored if way.transfer.settled else await self._visible(stored)
        if (file_key := way.feed.file_key()) is not None:
            self._keys.remember(remote.version, file_key)
            await self.share_keys(remote)
        return remote

    async def _store(self, place: _Place, load: Load, progress: UploadProgress | None) -> tuple[Way, RemoteNode]:
        """The completed file. What an earlier attempt began is gone on with, if that leads anywhere."""
        earlier = await self._channels.reopen(load, progress)
        if earlier is not None:
            try:
                return earlier, await self._carry_out(earlier, place, load.source)
            except (Refusal, Changed) as problem:
                _log.info("an upload begins anew, what was sent of it is of no use: %r", problem)
        way = await self._channels.open(load, progress)
        return way, await self._carry_out(way, place, load.source)

    async def _carry_out(self, way: Way, place: _Place, source: Source) -> RemoteNode:
        """From an open channel to the completed file; a channel that leads nowhere is closed again."""
        try:
            await way.transfer.send(way.feed)
            completion = {**place.completion(), **await self._wrapped_key(way.feed)}
            await self._check_unchanged(place)
            return await self._complete(way.transfer, completion, place, source, way.feed)
        except BaseException as problem:
            if way.ledger is None or not _may_go_on(problem):
                await self._channels.close(way.upload.id, way.ledger)
            raise

    async def _wrapped_key(self, feed: Feed) -> dict[str, object]:
        """The tag is known only after the last byte, hence the key travels with the completion."""
        file_key = feed.file_key()
        if file_key is None:
            return {}
        public = await self._keys.preferred_public()
        wrapped = await trio.to_thread.run_sync(wrap, file_key, public)
        return {"fileKey": wire.file_key_json(wrapped)}

    async def _check_unchanged(self, place: _Place) -> None:
        """Look as late as possible, since the service itself has no condition to send along."""
        if place.replaced is None:
            return
        present = await self._tree.get_at(Ref(place.replaced.node_id, place.replaced.version))
        if (present.parent_id, present.name) != (place.replaced.parent_id, place.replaced.name):
            raise Conflict(f"{place.replaced.name} was moved on the service during the upload")

    async def _complete(
        self, transfer: Transfer, completion: dict[str, object], place: _Place, source: Source, feed: Feed
    ) -> RemoteNode:
        """A completion whose answer was lost is sent again; if the service then knows no channel, or the name is
        taken, the file may be ours already (DRACOON facts, 21).
        """
        try:
            return await transfer.complete(completion)
        except Unavailable:
            _log.info("no answer to the completion of an upload, asking again")
        try:
            return await transfer.complete(completion)
        except Refusal as refusal:
            answer = refusal.answer
            if answer.code not in {*UPLOAD_UNKNOWN, CHANNEL_CLOSED} and answer.status not in {404, 409}:
                raise
            found = await self._find_ours(place, source, feed)
            if found is None:
                raise
            return found

    async def _find_ours(self, place: _Place, source: Source, feed: Feed) -> RemoteNode | None:
        """The file that this very upload made, if it did."""
        for remote in await self._tree.children(place.parent):
            if _may_be_ours(remote, place, source.size) and await self._is_ours(remote, source, feed):
                return remote
        return None

    async def _is_ours(self, remote: RemoteNode, source: Source, feed: Feed) -> bool:
        """By the random iv if encrypted, else by the hash, where the service has it already."""
        file_key = feed.file_key()
        if file_key is not None:
            try:
                return (await self._keys.wrapped_file_key(remote.version)).iv == file_key.iv
            except NoKey:
                return False
        return remote.md5 is None or remote.md5 == await _md5(source)

    async def _visible(self, remote: RemoteNode) -> RemoteNode:
        """Wait for the moment in which a new node still answers 404 (DRACOON facts, 12.2).

        The file is stored by now, so no trouble here may look like a failed upload.
        """
        pause_s = 0.05
        try:
            with trio.move_on_after(_VISIBLE_WITHIN_S):
                while (found := await call_or_none(self._api, f"/v4/nodes/{remote.id}")) is None:
                    if await self._tree.is_past(remote):  # Somebody was quicker than we in looking.
                        break
                    await trio.sleep(pause_s)
                    pause_s = min(2 * pause_s, 1.0)
                return remote if found is None else wire.remote_node(found)
        except Failure as failure:
            _log.info("the uploaded file cannot be looked at: %s", failure)
        return remote

    async def share_keys(self, remote: RemoteNode) -> None:
        """Others see the file but cannot open it until somebody gives them its key, which may also be later."""
        if not self._settings.distribute_keys:
            return
        try:
            with trio.move_on_after(_SHARE_WITHIN_S):
                await self._keys.distribute(file=remote.id if remote.type is NodeType.FILE else None)
        except Failure as failure:
            _log.warning("the keys of node %d were not shared with the others of its room: %s", remote.id, failure)


def _may_go_on(problem: BaseException) -> bool:
    """True for what says nothing against the channel: the daemon ends, or the network does."""
    if isinstance(problem, BaseExceptionGroup):  # of the tasks that sent parts
        return problem.split(trio.Cancelled)[1] is None
    return isinstance(problem, trio.Cancelled) or (isinstance(problem, Failure) and problem.transient)


def _check_identity(place: _Place, remote: RemoteNode) -> None:
    """Whoever removes the old file in the last moment makes ours a new one."""
    if place.replaced is not None and remote.referenced and remote.reference_id != place.replaced.reference_id:
        raise Conflict(f"{remote.name} was removed on the service during the upload; the new content is a new file")


def _may_be_ours(remote: RemoteNode, place: _Place, size: int) -> bool:
    if remote.type is not NodeType.FILE or not same_name(remote.name, place.name) or remote.size != size:
        return False
    if remote.modified_ms != place.mtime_ns // 1_000_000:
        return False
    return place.replaced is None or (
        remote.id != place.replaced.id and remote.reference_id == place.replaced.reference_id
    )


async def _md5(source: Source) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    async for piece in SourcePieces(source, 0, source.size):
        digest.update(piece)
    return digest.hexdigest()
