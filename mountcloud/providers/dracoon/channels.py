"""Channels of uploads: opened, gone on with after an interruption, closed (DRACOON facts, 12)."""

import logging
import secrets
from dataclasses import dataclass

import trio

from mountcloud.crypt.keys import IV_SIZE, KEY_SIZE, TAG_SIZE, FileKey, wrap
from mountcloud.model.errors import Corrupt, Failure, NoKey, Unavailable
from mountcloud.model.ids import NodeId
from mountcloud.model.provider import Source, UploadProgress
from mountcloud.net.http import Client
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Api
from mountcloud.providers.dracoon.errors import (
    CHANNEL_CLOSED,
    DIRECT_UPLOAD_ENFORCED,
    DIRECT_UPLOAD_OFF,
    UPLOAD_UNKNOWN,
)
from mountcloud.providers.dracoon.keys import AccountKeys
from mountcloud.providers.dracoon.parts import EncryptedFeed, Feed, PlainFeed
from mountcloud.providers.dracoon.resuming import Ledger
from mountcloud.providers.dracoon.settings import Channel, DracoonSettings
from mountcloud.providers.dracoon.transfer import (
    ClassicTransfer,
    DirectTransfer,
    OpenUpload,
    Refusal,
    Transfer,
    channel_path,
)

_log = logging.getLogger(__name__)

_MEMORY = 24 * 1024 * 1024
"""Bytes of parts that one upload may hold at a time, though never less than one part."""

_MAX_PARALLEL = 4
_CLOSE_WITHIN_S = 5.0
_SWITCHES = {DIRECT_UPLOAD_ENFORCED: Channel.S3, DIRECT_UPLOAD_OFF: Channel.CLASSIC}


@dataclass(frozen=True, slots=True)
class Load:
    """What a channel is opened for."""

    parent: NodeId
    name: str
    mtime_ns: int
    source: Source
    encrypted: bool

    def purpose(self, part_size: int) -> str:
        """Equal for loads that can use the same parts; the name counts only when the channel is completed."""
        kind = "encrypted" if self.encrypted else "plain"
        return f"{self.parent} {self.source.size} {self.mtime_ns // 1_000_000} {part_size} {kind}"


@dataclass(frozen=True, slots=True)
class Way:
    """An open channel and what goes through it; with a ledger it can be gone on with later."""

    upload: OpenUpload
    feed: Feed
    transfer: Transfer
    ledger: Ledger | None


