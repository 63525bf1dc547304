"""A whole file to the service, all or nothing (Amazon facts, 7)."""

import hashlib
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

import trio

from mountcloud.model.errors import Conflict, Refused, Unavailable
from mountcloud.model.ids import Ref
from mountcloud.model.node import Node
from mountcloud.model.provider import Source, UploadProgress, UploadTarget
from mountcloud.providers.amazon import wire
from mountcloud.providers.amazon.api import Answer, Api, answer_of, escaped
from mountcloud.providers.amazon.errors import NameTaken
from mountcloud.providers.amazon.links import real
from mountcloud.providers.amazon.tree import Tree
from mountcloud.providers.amazon.wire import RemoteNode

_log = logging.getLogger(__name__)

_GRAIN = 1 << 20
_BEGUN = "begun"
"""What is kept of an upload: it left at least once, so the service may have it although nobody ever heard so."""

_LOOK_FOR_S, _LOOK_FOR_S_PER_GIB = 2.0, 180.0
"""How long a file is looked for whose upload seemed to fail: the service stored large ones minutes later."""

_TRIES = 3


Look = Callable[[], Awaitable[RemoteNode | None]]


class Hashed:
    """The body of an upload, with the MD5 of the file in it; sent again, it begins anew."""

    def __init__(self, source: Source, before: bytes, after: bytes) -> None:
        self._source, self._before, self._after = source, before, after
        self.size = len(before) + source.size + len(after)
        self.digest = hashlib.md5(usedforsecurity=False)

    def __call__(self) -> AsyncIterator[bytes]:
        """From its start."""
        self.digest = hashlib.md5(usedforsecurity=False)
        return _Pieces(self._source, self._before, self._after, self.digest)


class _Pieces:
    """No generator: see ``net/bodies.py``."""

    def __init__(self, source: Source, before: bytes, after: bytes, digest: "hashlib._Hash") -> None:
        self._source, self._before, self._after, self._digest = source, before, after, digest
        self._position = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._before:
            piece, self._before = self._before, b""
            return piece
        if self._position < self._source.size:
            return await self._read()
        if self._after:
            piece, self._after = self._after, b""
            return piece
        raise StopAsyncIteration

    async def _read(self) -> bytes:
        wanted = min(_GRAIN, self._source.size - self._position)
        piece = await self._source.pread(wanted, self._position)
        if len(piece) != wanted:
            raise Unavailable("the file changed while it was sent")
        self._digest.update(piece)
        self._position += wanted
        return piece


@dataclass(frozen=True, slots=True)
class Form:
    """A form of one or two parts; the size of the content is always told."""

    boundary: str
    body: Hashed

    @property
    def headers(self) -> dict[str, str]:
        """Of the request."""
        return {"Content-Type": f"multipart/form-data; boundary={self.boundary}"}


def form(source: Source, metadata: dict[str, object] | None) -> Form:
    """Metadata come first; the name in the content's header means nothing."""
    boundary = secrets.token_hex(16)
    described = json.dumps(metadata)
    first = f'--{boundary}\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{described}\r\n'
    second = f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="content"\r\n'
    second += "Content-Type: application/octet-stream\r\n\r\n"
    before = (first if metadata is not None else "") + second
    return Form(boundary, Hashed(source, before.encode(), f"\r\n--{boundary}--\r\n".encode()))


