"""One range of stored bytes on its way, and whether what comes is what was asked for."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx
import trio

from mountcloud.model.arrival import Arrival
from mountcloud.model.errors import Corrupt, Unavailable
from mountcloud.model.span import StoredSpan
from mountcloud.net.direct import BODY, DirectBody

_ERROR_BODY_LIMIT = 64 * 1024


@dataclass(slots=True)
class Download:
    """A range on its way, perhaps over several connections; ``tag`` is the ETag of the version that began to come.

    ``whole``: a server that ignores ranges is read from the start of the file to the end of the range.
    """

    target: httpx.URL
    total: int
    arrival: Arrival
    silences: int = 0
    connections: int = 0
    tag: str | None = None
    whole: bool = False

    def check_version(self, answer: httpx.Response) -> None:
        """Raises ``Unavailable`` if the rest is of another version than the beginning."""
        tag = answer.headers.get("etag", "")
        if self.tag is not None and tag != self.tag:
            raise Unavailable(f"{answer.url.host} has other content than when the transfer began")
        self.tag = tag


def check_range(answer: httpx.Response, span: StoredSpan, total: int, *, whole: bool = False) -> None:
    """Refuse bytes that are not the ones asked for."""
    if answer.status_code != 206:
        if span != StoredSpan(0, total) and not whole:
            raise Unavailable(f"{answer.url.host} ignores ranges")
        held = answer.headers.get("content-length", str(total))
        if held != str(total):
            raise Corrupt(f"the service holds {held} bytes where {total} belong")
        return
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", answer.headers.get("content-range", "").strip())
    if found is None:
        raise Unavailable(f"{answer.url.host} sent a range without saying which")
    start, last, held = found.groups()
    if held not in {str(total), "*"}:
        raise Corrupt(f"the service holds {held} bytes where {total} belong")
    announced = answer.headers.get("content-length", str(span.length))
    if (int(start), int(last) + 1, announced) != (span.start, span.end, str(span.length)):
        raise Unavailable(f"{answer.url.host} sent other bytes than {span.start}-{span.end - 1}")


async def take(answer: httpx.Response, download: Download) -> None:
    """Hand the bytes on in the pieces in which they arrive: nothing is copied here."""
    arrival, host = download.arrival, answer.url.host
    body = answer.extensions.get(BODY)
    if answer.status_code != 206:
        await _take_out(answer, download)
    elif isinstance(body, DirectBody) and body.size == arrival.missing.length:
        await body.receive(arrival)
    else:
        async for piece in answer.aiter_raw():
            if len(piece) > arrival.missing.length:
                raise Unavailable(f"{host} sent more bytes than were asked for")
            arrival.take(piece)
    if arrival.missing.length:
        raise Unavailable(f"{host} left out the last {arrival.missing.length} bytes")


async def _take_out(answer: httpx.Response, download: Download) -> None:
    """The missing bytes out of a whole file. Nothing is kept of what comes before, and after them it ends."""
    position, arrival = 0, download.arrival
    coming = answer.aiter_raw()
    async for piece in coming:
        wanted = piece[max(arrival.missing.start - position, 0) : max(arrival.missing.end - position, 0)]
        position += len(piece)
        if wanted:
            arrival.take(wanted)
        if not arrival.missing.length and position < download.total:
            await _break_off(answer, coming)


async def _break_off(answer: httpx.Response, coming: AsyncIterator[bytes]) -> None:
    """End an answer of which more is coming than anybody wants.

    Reading on from the closed connection ends the library's generators, which would otherwise be finalised by chance.
    """
    await answer.aclose()
    with suppress(httpx.HTTPError, httpx.StreamError):
        async for _ in coming:
            continue


@asynccontextmanager
async def ended(answer: httpx.Response) -> AsyncIterator[None]:
    """At the end it is closed: a network call that a cancelled caller must not leave half done."""
    try:
        yield
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 5.0):
            await answer.aclose()


async def whole(answer: httpx.Response, most: int) -> bytes:
    """All that it says, decoded. Raises ``Unavailable`` when that is more than ``most`` bytes."""
    pieces: list[bytes] = []
    size, coming = 0, answer.aiter_bytes()
    async for piece in coming:
        pieces.append(piece)
        size += len(piece)
        if size > most:
            await _break_off(answer, coming)
            raise Unavailable(f"{answer.url.host} answers with more than {most} bytes")
    return b"".join(pieces)


async def beginning(answer: httpx.Response) -> bytes:
    """The start of what a refusal says."""
    pieces: list[bytes] = []
    async for piece in answer.aiter_raw():
        pieces.append(piece)
        if sum(map(len, pieces)) > _ERROR_BODY_LIMIT:
            break
    return b"".join(pieces)


async def hand_on_lines(answer: httpx.Response, line: Callable[[bytes], None]) -> None:
    """Each line of the decoded body, without its end."""
    rest: list[bytes] = []
    async for piece in answer.aiter_bytes():
        first, *others = piece.split(b"\n")
        rest.append(first)
        for each in others:
            line(b"".join(rest))
            rest = [each]
