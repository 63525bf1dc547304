"""One range of stored bytes on its way, and whether what comes is what was asked for."""

import re
from dataclasses import dataclass

import httpx

from mountcloud.model.arrival import Arrival
from mountcloud.model.errors import Corrupt, Unavailable
from mountcloud.model.span import StoredSpan

_ERROR_BODY_LIMIT = 64 * 1024


@dataclass(slots=True)
class Download:
    """A range on its way, perhaps over several connections; ``tag`` is the ETag of the version that began to come."""

    target: httpx.URL
    total: int
    arrival: Arrival
    silences: int = 0
    connections: int = 0
    tag: str | None = None

    def check_version(self, answer: httpx.Response) -> None:
        """Raises ``Unavailable`` if the rest is of another version than the beginning."""
        tag = answer.headers.get("etag", "")
        if self.tag is not None and tag != self.tag:
            raise Unavailable(f"{answer.url.host} has other content than when the transfer began")
        self.tag = tag


def check_range(answer: httpx.Response, span: StoredSpan, total: int) -> None:
    """Refuse bytes that are not the ones asked for."""
    if answer.status_code != 206:
        if span != StoredSpan(0, total):
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
    async for piece in answer.aiter_raw():
        if len(piece) > arrival.missing.length:
            raise Unavailable(f"{host} sent more bytes than were asked for")
        arrival.take(piece)
    if arrival.missing.length:
        raise Unavailable(f"{host} left out the last {arrival.missing.length} bytes")


async def beginning(answer: httpx.Response) -> bytes:
    """The start of what a refusal says."""
    pieces: list[bytes] = []
    async for piece in answer.aiter_raw():
        pieces.append(piece)
        if sum(map(len, pieces)) > _ERROR_BODY_LIMIT:
            break
    return b"".join(pieces)
