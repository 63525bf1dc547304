"""Stored bytes of one file at one version (DRACOON facts, 11)."""

import trio

from mountcloud.model.arrival import Arrival, Arrived
from mountcloud.model.errors import Corrupt, Failure, NotFound, Outdated, Unavailable
from mountcloud.model.provider import ContentCipher
from mountcloud.model.span import StoredSpan
from mountcloud.net.http import Client
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Api
from mountcloud.providers.dracoon.errors import failure_for

_STALE = frozenset({400, 401, 403, 404, 410})
"""Statuses of an address whose time is over; storages answer an expired one with 400 or 403."""


class Addresses:
    """Short-lived addresses of one version, one at a time."""

    def __init__(self, api: Api, version: str) -> None:
        self._api = api
        self._version = version
        self._minting = trio.Lock()
        self._url: str | None = None

    async def get(self, *, worn_out: str | None) -> str:
        """An address that is not the worn-out one; whoever comes late gets the one that was fetched meanwhile.

        Raises ``Outdated``, ``Forbidden``, ``NoKey`` and ``Blocked``.
        """
        async with self._minting:
            if self._url is None or self._url == worn_out:
                self._url = await self._mint()
            return self._url

    def forget(self) -> None:
        """The service has nothing to be given back."""
        self._url = None

    async def _mint(self) -> str:
        answer = await self._api.send("POST", f"/v4/nodes/files/{self._version}/downloads")
        if not answer.ok:
            raise _as_outdated(answer.failure())
        url = wire.text(wire.mapping(answer.body), "downloadUrl")
        if not url:
            raise Unavailable("the service gave no address of the content")
        return url


class DracoonContent:
    """Reads by a short-lived address, which is renewed when its time is over."""

    def __init__(self, addresses: Addresses, client: Client, cipher: ContentCipher) -> None:
        self._addresses = addresses
        self._client = client
        self._cipher = cipher

    @property
    def stored_size(self) -> int:
        """Stored bytes; encryption does not change their number (DRACOON facts, 22.4)."""
        return self._cipher.stored_size

    @property
    def cipher(self) -> ContentCipher:
        """How to read them."""
        return self._cipher

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        """Exactly these bytes; an address whose time is over in the middle is renewed, and the rest comes from there.

        Raises ``Outdated`` if the version is gone, ``Corrupt`` if the service holds another length, ``Unavailable``.
        """
        if span.end > self.stored_size:
            raise ValueError(f"{span} is beyond {self.stored_size} bytes")
        if not span.length:
            return b""
        arrival = Arrival(span, arrived)
        url = await self._addresses.get(worn_out=None)
        response = await self._client.get_range(url, span, self.stored_size, arrival)
        if response.status in _STALE:
            url = await self._addresses.get(worn_out=url)
            response = await self._client.get_range(url, arrival.missing, self.stored_size, arrival)
        if response.ok:
            return arrival.gathered()
        if response.status == 416:
            raise Corrupt("the service holds fewer bytes than it says")
        if response.status in _STALE:
            raise Unavailable(f"a fresh address of the content does not work [{response.status}]")
        raise failure_for(response.status, retry_after=response.retry_after)

    async def aclose(self) -> None:
        """Forget the address."""
        self._addresses.forget()


def _as_outdated(failure: Failure) -> Failure:
    """A version that is not found was replaced or removed: content never changes under its id."""
    return Outdated("this version of the file is gone") if isinstance(failure, NotFound) else failure
