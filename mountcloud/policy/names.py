"""Names on the service and names on Linux.

``to_file_name`` gives every remote name a file name of its own; ordinary names stay as they are. What Linux cannot hold
is escaped with the symbol "␛", and so is the symbol itself:

    / and NUL       ␛2F, ␛00         (a byte in hexadecimal)
    . and ..        ␛2E, ␛2E.        (only as whole names)
    an empty name   ␛-
    lone surrogates ␛uD83D           (text that a service failed to keep whole)
    ␛               ␛␛
    over 255 bytes  START␛~DIGEST.EXT

The last one cannot be undone from the file name alone: whoever lists the directory knows the remote name.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable

from mountcloud.model.errors import Failure, InvalidName, NameTooLong
from mountcloud.model.names import NameRules

MAX_FILE_NAME_BYTES = 255
"""The longest file name of Linux."""

_ESCAPE = "\u241b"
_EMPTY = _ESCAPE + "-"
_LONG = _ESCAPE + "~"
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPECIAL = re.compile(f"[/\0{_ESCAPE}\ud800-\udfff]")
_TOKEN = re.compile(f"{_ESCAPE}(?:{_ESCAPE}|-|[0-9A-F]{{2}}|u[0-9A-F]{{4}})")
_MAX_EXTENSION = 16


def to_file_name(remote: str) -> str:
    """The file name of a remote name: never the same for two, at most 255 bytes, always one that Linux can hold."""
    if not remote:
        return _EMPTY
    if remote in (".", ".."):
        return f"{_ESCAPE}2E{remote[1:]}"
    escaped = _SPECIAL.sub(_escape, remote)
    return escaped if len(escaped.encode()) <= MAX_FILE_NAME_BYTES else _shorten(remote)


def to_remote_name(file_name: str) -> str:
    """The remote name of a file name: what ``to_file_name`` turns into exactly this one.

    Raises ``InvalidName`` if there is none: ".", "..", bytes that are not UTF-8 (they arrive as surrogates), a symbol
    "␛" that escapes nothing, or the name of a remote name that was too long. Raises ``NameTooLong`` over 255 bytes.
    """
    if not _is_text(file_name):
        raise InvalidName("the name is not valid UTF-8")
    if len(file_name.encode()) > MAX_FILE_NAME_BYTES:
        raise NameTooLong(f"the name is longer than {MAX_FILE_NAME_BYTES} bytes")
    remote = _TOKEN.sub(_unescape, file_name)
    if to_file_name(remote) != file_name:
        raise InvalidName("the name stands for no name on the service", hint=f"avoid the symbol {_ESCAPE} in names")
    return remote


def check(rules: NameRules, name: str) -> Failure | None:
    """Why a service with these rules cannot hold this remote name (``InvalidName``, ``NameTooLong``), or None."""
    name = unicodedata.normalize("NFC", name) if rules.normalises else name
    reason = _invalid(rules, name)
    if reason is not None:
        return InvalidName(f"the service cannot hold a name that {reason}")
    if rules.max_length and len(name) > rules.max_length:
        return NameTooLong(f"the service holds names of up to {rules.max_length} characters")
    if rules.max_bytes and len(name.encode(errors="surrogateescape")) > rules.max_bytes:
        return NameTooLong(f"the service holds names of up to {rules.max_bytes} bytes")
    return None


def fold(rules: NameRules, name: str) -> str:
    """Equal for two names that the service takes for the same one; not a name itself."""
    if not rules.case_sensitive:
        return unicodedata.normalize("NFC", name.casefold())
    return unicodedata.normalize("NFC", name) if rules.normalises else name


def disambiguate(file_name: str, taken: Callable[[str], bool], id: str) -> str:
    """A file name for a node whose own one is taken by another node: the same for the same id as long as it is free."""
    digest = hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()
    for length in range(6, len(digest) + 1):
        candidate = with_suffix(file_name, f" ({digest[:length]})")
        if not taken(candidate):
            return candidate
    raise NameTooLong("no file name is free for this node")


def with_suffix(name: str, suffix: str, *, max_length: int = 0, max_bytes: int = MAX_FILE_NAME_BYTES) -> str:
    """The name with something between stem and extension; the stem is cut, at a character, to keep the limits."""
    stem, extension = split_extension(name)
    tail = suffix + extension
    room = max_bytes - len(tail.encode("utf-8", "surrogatepass"))
    stem = _cut(stem, room, max_length - len(tail) if max_length else len(stem))
    return stem + tail


def split_extension(name: str) -> tuple[str, str]:
    """Stem and extension with its dot; the extension is empty if what follows the last dot does not look like one."""
    stem, dot, extension = name.rpartition(".")
    if not stem.strip(".") or not extension or len(extension) > _MAX_EXTENSION or not extension.isalnum():
        return name, ""
    return stem, dot + extension


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character == _ESCAPE:
        return _ESCAPE * 2
    return f"{_ESCAPE}{ord(character):02X}" if ord(character) < 0x80 else f"{_ESCAPE}u{ord(character):04X}"


def _unescape(match: re.Match[str]) -> str:
    token = match[0][1:]
    if token in (_ESCAPE, "-"):
        return token.strip("-")
    return chr(int(token.removeprefix("u"), 16))


def _shorten(remote: str) -> str:
    """Start, digest and extension; the start is cut between characters of the remote name, never inside an escape."""
    digest = hashlib.sha256(remote.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    stem, extension = split_extension(remote)
    tail = _LONG + digest + extension
    room = MAX_FILE_NAME_BYTES - len(tail.encode())
    start = _cut(stem, room, len(stem))
    while len(_SPECIAL.sub(_escape, start).encode()) > room:
        start = start[:-1]
    return _SPECIAL.sub(_escape, start) + tail


def _cut(text: str, max_bytes: int, max_length: int) -> str:
    text = text[: max(min(max_length, max_bytes), 0)]
    while text and len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        text = text[:-1]
    return text


def _is_text(name: str) -> bool:
    return name.isascii() or _SURROGATE.search(name) is None


def _is_bytes(name: str) -> bool:
    """True if the surrogates in the name stand for bytes, and these make no character after all."""
    try:
        return name.encode(errors="surrogateescape").decode(errors="surrogateescape") == name
    except UnicodeEncodeError:
        return False


def _has_control(name: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in name)


def _invalid(rules: NameRules, name: str) -> str | None:
    if not name or name in (".", ".."):
        return "is empty, . or .."
    if not _is_text(name) and not (rules.holds_bytes and _is_bytes(name)):
        return "is not valid Unicode"
    if found := set(name) & set(rules.forbidden):
        return f"contains {min(found)!r}"
    if rules.forbid_control and not name.isprintable() and _has_control(name):
        return "contains a control character"
    if name[0] in rules.forbidden_first or name[-1] in rules.forbidden_last:
        return f"begins with {name[0]!r}" if name[0] in rules.forbidden_first else f"ends with {name[-1]!r}"
    folded = name.casefold()
    if any(folded == each.casefold() for each in rules.forbidden_names):
        return "is a name that the service forbids"
    if ending := next((each for each in rules.forbidden_endings if folded.endswith(each.casefold())), None):
        return f"ends with {ending!r}"
    stem = name.partition(".")[0].casefold()
    return f"is reserved, as {stem!r} is" if stem in {word.casefold() for word in rules.reserved} else None
