"""What the service sends, in our terms (Metadisk facts, 2). Pure; whatever is not as told raises ``Unavailable``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from mountcloud.model.errors import Unavailable
from mountcloud.model.offers import ServiceFacts

HASH_DIGITS = 40
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket; ``created_ns`` since the epoch, 0 where the service does not tell."""

    id: str
    name: str
    created_ns: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One content in a bucket. It is known by its hash there, and has exactly one name."""

    name: str
    hash: str
    size: int
    mimetype: str = ""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where one shard is to be had, once, for a short while. ``channel`` is an address."""

    hash: str
    token: str = field(repr=False)
    channel: str


def bucket_of(said: object) -> Bucket:
    """A bucket."""
    found = _mapping(said)
    id_ = _text(found, "id")
    if not (id_.isascii() and id_.isalnum()):
        raise Unavailable("the service names a bucket by something that is no id")
    return Bucket(id_, _text(found, "name"), _nanoseconds(found.get("created")))


def entry_of(said: object) -> Entry:
    """A file's entry."""
    found = _mapping(said)
    size, kind = found.get("size"), found.get("mimetype")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise Unavailable("the service tells no size of a file")
    return Entry(_text(found, "filename"), _hash(found), size, kind if isinstance(kind, str) else "")


def pointer_of(said: object) -> Pointer:
    """Where a shard is."""
    found = _mapping(said)
    return Pointer(_hash(found), _text(found, "token"), _text(found, "channel"))


def service_of(said: object, date: str) -> ServiceFacts:
    """What the service says of itself, in a swagger description (Metadisk facts, 1), and when, as an HTTP date."""
    about = _mapping(said).get("info")
    version = about.get("version") if isinstance(about, dict) else None
    try:
        time = parsedate_to_datetime(date).timestamp()
    except ValueError:
        time = None
    return ServiceFacts("Metadisk", version if isinstance(version, str) else "", time)


def list_of(said: object, read: Callable[[object], T]) -> tuple[T, ...]:
    """A whole list; one item that makes no sense is no reason to believe the others."""
    if not isinstance(said, list):
        raise Unavailable("the service sent something else than a list")
    return tuple(read(each) for each in said)


def keys_of(said: object) -> tuple[str, ...]:
    """The public keys of an account."""
    return list_of(said, lambda each: _text(_mapping(each), "key"))


def token_of(said: object) -> str:
    """A token that was asked for."""
    return _text(_mapping(said), "token")


def _mapping(said: object) -> Mapping[str, object]:
    if not isinstance(said, dict):
        raise Unavailable("the service sent something else than was asked for")
    return said


def _text(found: Mapping[str, object], key: str) -> str:
    text = found.get(key)
    if not isinstance(text, str):
        raise Unavailable(f"the service leaves out {key!r}")
    return text


def _hash(found: Mapping[str, object]) -> str:
    text = _text(found, "hash")
    if len(text) != HASH_DIGITS or set(text) - set("0123456789abcdef"):
        raise Unavailable("the service names a content by something that is no hash")
    return text


def _nanoseconds(said: object) -> int:
    try:
        moment = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return 0
    return 0 if moment is None or moment.tzinfo is None else int(moment.timestamp() * 1000) * 1_000_000
