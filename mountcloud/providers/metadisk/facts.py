"""What is remembered of a node besides its place: the content that has its name, and times, which the service lacks."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Stand:
    """One content of a file. ``mtime_ns``: as it was given here, else when it was first seen."""

    hash: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Facts:
    """``stand`` of a file; while another content is on its way, ``was`` is the one before. ``title`` of a bucket.

    ``arrived``: the new content was stored, so the one before is only to be removed, whatever became of the new one.
    """

    stand: Stand | None = None
    was: Stand | None = None
    title: str = ""
    mtime_ns: int = 0
    arrived: bool = False

    @property
    def text(self) -> str:
        """As it is kept in the book of places."""
        return json.dumps(asdict(self))


def facts_of(text: str) -> Facts:
    """What ``Facts.text`` was made of."""
    if not text:
        return Facts()
    kept = json.loads(text)
    stand, was = (None if kept[key] is None else Stand(**kept[key]) for key in ("stand", "was"))
    return Facts(stand, was, kept["title"], kept["mtime_ns"], kept["arrived"])
