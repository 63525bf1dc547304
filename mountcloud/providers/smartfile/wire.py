"""What the service says of a path, in our terms (SmartFile facts, 4 and 5). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote

from mountcloud.model.errors import Unavailable
from mountcloud.model.node import Rights
from mountcloud.providers.smartfile import clock

Path = tuple[str, ...]
"""Names from the root of the account; empty for the root."""

MTIME = "mountcloud-mtime"
"""Our own attribute: a modification time, and the size and time of the content to which it belongs."""

_BY_LETTER = {
    "list": Rights.READ,
    "read": Rights.READ,
    "write": Rights.WRITE | Rights.SET_TIMES | Rights.CREATE_FILES | Rights.CREATE_DIRECTORIES | Rights.MOVE_IN,
    "remove": Rights.DELETE | Rights.RENAME | Rights.MOVE,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One path object. ``time`` is the service's own text; ``now`` its clock when it answered, 0 if it did not tell.

    ``number`` is the service's own, empty if it tells none; nobody knows whether a move changes it (facts, 4).
    """

    name: str
    is_directory: bool
    size: int
    time: str
    rights: Rights
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    now: int = 0
    number: str = ""

    @property
    def token(self) -> "Token":
        """By which this content is told from others, as far as the service tells anything."""
        return Token(self.time, self.size)

    @property
    def modified(self) -> int:
        """Seconds since the epoch."""
        return clock.seconds(self.time)


@dataclass(frozen=True, slots=True)
class Token:
    """A time and a size: there is no tag, revision or hash. Two writes of one size in a second look the same."""

    time: str
    size: int

    @property
    def text(self) -> str:
        """In a line; ``parsed`` turns it back."""
        return f"{self.time};{self.size}"

    def is_young(self, now: int, within_s: float) -> bool:
        """True if, when the service's clock showed ``now``, another write could have got the same token."""
        return any(abs(now - moment) < within_s for moment in clock.moments(self.time))


def parsed(version: str) -> Token | None:
    """The token of a version that is nothing but a token; None for any other text."""
    time, separator, size = version.rpartition(";")
    return Token(time, int(size)) if separator and size.isdecimal() else None


def quoted(path: Path) -> str:
    """Each name encoded by itself, with a slash at the end: the published client sends it so (SmartFile facts, 1)."""
    return "".join(f"{quote(name, safe='')}/" for name in path)


def absolute(path: Path) -> str:
    """As forms name it."""
    return "/" + "/".join(path)


def entry_of(answer: object, now: int = 0) -> Entry:
    """One path object; raises ``Unavailable`` for anything else, so that no half answer is believed."""
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        raise Unavailable("the service tells of no file")
    name, time, directory = answer.get("name"), answer.get("time"), answer.get("isdir")
    size = 0 if directory is True else answer.get("size")
    whole = isinstance(name, str) and isinstance(directory, bool) and isinstance(time, str)
    if not whole or not isinstance(size, int) or size < 0 or "/" in str(name):
        raise Unavailable("the service leaves out what a file is")
    rights, attributes, number = _rights(answer.get("acl")), _attributes(answer), answer.get("id")
    told = str(number) if type(number) is int and number > 0 else ""
    return Entry(str(name), bool(directory), size, str(time), rights, attributes, now, told)


def _attributes(answer: Mapping[str, object]) -> Mapping[str, str]:
    found = answer.get("attributes")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _rights(acl: object) -> Rights:
    """Everything where the service does not say."""
    if not isinstance(acl, dict):
        return Rights.ALL
    found = Rights.NONE
    for letter, rights in _BY_LETTER.items():
        if acl.get(letter, True):
            found |= rights
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    entries: tuple[Entry, ...]
    number: int
    pages: int


def page_of(answer: object, now: int) -> Page:
    """One page; raises ``Unavailable`` for anything else."""
    if not isinstance(answer, dict) or not isinstance(answer.get("children"), list):
        raise Unavailable("the service sent something else than a list")
    number, pages = answer.get("page", 1), answer.get("pages", 1)
    if not isinstance(number, int) or not isinstance(pages, int):
        raise Unavailable("the service sent a list without an end")
    return Page(tuple(entry_of(each, now) for each in answer["children"]), number, pages)


@lru_cache(1024)
def seconds_of_date(date: str) -> int:
    """An HTTP date (RFC 9110, 5.6.7) in seconds since the epoch, 0 if it is none."""
    try:
        return max(int(parsedate_to_datetime(date).timestamp()), 0)
    except ValueError:
        return 0


@dataclass(frozen=True, slots=True)
class KeptTime:
    """A time in our own attribute, and the content to which it belongs: other clients do not know it."""

    mtime_ns: int
    token: Token

    @property
    def text(self) -> str:
        """The value of the attribute."""
        return f"{self.mtime_ns} {self.token.text}"


def kept_time(entry: Entry) -> KeptTime | None:
    """The time in our own attribute, if there is one."""
    number, _, rest = entry.attributes.get(MTIME, "").partition(" ")
    token = parsed(rest)
    if token is None or not number.removeprefix("-").isdecimal():
        return None
    return KeptTime(int(number), token)
