"""Bytes of one file at one version (Amazon facts, 8).

An address leads to whatever content the file has at the moment, and no answer says which that is. So bytes are handed
on only after the service said, later than they came, that the file still has the version that is read.
"""

from urllib.parse import quote

import trio

from mountcloud.crypt.plain import PlainCipher
from mountcloud.model.arrival import Arrival, Arrived, Piece
from mountcloud.model.errors import Corrupt, Failure, NotFound, Outdated
from mountcloud.model.ids import Version
from mountcloud.model.provider import ContentCipher
from mountcloud.model.span import StoredSpan
from mountcloud.net.http import Response
from mountcloud.providers.amazon import wire
from mountcloud.providers.amazon.api import Api, answer_of
from mountcloud.providers.amazon.wire import md5_of

_ASK_EVERY_S = 2.0
"""How long bytes wait for the word that they are of the right version."""

_STALE = frozenset({400, 401, 403, 404, 410})
"""Statuses of a temporary address whose time is over."""


class AmazonContent:
    """One version of the file ``id``; files of ``temp_link_from`` bytes are read through an address of their own."""

    def __init__(self, api: Api, id: str, version: Version, size: int, temp_link_from: int) -> None:
        self._api = api
        self._id = id
        self._version = version
        self._cipher = PlainCipher(size, md5_of(version))
        self._by_link = size >= temp_link_from
        self._link = ""

    @property
    def stored_size(self) -> int:
        """Stored bytes."""
        return self._cipher.stored_size

    @property
    def cipher(self) -> ContentCipher:
        """How to read them."""
        return self._cipher

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        """Exactly these bytes; raises ``Outdated`` if the file has another content by now, ``Unavailable``."""
        if span.end > self.stored_size:
            raise ValueError(f"{span} is beyond {self.stored_size} bytes")
        if not span.length:
            return b""
        arrival, waiting = Arrival(span, arrived), _Waiting()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._release_now_and_then, arrival, waiting, nursery.cancel_scope)
            try:
                await self._receive(span, waiting)
            except Failure as failure:  # what came before is right, if the version is
                waiting.failure = waiting.failure or failure
            nursery.cancel_scope.cancel()
        if not isinstance(waiting.failure, Outdated):
            await self._release(arrival, waiting)
        if waiting.failure is not None:
            raise waiting.failure
        return arrival.gathered()

    async def _release_now_and_then(self, arrival: Arrival, waiting: "_Waiting", fetching: trio.CancelScope) -> None:
        """A reader on a slow line gets its first bytes before the last ones are here. Its failures are no group's."""
        try:
            while True:
                await trio.sleep(_ASK_EVERY_S)
                if waiting.pieces:
                    await self._release(arrival, waiting)
        except Failure as failure:
            waiting.failure = failure
            fetching.cancel()

    async def _release(self, arrival: Arrival, waiting: "_Waiting") -> None:
        """Hand on what came before the service was asked for the version, and nothing that came after."""
        ready = len(waiting.pieces)
        await self.check()  # whatever becomes of it, they keep their place until they are handed on
        for piece in waiting.pieces[:ready]:
            arrival.take(piece)
        del waiting.pieces[:ready]

    async def check(self) -> None:
        """Raises ``Outdated`` unless the file has this version now."""
        present = await self._api.node(self._id)
        if present is None or not present.is_there or present.revision != self._version:
            raise Outdated("the file has new content, or is gone")

    async def _receive(self, span: StoredSpan, waiting: "_Waiting") -> None:
        missing = Arrival(span, waiting.pieces.append)
        response = await self._get(missing)
        if self._link and response.status in _STALE:
            self._link = ""
            response = await self._get(missing)
        if response.ok:
            return
        if response.status == 416:
            raise Corrupt("the service holds fewer bytes than it says")
        failure = answer_of(response).failure()
        if isinstance(failure, NotFound):
            raise Outdated("the file is gone")
        raise failure

    async def _get(self, arrival: Arrival) -> Response:
        client = (await self._api.endpoint()).content
        address = f"/nodes/{quote(self._id, safe='')}/content"
        if self._by_link:
            self._link = self._link or await self._temporary_link()
            address = self._link
        return await client.get_range(address, arrival.missing, self.stored_size, arrival)

    async def _temporary_link(self) -> str:
        """An address that needs no token, for a while."""
        shown = await self._api.call("GET", f"nodes/{quote(self._id, safe='')}", params={"tempLink": "true"})
        return wire.text(shown, "tempLink") or f"/nodes/{quote(self._id, safe='')}/content"

    async def aclose(self) -> None:
        """Nothing is held."""
        self._link = ""


class _Waiting:
    """Bytes that came, in order, and whose version is not confirmed yet; and why no more will come."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.failure: Failure | None = None
