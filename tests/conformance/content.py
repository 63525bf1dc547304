"""Bytes to send, and how to get them back through the ports."""

import hashlib

import trio

from mountcloud.model.node import Node
from mountcloud.model.provider import Content, Provider, UploadTarget
from mountcloud.model.span import PlainSpan
from tests.conformance.under_test import ProviderUnderTest

MTIME_NS = 1_600_000_000_123_456_789


class BytesSource:
    """A source that insists on being asked for bytes that it has."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    async def pread(self, size: int, offset: int) -> bytes:
        assert 0 <= offset <= len(self._data)
        assert size >= 0
        await trio.lowlevel.checkpoint()
        return self._data[offset : offset + size]


def some_bytes(size: int, seed: str = "") -> bytes:
    """The same bytes for the same seed, without a pattern that a wrong offset could meet."""
    return hashlib.shake_128(seed.encode()).digest(size)


async def put(
    t: ProviderUnderTest, name: str, data: bytes, *, replaces: Node | None = None, provider: Provider | None = None
) -> Node:
    """Upload to the place of the test, as a new file or over one."""
    ref = replaces.ref if replaces else None
    target = UploadTarget(t.place, name, ref, len(data), MTIME_NS)
    return await (provider or t.provider).upload(target, BytesSource(data))


async def read_span(content: Content, start: int, end: int) -> bytes:
    want = PlainSpan(start, end)
    covered = content.cipher.cover(want)
    return content.cipher.decrypt(want, covered, await content.fetch(covered))


async def read(provider: Provider, node: Node) -> bytes:
    content = await provider.open(node)
    data = await read_span(content, 0, content.cipher.plain_size)
    await content.aclose()
    return data
