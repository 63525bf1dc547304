"""A file, or a part of it, as an answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PIECE = 1024 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes [start, end) of a file; ``partial`` if a range was asked for."""

    start: int
    end: int
    partial: bool


def range_of(header: str, size: int) -> Part | None:
    """What a Range header asks for; None if it lies outside. A form that is not understood means everything."""
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(0) == "bytes=-":
        return Part(0, size, partial=False)
    first, last = match.groups()
    if not first:
        return Part(max(0, size - int(last)), size, partial=True) if int(last) and size else None
    start, end = int(first), min(size, int(last) + 1) if last else size
    return Part(start, end, partial=True) if start < end else None


class StoredBytes(Response):
    """A slice of a file, read and sent in large pieces, so that no file is ever whole in memory."""

    def __init__(self, path: Path, part: Part, headers: dict[str, str]) -> None:
        super().__init__(None, 206 if part.partial else 200)
        self._path, self._part = path, part
        length = {"content-length": str(part.end - part.start)}
        self.raw_headers = [(name.encode(), value.encode()) for name, value in (headers | length).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; stop reading when the client is gone."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await self._send_pieces(send, gone.done)
        finally:
            gone.cancel()

    async def _send_pieces(self, send: Send, is_gone: Callable[[], bool]) -> None:
        left = self._part.end - self._part.start
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._part.start)
            while left and not is_gone():
                piece = file.read(min(PIECE, left))
                if not piece:
                    raise OSError("stored bytes are missing")
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
        if self._part.end == self._part.start:
            await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Callable[[], Awaitable[object]]) -> None:
    while True:
        message = await receive()
        if isinstance(message, dict) and message["type"] == "http.disconnect":
            return
