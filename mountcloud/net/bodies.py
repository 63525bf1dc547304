"""Bodies of requests, as the HTTP library takes them."""

from collections.abc import AsyncIterator, Callable

import httpx

from mountcloud.model.errors import Unavailable

Body = Callable[[], AsyncIterator[bytes]]
"""Gives the body from its start, each time it is called. The iterator should be no generator: one that a broken
connection leaves suspended is finalised at a time of Python's choosing."""


class ExactBody(httpx.AsyncByteStream):
    """A body that begins anew where the library repeats a request, as for a digest's challenge."""

    def __init__(self, body: Body, size: int) -> None:
        self._body = body
        self._size = size

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Exact(self._body(), self._size)


class _Exact:
    """A body that is no generator, and sees to its length.

    A generator that a cancelled request leaves suspended is finalised at a time of Python's choosing, with a warning.
    The length is checked here because the library lets an exception of a third library through otherwise.
    """

    def __init__(self, pieces: AsyncIterator[bytes], size: int) -> None:
        self._pieces = pieces
        self._missing = size

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            if self._missing:
                raise Unavailable("there were fewer bytes to be sent than announced") from None
            raise
        self._missing -= len(piece)
        if self._missing < 0:
            raise Unavailable("there were more bytes to be sent than announced")
        return piece


class Once:
    """A body in memory, in one piece."""

    def __init__(self, content: bytes) -> None:
        self._pieces = iter([content] if content else [])

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration
