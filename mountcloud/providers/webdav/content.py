"""Bytes of one file at one version, checked against what each answer says of itself."""

from collections.abc import Awaitable, Callable

from mountcloud.crypt.plain import PlainCipher
from mountcloud.model.arrival import Arrival, Arrived
from mountcloud.model.errors import Outdated
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.provider import ContentCipher
from mountcloud.model.span import StoredSpan
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.evidence import judge
from mountcloud.providers.webdav.facts import facts_of
from mountcloud.providers.webdav.tree import Tree


class WebdavContent:
    """Reads wherever the file is by now, and nothing but its version. ``ready``: the server is known, so ask it."""

    def __init__(
        self, tree: Tree, ready: Callable[[], Awaitable[None]], node: NodeId, version: Version, cipher: PlainCipher
    ) -> None:
        self._tree = tree
        self._ready = ready
        self._node = node
        self._version = version
        self._cipher = cipher

    @property
    def stored_size(self) -> int:
        """Stored bytes."""
        return self._cipher.stored_size

    @property
    def cipher(self) -> ContentCipher:
        """How to read them."""
        return self._cipher

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        """Exactly these bytes; raises ``Outdated`` if the server has another version by now, ``Unavailable``."""
        if span.end > self.stored_size:
            raise ValueError(f"{span} is beyond {self.stored_size} bytes")
        if not span.length:
            return b""
        arrival = Arrival(span, arrived)
        await self._ready()
        await self._tree.follow(self._node, lambda path: self._fetch(path, arrival))
        return arrival.gathered()

    async def _fetch(self, path: Path, arrival: Arrival) -> None:
        expected = facts_of(self._tree.place(self._node).facts).expected(self._version)
        if expected is None:
            raise Outdated("the file has new content")
        await self._tree.dav.get(path, arrival, self.stored_size, lambda answer: judge(answer, expected))

    async def aclose(self) -> None:
        """Nothing is held."""
