"""Which names the service takes, and when two of them clash (DRACOON facts, 19)."""

import mimetypes
import re
import unicodedata
from collections.abc import Iterator

from mountcloud.sandbox.dracoon.errors import BAD_NAME, TOO_LONG, Refusal

MAX_NAME = 150
_ILLEGAL = re.compile(r'[\\<>:"|?*/\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM[1-9]|LPT[1-9])(?:\..*)?", re.IGNORECASE | re.DOTALL)


def check_name(name: str) -> str:
    """The name, if it is allowed; raises ``Refusal`` otherwise."""
    if len(name) > MAX_NAME:
        raise Refusal(TOO_LONG, words=f"A name has up to {MAX_NAME} characters")
    if not name.strip() or name in {".", ".."} or name.startswith("-") or name.endswith("."):
        raise Refusal(BAD_NAME)
    if _ILLEGAL.search(name) or _RESERVED.fullmatch(name):
        raise Refusal(BAD_NAME)
    return name


def name_key(name: str) -> str:
    """Equal for names that clash, without regard to case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def same_name(one: str, other: str, *, case_sensitive: bool) -> bool:
    """True if the two clash."""
    if case_sensitive:
        return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    return name_key(one) == name_key(other)


def numbered(name: str) -> Iterator[str]:
    """``a (1).txt``, ``a (2).txt`` ...: what automatic renaming tries."""
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number = 0
    while True:
        number += 1
        tail = f" ({number}){dot}{extension}"
        yield stem[: MAX_NAME - len(tail)] + tail


def extension_of(name: str) -> str:
    """``txt`` of ``a.txt``, else empty."""
    return name.rpartition(".")[2] if "." in name else ""


def media_type(name: str) -> str:
    """The MIME type that the name suggests."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
