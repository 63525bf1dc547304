"""A whole file to the service, all or nothing (DRACOON facts, 12 and 13)."""

import hashlib
import logging
import secrets
from dataclasses import dataclass

import trio

from mountcloud.crypt.gcm_stream import MAX_PLAIN_SIZE
from mountcloud.crypt.keys import IV_SIZE, KEY_SIZE, wrap
from mountcloud.model.errors import Conflict, Failure, NoKey, NotPermitted, TooLarge, Unavailable
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.provider import Source, UploadTarget
from mountcloud.net.http import Client
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Api, call_or_none
from mountcloud.providers.dracoon.errors import (
    CHANNEL_CLOSED,
    DIRECT_UPLOAD_ENFORCED,
    DIRECT_UPLOAD_OFF,
    FILE_KEY_NEEDED,
    FILE_KEY_UNWANTED,
    UPLOAD_UNKNOWN,
)
from mountcloud.providers.dracoon.keys import AccountKeys
from mountcloud.providers.dracoon.parts import EncryptedFeed, Feed, PlainFeed, SourcePieces
from mountcloud.providers.dracoon.settings import Channel, DracoonSettings
from mountcloud.providers.dracoon.transfer import ClassicTransfer, DirectTransfer, OpenUpload, Refusal, Transfer
from mountcloud.providers.dracoon.tree import Tree, same_name
from mountcloud.providers.dracoon.wire import NodeType, RemoteNode

_log = logging.getLogger(__name__)

_MEMORY = 24 * 1024 * 1024
"""Bytes of parts that one upload may hold at a time, though never less than one part."""

_MAX_PARALLEL = 4
_CANCEL_WITHIN_S = 5.0
_VISIBLE_WITHIN_S = 30.0
_SHARE_WITHIN_S = 30.0
_SWITCHES = {DIRECT_UPLOAD_ENFORCED: Channel.S3, DIRECT_UPLOAD_OFF: Channel.CLASSIC}
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
    """Uploads of one account. Remembers which way the service wants them to go."""

    def __init__(self, api: Api, client: Client, tree: Tree, keys: AccountKeys, settings: DracoonSettings) -> None:
        self._api = api
        self._client = client
        self._tree = tree
        self._keys = keys
        self._settings = settings
        self._channel = settings.upload_channel

    async def upload(self, target: UploadTarget, source: Source) -> RemoteNode:
        """Store the file; a refusal that names another way, or another kind of room, is heeded once."""
        place = await self._place(target)
        heeded: set[int | None] = set()
        while True:
            try:
                return await self._attempt(place, source)
            except Refusal as refusal:
                code = refusal.answer.code
                if code in heeded or not self._heed(code, place.parent):
                    raise refusal.answer.failure() from None
                heeded.add(code)

    def _heed(self, code: int | None, parent: NodeId) -> bool:
        """True if trying again may help."""
        if code in _SWITCHES:
            self._channel = _SWITCHES[code]
            _log.info("uploads go by the %s way from now on", self._channel.value)
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

    async def _attempt(self, place: _Place, source: Source) -> RemoteNode:
        encrypted = (await self._tree.surroundings(place.parent)).encrypted
        if encrypted and source.size > MAX_PLAIN_SIZE:
            raise TooLarge("the service's encryption holds no more than 64 GiB - 32 bytes")
        if encrypted:
            await self._keys.preferred_public()  # An account without a key pair should learn it before the bytes go.
        feed = _encrypted_feed(source) if encrypted else PlainFeed(source)
        stored = await self._store(place, source, feed)
        _check_identity(place, stored)
        remote = await self._visible(stored)
        if (file_key := feed.file_key()) is not None:
            self._keys.remember(remote.version, file_key)
            await self.share_keys(remote)
        return remote

    async def _store(self, place: _Place, source: Source, feed: Feed) -> RemoteNode:
        """From opening a channel to the completed file; a channel that leads nowhere is closed again."""
        channel = await self._choose_channel()
        upload = await self._open(channel, place, source.size)
        try:
            transfer = self._transfer(channel, upload)
            await transfer.send(feed)
            completion = {**place.completion(), **await self._wrapped_key(feed)}
            await self._check_unchanged(place)
            return await self._complete(transfer, completion, place, source, feed)
        except BaseException:
            with trio.move_on_after(_CANCEL_WITHIN_S, shield=True):
                await self._cancel(upload)
            raise

    async def _choose_channel(self) -> Channel:
        """As the service prefers, unless the user or the service said otherwise (DRACOON facts, 4)."""
        if self._channel is Channel.AUTO:
            answer = await self._api.send("GET", "/v4/config/info/general")
            if not answer.ok and answer.status != 404:
                raise answer.failure()
            direct = answer.ok and wire.mapping(answer.body).get("useS3Storage") is True
            self._channel = Channel.S3 if direct else Channel.CLASSIC
        return self._channel

    async def _open(self, channel: Channel, place: _Place, size: int) -> OpenUpload:
        """Times are given here, not at completion (DRACOON facts, 12.1)."""
        wish = {
            "parentId": int(place.parent),
            "name": place.name,
            "size": size,
            "timestampModification": wire.format_time(place.mtime_ns),
            **({"directS3Upload": True} if channel is Channel.S3 else {}),
        }
        answer = await self._api.send("POST", "/v4/nodes/files/uploads", json=wish)
        if not answer.ok:
            raise Refusal(answer)
        opened = wire.mapping(answer.body)
        number, url = wire.text(opened, "uploadId"), wire.text(opened, "uploadUrl")
        if not number or not (url or channel is Channel.S3):
            raise Unavailable("the service opened an upload without an address")
        return OpenUpload(number, url, size, self._settings.part_size)

    def _transfer(self, channel: Channel, upload: OpenUpload) -> Transfer:
        if channel is Channel.S3:
            parallel = min(max(_MEMORY // upload.part_size, 1), _MAX_PARALLEL)
            return DirectTransfer(self._api, self._client, upload, parallel)
        return ClassicTransfer(self._api, self._client, upload)

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

    async def _cancel(self, upload: OpenUpload) -> None:
        """A kindness to the service, which forgets idle channels in any case."""
        try:
            await self._api.send("DELETE", upload.path)
        except Failure as failure:
            _log.info("an upload was left open on the service: %s", failure)


def _encrypted_feed(source: Source) -> EncryptedFeed:
    """Key and iv are new for every attempt: nothing else may ever be encrypted under them (DRACOON facts, 22.5)."""
    return EncryptedFeed(source, secrets.token_bytes(KEY_SIZE), secrets.token_bytes(IV_SIZE))


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
