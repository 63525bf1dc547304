"""What is remembered of a node besides its place: which token stands for which version, and times.

The service may give two contents one token. After our own write our word counts, so each token that we made is bound to
the version and the time that we gave it.
"""

import json
import secrets
from dataclasses import dataclass, field, replace

from mountcloud.model.ids import Version
from mountcloud.providers.smartfile.wire import Token, parsed

RACY = "~"
"""Marks a version that was seen so soon after its time that another write may hide behind the same token."""

_MOST = 3
"""Bindings of one file: the present one, the one before, and one whose outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Binding:
    """While a file has this token, it is at this version and has this time (None: the service's)."""

    token: Token
    version: Version
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """``bindings`` of a file, oldest first; ``mtime_ns`` of a directory, good while its time is about ``modified``."""

    bindings: tuple[Binding, ...] = field(default=())
    mtime_ns: int | None = None
    modified: int = 0

    @property
    def text(self) -> str:
        """As it is kept in the book of places."""
        if self == Facts():
            return ""
        bound = [[each.token.time, each.token.size, each.version, each.mtime_ns] for each in self.bindings]
        return json.dumps({"bindings": bound, "mtime_ns": self.mtime_ns, "modified": self.modified})

    def bound(self, binding: Binding) -> "Facts":
        """With one more binding, which hides older ones of its token."""
        others = [each for each in self.bindings if each.token != binding.token]
        return replace(self, bindings=(*others, binding)[-_MOST:])

    def binding(self, token: Token) -> Binding | None:
        """What we know of a file that has this token."""
        return next((each for each in reversed(self.bindings) if each.token == token), None)

    def expected(self, version: Version) -> Token | None:
        """The token by which the service shows this version, None if it shows it no more.

        What was seen too soon may have been bound since it was seen again without that doubt: it is the same content.
        """
        of_version = [each.token for each in self.bindings if each.version == version]
        token = of_version[-1] if of_version else parsed(version.removesuffix(RACY))
        known = None if token is None else self.binding(token)
        return token if known is None or known.version in {version, f"{version}{RACY}"} else None


def fresh_version(token: Token) -> Version:
    """A version for content that we just wrote, or of which nobody knows: it is that of no other."""
    return Version(f"{token.text}#{secrets.token_hex(4)}")


def facts_of(text: str) -> Facts:
    """What ``Facts.text`` was made of."""
    if not text:
        return Facts()
    kept = json.loads(text)
    bindings = tuple(Binding(Token(each[0], each[1]), Version(each[2]), each[3]) for each in kept["bindings"])
    return Facts(bindings, kept["mtime_ns"], kept["modified"])
