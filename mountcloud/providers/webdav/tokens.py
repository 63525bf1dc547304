"""What a server says by which two contents of one file can be told apart (WebDAV facts, 1, client rules 2 to 4)."""

import re
from dataclasses import dataclass

_SUFFIX = re.compile(r"(-gzip|-br|-deflate|-zstd|;gzip|;br|;deflate)$")
RACY = "~"
"""Marks a version that was seen so soon after its date that another write may hide behind the same token."""
RACY_S = 2.0
"""Seconds after its date in which a token of whole seconds proves nothing."""


@dataclass(frozen=True, slots=True)
class Token:
    """A normalised ETag (empty if there is none), a size in bytes, a date in whole seconds (0 if there is none)."""

    etag: str
    size: int
    modified: int

    @property
    def text(self) -> str:
        """In a line; ``parsed`` turns it back."""
        return f"{self.etag};{self.size};{self.modified}"

    def agrees(self, other: "Token") -> bool:
        """True if nothing that both of them say differs; not every answer says everything."""
        same_etag = not self.etag or not other.etag or self.etag == other.etag
        same_time = not self.modified or not other.modified or self.modified == other.modified
        return self.size == other.size and same_etag and same_time


def parsed(version: str) -> Token | None:
    """The token of a version that is nothing but a token, seen racy or not; None for any other text."""
    found = re.fullmatch(r"(.*);(\d+);(\d+)", version.removesuffix(RACY), re.DOTALL)
    return None if found is None else Token(found[1], int(found[2]), int(found[3]))


def racy(version: str) -> Token | None:
    """The token of a version that may stand for two contents: the server has to be asked before it is read."""
    return parsed(version) if version.endswith(RACY) else None


def etag(text: str) -> str:
    """The opaque part of an entity tag: quotes may be missing, a compressing proxy may have added a suffix."""
    bare = text.strip().removeprefix("W/").strip('"')
    return _SUFFIX.sub("", bare)


def strong(text: str) -> str:
    """The tag as a condition may name it, empty if it may not: weak tags never match (RFC 9110, 13.1.1)."""
    text = text.strip()
    return "" if not text or text.startswith("W/") else f'"{text.strip(chr(34))}"'
