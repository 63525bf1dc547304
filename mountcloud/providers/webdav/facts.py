"""What is remembered of a node besides its place: which of its tokens stands for which version, and times.

A server may give two contents one token, and has no place for our times. After our own write our word counts, so each
token that we made is bound to the version and the time that we gave it.
"""

import json
from dataclasses import dataclass, field, replace

from mountcloud.model.ids import Version
from mountcloud.providers.webdav import tokens
from mountcloud.providers.webdav.tokens import Token

_MOST = 3
"""Bindings of one file: the present one, the one before, and one whose outcome is unknown."""
_SENT = '"sent"'
"""As it stands in the kept text."""


@dataclass(frozen=True, slots=True)
class Binding:
    """While a file has this token, it is at this version and has this time (None: the server's)."""

    token: Token
    version: Version
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """Content that went to its final name in one request: the SHA-256 of its bytes, their number, and its time."""

    digest: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Facts:
    """``bindings`` of a file, oldest first; ``mtime_ns`` of a directory, good while its date is ``modified``.

    ``checksum`` is what the server tells of the content with the ETag ``checked``.
    ``sent`` is content of which nobody knows whether it arrived, oldest first: it has no token yet.
    """

    bindings: tuple[Binding, ...] = field(default=())
    mtime_ns: int | None = None
    modified: int = 0
    checked: str = ""
    checksum: str = ""
    sent: tuple[Sent, ...] = field(default=())

    @property
    def text(self) -> str:
        """As it is kept in the book of places."""
        if self == Facts():
            return ""
        bound = [[b.token.etag, b.token.size, b.token.modified, b.version, b.mtime_ns] for b in self.bindings]
        kept = {"bindings": bound, "mtime_ns": self.mtime_ns, "modified": self.modified}
        checksum = {"checksum": [self.checked, self.checksum]} if self.checksum else {}
        sent = {_SENT.strip('"'): [[each.digest, each.size, each.mtime_ns] for each in self.sent]} if self.sent else {}
        return json.dumps(kept | checksum | sent)

    def bound(self, binding: Binding) -> "Facts":
        """With one more binding, which hides older ones of its token."""
        others = [each for each in self.bindings if each.token != binding.token]
        return replace(self, bindings=(*others, binding)[-_MOST:])

    def sending(self, content: Sent) -> "Facts":
        """With content that is about to be sent."""
        others = [each for each in self.sent if each != content]
        return replace(self, sent=(*others, content)[-_MOST:])

    def arrived(self, binding: Binding) -> "Facts":
        """With the token that the server gave to what was sent: nothing is in doubt any more."""
        return replace(self.bound(binding), sent=())

    def with_checksum(self, etag: str, checksum: str) -> "Facts":
        """With what the server tells of its present content."""
        return replace(self, checked=etag, checksum=checksum)

    def checksum_at(self, version: Version) -> str:
        """What the server told of the content at this version, empty if nothing."""
        token = self.expected(version)
        return self.checksum if token is not None and token.etag == self.checked else ""

    def binding(self, token: Token) -> Binding | None:
        """What we know of a file that has this token."""
        return next((each for each in reversed(self.bindings) if each.token.agrees(token)), None)

    def expected(self, version: Version) -> Token | None:
        """The token by which the server shows this version, None if it shows it no more.

        What was seen too soon may have been bound since it was seen again without that doubt: it is the same content.
        """
        of_version = [each.token for each in self.bindings if each.version == version]
        token = of_version[-1] if of_version else tokens.parsed(version)
        known = None if token is None else self.binding(token)
        return token if known is None or known.version in {version, f"{version}{tokens.RACY}"} else None


def in_doubt(text: str) -> bool:
    """True if kept facts tell of content that may have arrived."""
    return _SENT in text


def facts_of(text: str) -> Facts:
    """What ``Facts.text`` was made of."""
    if not text:
        return Facts()
    kept = json.loads(text)
    bindings = tuple(Binding(Token(b[0], b[1], b[2]), Version(b[3]), b[4]) for b in kept["bindings"])
    checked, checksum = kept.get("checksum", ("", ""))
    sent = tuple(Sent(*each) for each in kept.get("sent", ()))
    return Facts(bindings, kept["mtime_ns"], kept["modified"], checked, checksum, sent)