class Uploads:
    """Uploads of one account."""

    def __init__(self, api: Api, tree: Tree) -> None:
        self._api = api
        self._tree = tree

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None) -> Node:
        """Store the file. What an attempt of before stored without our knowing is taken for what it is."""
        tried = progress is not None and bool(progress.state)
        if target.replaces is not None:
            stored = await self._replace(target.replaces, target.mtime_ns, source, progress, tried=tried)
            await self._demand_out_of_the_trash(stored)
            return self._tree.to_node(target.replaces.id, stored)
        await self._tree.ancestry.alive(real(target.parent))
        stored = await self._make(target, source, progress, tried=tried)
        await self._demand_out_of_the_trash(stored)
        spot = self._tree.links.spot(target.parent, stored)
        return wire.to_node(stored, spot.id, spot.parent)

    async def _demand_out_of_the_trash(self, stored: RemoteNode) -> None:
        """A folder that another client put there meanwhile took the new content with it: the service does not mind."""
        await self._tree.demand_reachable(stored, since=trio.current_time())

    async def _make(
        self, target: UploadTarget, source: Source, progress: UploadProgress | None, *, tried: bool
    ) -> RemoteNode:
        if tried and (earlier := await self._ours(target, source, await _md5(source))) is not None:
            return self._tree.note(await self._tree.timed(earlier, target.mtime_ns))
        for _ in range(_TRIES):
            made = await self._tree.put_into(
                real(target.parent), lambda: self._post(target, source, progress, tried=tried)
            )
            stored, sent = made
            if stored.md5 == sent and stored.size == source.size:
                return self._tree.note(await self._tree.timed(stored, target.mtime_ns))
            _log.warning("node %s is not what was sent: it goes into the trash, and the file is sent again", stored.id)
            await self._tree.take_away(stored, self._tree.links.spot(target.parent, stored).id)
        raise Refused("the service stores something else than is sent")

    async def _post(
        self, target: UploadTarget, source: Source, progress: UploadProgress | None, *, tried: bool
    ) -> tuple[RemoteNode, str]:
        """The new node, and the MD5 of what was sent."""
        metadata: dict[str, object] = {"kind": "FILE", "name": target.name, "parents": [real(target.parent)]}
        metadata["properties"] = self._tree.properties({1: target.mtime_ns})
        sending = form(source, metadata)
        _begin(progress)
        try:
            answer = await self._send("POST", "/nodes?suppress=deduplication", sending)
        except Unavailable:
            found = await self._look_for(lambda: self._ours(target, source, sending.body.digest.hexdigest()), source)
            if found is None:
                raise
            return found, found.md5
        except NameTaken as taken:
            found = await self._api.node(taken.holder) if tried and taken.holder else None
            if found is None or not _is(found, target, source, await _md5(source)):
                raise
            return found, found.md5
        return self._api.read(answer.required()), sending.body.digest.hexdigest()

    async def _send(self, method: str, path: str, sending: Form) -> Answer:
        """Raises the failure of a refusal."""
        client = (await self._api.endpoint()).content
        response = await client.send_stream(method, path, sending.body.size, sending.body, headers=sending.headers)
        answer = answer_of(response)
        answer.required()
        return answer

    async def _ours(self, target: UploadTarget, source: Source, md5: str) -> RemoteNode | None:
        """The file of this name, if it has this content."""
        filters = f"kind:FILE AND parents:{escaped(real(target.parent))} AND name:{escaped(target.name)}"
        found = await self._api.pages("nodes", {"filters": filters})
        for each in found:
            if _is(each, target, source, md5):
                return await self._api.node(each.id)
        return None

    async def _look_for(self, look: Look, source: Source) -> RemoteNode | None:
        """The service may finish an upload after it answered that it could not."""
        pause_s, found = 0.25, None
        with trio.move_on_after(_LOOK_FOR_S + _LOOK_FOR_S_PER_GIB * source.size / 2**30):
            while True:
                try:
                    found = await look()
                except Unavailable as trouble:
                    _log.info("cannot look for what may have been stored: %s", trouble)
                if found is not None:
                    return found
                await trio.sleep(pause_s)
                pause_s = min(2 * pause_s, 10.0)
        return None

    async def _replace(
        self, ref: Ref, mtime_ns: int, source: Source, progress: UploadProgress | None, *, tried: bool
    ) -> RemoteNode:
        """The time goes first: once the content is there, so is its time, whatever breaks off between the two."""
        base = await self._tree.reachable(ref.id)
        if base.revision != ref.version:
            if tried and base.size == source.size and base.md5 == await _md5(source):
                return self._tree.note(await self._tree.timed(base, mtime_ns))
            raise Conflict(f"{base.name} has new content on the service")
        await self._tree.write_times(base.with_time(base.content_version + 1, mtime_ns))
        for _ in range(_TRIES):
            stored, sent = await self._put(base, source, progress)
            if stored.md5 == sent and stored.size == source.size:
                return self._tree.note(await self._tree.timed(stored, mtime_ns))
            _log.warning("node %s is not what was sent: the file is sent again", stored.id)
        raise Refused("the service stores something else than is sent")

    async def _put(self, base: RemoteNode, source: Source, progress: UploadProgress | None) -> tuple[RemoteNode, str]:
        sending = form(source, None)
        _begin(progress)

        async def ours() -> RemoteNode | None:
            present = await self._api.node(base.id)
            stored = present is not None and present.content_version > base.content_version
            return present if stored and present and present.md5 == sending.body.digest.hexdigest() else None

        try:
            answer = await self._send("PUT", f"/nodes/{quote(base.id, safe='')}/content", sending)
        except Unavailable:
            found = await self._look_for(ours, source)
            if found is None:
                raise
            return found, found.md5
        return self._api.read(answer.required()), sending.body.digest.hexdigest()


def _is(found: RemoteNode, target: UploadTarget, source: Source, md5: str) -> bool:
    """True if this is what the upload makes."""
    there = found.is_there and real(target.parent) in found.parents and found.name == target.name
    return there and (found.size, found.md5) == (source.size, md5)


def _begin(progress: UploadProgress | None) -> None:
    if progress is not None and not progress.state:
        progress.save(_BEGUN)


async def _md5(source: Source) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for start in range(0, source.size, _GRAIN):
        digest.update(await source.pread(min(_GRAIN, source.size - start), start))
    return digest.hexdigest()
