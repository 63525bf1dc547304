"""Paths in a bucket and the names that the service holds: it knows no directories, and cuts a name off at each slash.

A path travels as one name in which ``%2F`` stands for the slash. So do other characters that a form's header cannot
carry, and a percent sign that would be taken for the beginning of such an escape. All else stays as it is, and every
name that another client gave is a path here too.

What the service cannot hold at all, an empty directory and a second name of a content, is a note: a small file whose
name says what it is about and whose content follows from its name. Its hash proves that it is one.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from mountcloud.crypt.ripemd160 import ContentHash
from mountcloud.model.errors import InvalidName

Path = tuple[str, ...]
"""Names from the bucket down; empty for the bucket itself."""

_CODES = r"(?:2F|5C|22|7F|[01][0-9A-F])"
_TO_ESCAPE = re.compile(rf'[/\\"\x7f\x00-\x1f]|%(?=(?:25)*{_CODES})')
_ESCAPE = re.compile(rf"%(25)?((?:25)*)({_CODES})")
_ALIAS = re.compile(r"(.+)=([0-9a-f]{40})", re.DOTALL)
_SLASH = "%2F"


class Kind(Enum):
    """What an entry of a bucket is to us."""

    FILE = auto()
    DIRECTORY = auto()
    """A note: this directory is there, even if nothing is in it."""
    ALIAS = auto()
    """A note: the content of another entry has this name too."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """``target`` is the hash of an alias' content."""

    kind: Kind
    path: Path
    target: str = ""


def stored_name(path: Path) -> str:
    """What the service calls a file at this path."""
    return _TO_ESCAPE.sub(lambda found: f"%{ord(found[0]):02X}", "/".join(path))


def directory_note(path: Path) -> str:
    """What the note of a directory is called."""
    return stored_name(path) + _SLASH


def alias_note(path: Path, target: str) -> str:
    """What the note of a second name is called."""
    return f"{stored_name(path)}={target}"


def note_content(name: str) -> bytes:
    """What is in the note of this name. Raises ``InvalidName`` for a name that is no text."""
    try:
        return f"A note of mountcloud: {name}\n".encode()
    except UnicodeEncodeError:
        raise InvalidName("the name is not valid Unicode") from None


def note_hash(name: str) -> str:
    """The hash of the note of this name."""
    return ContentHash(note_content(name)).hexdigest()


def path_of(name: str) -> Path:
    """The path of a file that the service calls so; what makes no path is one name."""
    path = tuple(_ESCAPE.sub(_unescaped, name).split("/"))
    return path if all(path) else (name,)


@lru_cache(1 << 16)
def meaning_of(name: str, content_hash: str) -> Meaning:
    """What an entry of this name and content is."""
    if name.endswith(_SLASH) and _is_note(name, content_hash):
        path = tuple(_ESCAPE.sub(_unescaped, name).removesuffix("/").split("/"))
        return Meaning(Kind.DIRECTORY, path) if all(path) else Meaning(Kind.FILE, (name,))
    alias = _ALIAS.fullmatch(name)
    if alias is not None and _is_note(name, content_hash):
        return Meaning(Kind.ALIAS, path_of(alias[1]), alias[2])
    return Meaning(Kind.FILE, path_of(name))


def _is_note(name: str, content_hash: str) -> bool:
    try:
        return note_hash(name) == content_hash
    except InvalidName:
        return False


def _unescaped(found: re.Match[str]) -> str:
    return f"%{found[2]}{found[3]}" if found[1] else chr(int(found[3], 16))
