"""Bytes of one file at one version. Nothing in an answer says which that is, so it is looked at afterwards."""

import trio

from mountcloud.crypt.plain import PlainCipher
from mountcloud.model.arrival import Arrival, Arrived
from mountcloud.model.errors import Outdated
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.provider import ContentCipher
from mountcloud.model.span import StoredSpan
from mountcloud.net.http import Response
from mountcloud.providers.smartfile.facts import facts_of
from mountcloud.providers.smartfile.spools import Spools
from mountcloud.providers.smartfile.tree import Tree
from mountcloud.providers.smartfile.wire import Path, Token


class SmartFileContent:
    """Reads wherever the file is by now, and nothing but its version."""

    def __init__(self, tree: Tree, node: NodeId, version: Version, size: int, spools: Spools) -> None:
        self._tree = tree
        self._node = node
        self._version = version
        self._cipher = PlainCipher(size)
        self._spools = spools
        self._looking = trio.Lock()
        self._asked = 0
        self._answered = 0

    @property
    def stored_size(self) -> int:
        """Stored bytes."""
        return self._cipher.stored_size

    @property
    def cipher(self) -> ContentCipher:
        """How to read them."""
        return self._cipher

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        """Exactly these bytes, handed on whole; raises ``Outdated`` if the service has another version by now."""
        if span.end > self.stored_size:
            raise ValueError(f"{span} is beyond {self.stored_size} bytes")
        if not span.length:
            return b""
        received: list[bytes] = []
        hand_on = arrived or received.append

        async def deliver(data: bytes) -> None:
            await self._confirm()
            hand_on(data)

        if self._spools.needed:
            await self._spools.read(self._key, span, self.stored_size, self._download, deliver)
        else:
            arrival = Arrival(span)
            await self._download(arrival)
            await deliver(arrival.gathered())
        return b"".join(received)

    @property
    def _key(self) -> str:
        return f"{self._node} {self._version}"

    async def _download(self, arrival: Arrival) -> None:
        await self._tree.follow(self._node, lambda path: self._get(path, arrival))

    async def _get(self, path: Path, arrival: Arrival) -> None:
        self._expected()
        whole = arrival.missing == StoredSpan(0, self.stored_size)
        await self._tree.api.get(path, arrival, self.stored_size, lambda answer: self._judge(answer, whole=whole))

    def _judge(self, answer: Response, *, whole: bool) -> None:
        """Raises ``Outdated`` for a file of another size. A part's answer tells the whole size as well."""
        told = answer.headers.get("content-range", "").rpartition("/")[2] if answer.status == 206 else ""
        size = told or answer.headers.get("content-length", "")
        if size.isdecimal() and int(size) != self.stored_size:
            raise Outdated("the file has new content")
        if not whole:
            self._spools.note(needed=answer.status != 206)

    def _expected(self) -> Token:
        place = self._tree.places.get(self._node)
        expected = None if place is None else facts_of(place.facts).expected(self._version)
        if expected is None:
            raise Outdated("the file has new content")
        return expected

    async def _confirm(self) -> None:
        """A look that begins after the bytes came; several of them share one."""
        self._asked += 1
        mine = self._asked
        async with self._looking:
            if self._answered >= mine:
                return
            covered = self._asked
            seen = await self._tree.seen_alone(self._node)
            if seen is None or seen.token != self._expected():
                raise Outdated("the file has new content")
            self._answered = covered

    async def aclose(self) -> None:
        """Nothing is held but what ``Spools`` bounds."""
