"""What an answer proves of the content that it brings."""

import hashlib

from mountcloud.model.arrival import Arrival
from mountcloud.model.errors import Outdated
from mountcloud.model.span import StoredSpan
from mountcloud.net.http import Response
from mountcloud.providers.webdav import tokens, wire
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.dav import Dav
from mountcloud.providers.webdav.tokens import Token
from mountcloud.providers.webdav.wire import Entry


def judge(answer: Response, expected: Token) -> None:
    """Raises ``Outdated`` for the headers of another content. A part's answer tells the whole size as well."""
    whole = answer.headers.get("content-range", "").rpartition("/")[2] if answer.status == 206 else ""
    size = whole or answer.headers.get("content-length", "")
    told = answer.headers.get("oc-etag") or answer.headers.get("etag", "")
    found = Token(
        tokens.etag(told),
        int(size) if size.isdecimal() else expected.size,
        wire.seconds(answer.headers.get("last-modified", "")),
    )
    if not found.agrees(expected):
        raise Outdated("the file has new content")


async def digest(dav: Dav, path: Path, entry: Entry) -> str:
    """The SHA-256 of the bytes of a small file; empty if the server has others by now."""
    size, found = entry.size or 0, hashlib.sha256()
    if size:
        arrival = Arrival(StoredSpan(0, size), found.update)
        try:
            await dav.get(path, arrival, size, lambda answer: judge(answer, entry.token))
        except Outdated:
            return ""
    return found.hexdigest()
