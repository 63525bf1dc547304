"""What must be true, from facts alone: which contents were promised, and who took them away knowing what they were.

A content is a token: a number that is written into a file over its whole length, so that a torn or a mixed file is
noticed wherever it is read. Facts name tokens, never paths: files may move, be shown under another name, or be kept
beside one another, and nothing of that is a loss.
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(rb"<(\d+)>")


def made(token: int, size: int) -> bytes:
    """The content of that token: at least ``size`` bytes, always whole marks."""
    mark = b"<%d>" % token
    return mark * max(1, -(-size // len(mark)))


def token_of(content: bytes) -> int:
    """Which token a whole content is; raises ``AssertionError`` for one that nobody ever wrote."""
    found = _TOKEN.match(content)
    assert found is not None, f"nobody wrote this: {content[:80]!r} ... ({len(content)} bytes)"
    mark = found.group(0)
    assert content == mark * (len(content) // len(mark)), f"a mix: {_marks(content)}"
    return int(found.group(1))


def _marks(content: bytes) -> str:
    return ", ".join(sorted({mark.decode() for mark in _TOKEN.findall(content)}))


@dataclass(slots=True)
class Facts:
    """``ours`` were closed here, ``theirs`` were written by the second client, and nobody took them away since.

    ``unsure``: written there, and gone by the hand of a program here that may or may not have been shown them.
    """

    ours: set[int] = field(default_factory=set)
    theirs: set[int] = field(default_factory=set)
    unsure: set[int] = field(default_factory=set)
    last: int = 0

    def new(self) -> int:
        """A token that nobody used yet."""
        self.last += 1
        return self.last

    def taken_here(self, shown: int | None, there: int | None) -> None:
        """A program here replaced or removed a file that showed ``shown`` while the service had ``there``."""
        self._discard(shown)
        if there is not None and there != shown:
            self.unsure.add(there)

    def taken_there(self, token: int | None) -> None:
        """The second client replaced or removed what the service had."""
        self._discard(token)

    def _discard(self, token: int | None) -> None:
        if token is not None:
            self.ours.discard(token)
            self.theirs.discard(token)

    def judge(self, present: list[int], *, honest: bool) -> None:
        """Nothing is missing; with an ``honest`` service nothing of ours is there twice either."""
        there = set(present)
        assert not self.ours - there, f"closed here and gone: {self.ours - there}; there: {sorted(there)}"
        overwritten = self.theirs - self.unsure - there
        assert not overwritten, f"written there and gone: {overwritten}; there: {sorted(there)}"
        doubled = {token for token in self.ours if present.count(token) > 1}
        assert not (honest and doubled), f"on the service under two names: {doubled}"