class Channels:
    """The channels of one account. Remembers which way the service wants uploads to go."""

    def __init__(self, api: Api, client: Client, keys: AccountKeys, settings: DracoonSettings) -> None:
        self._api = api
        self._client = client
        self._keys = keys
        self._settings = settings
        self._channel = settings.upload_channel

    def heed(self, code: int | None) -> bool:
        """True if the service asked for the other way."""
        if code not in _SWITCHES:
            return False
        self._channel = _SWITCHES[code]
        _log.info("uploads go by the %s way from now on", self._channel.value)
        return True

    async def open(self, load: Load, progress: UploadProgress | None) -> Way:
        """A new channel; of files with several parts is kept how far they came."""
        channel = await self._choose()
        key, iv = secrets.token_bytes(KEY_SIZE), secrets.token_bytes(IV_SIZE)
        upload = await self._opened(channel, load)
        ledger: Ledger | None = None
        if progress is not None and channel is Channel.S3 and load.source.size > upload.part_size:
            wrapped = await self._wrapped(key, iv) if load.encrypted else None
            ledger = Ledger(progress, upload.id, load.purpose(upload.part_size), wrapped)
        feed = EncryptedFeed(load.source, key, iv) if load.encrypted else PlainFeed(load.source)
        return Way(upload, feed, self._transfer(channel, upload, ledger), ledger)

    async def reopen(self, load: Load, progress: UploadProgress | None) -> Way | None:
        """The channel of an earlier attempt with the same load; one of another load is closed."""
        ledger = None if progress is None else Ledger.kept(progress)
        if ledger is None:
            return None
        feed = await self._feed_again(load, ledger)
        if feed is None or await self._choose() is not Channel.S3:
            await self.close(ledger.upload, ledger)
            return None
        upload = OpenUpload(ledger.upload, "", load.source.size, self._settings.part_size)
        return Way(upload, feed, self._transfer(Channel.S3, upload, ledger), ledger)

    async def _feed_again(self, load: Load, ledger: Ledger) -> Feed | None:
        """The same stored bytes as before, if there is a way to make them."""
        if ledger.purpose != load.purpose(self._settings.part_size):
            return None
        if ledger.wrapped_key is None:
            return PlainFeed(load.source)
        try:
            key = await self._keys.unwrapped(wire.file_key(ledger.wrapped_key))
        except (NoKey, Corrupt) as failure:
            _log.info("an upload begins anew, because its key cannot be unwrapped: %s", failure)
            return None
        return EncryptedFeed(load.source, key.key, key.iv)

    async def close(self, upload: str, ledger: Ledger | None) -> None:
        """A kindness to the service, which forgets idle channels in any case; takes some seconds at most."""
        if ledger is not None:
            ledger.progress.save("")
        with trio.move_on_after(_CLOSE_WITHIN_S, shield=True):
            try:
                await self._api.send("DELETE", channel_path(upload))
            except Failure as failure:
                _log.info("an upload was left open on the service: %s", failure)

    async def discard(self, progress: UploadProgress) -> None:
        """Close a channel that nobody goes on with; raises what the service answers, unless it has forgotten it."""
        ledger = Ledger.kept(progress)
        if ledger is not None:
            answer = await self._api.send("DELETE", channel_path(ledger.upload))
            if answer.code not in {*UPLOAD_UNKNOWN, CHANNEL_CLOSED} and answer.status != 404:
                answer.done()

    async def _wrapped(self, key: bytes, iv: bytes) -> wire.Json:
        """Safe to keep: only this account's private key opens it. The tag comes with the last byte."""
        public = await self._keys.preferred_public()
        return wire.file_key_json(await trio.to_thread.run_sync(wrap, FileKey(key, iv, bytes(TAG_SIZE)), public))

    async def _choose(self) -> Channel:
        """As the service prefers, unless the user or the service said otherwise (DRACOON facts, 4)."""
        if self._channel is Channel.AUTO:
            answer = await self._api.send("GET", "/v4/config/info/general")
            if not answer.ok and answer.status != 404:
                raise answer.failure()
            direct = answer.ok and wire.mapping(answer.body).get("useS3Storage") is True
            self._channel = Channel.S3 if direct else Channel.CLASSIC
        return self._channel

    async def _opened(self, channel: Channel, load: Load) -> OpenUpload:
        """Times are given here, not at completion (DRACOON facts, 12.1)."""
        wish = {
            "parentId": int(load.parent),
            "name": load.name,
            "size": load.source.size,
            "timestampModification": wire.format_time(load.mtime_ns),
            **({"directS3Upload": True} if channel is Channel.S3 else {}),
        }
        answer = await self._api.send("POST", "/v4/nodes/files/uploads", json=wish)
        if not answer.ok:
            raise Refusal(answer)
        opened = wire.mapping(answer.body)
        number, url = wire.text(opened, "uploadId"), wire.text(opened, "uploadUrl")
        if not number or not (url or channel is Channel.S3):
            raise Unavailable("the service opened an upload without an address")
        return OpenUpload(number, url, load.source.size, self._settings.part_size)

    def _transfer(self, channel: Channel, upload: OpenUpload, ledger: Ledger | None) -> Transfer:
        if channel is Channel.S3:
            parallel = min(max(_MEMORY // upload.part_size, 1), _MAX_PARALLEL)
            return DirectTransfer(self._api, self._client, upload, parallel, ledger)
        return ClassicTransfer(self._api, self._client, upload)
