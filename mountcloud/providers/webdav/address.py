"""Paths of the account and addresses of the server, both ways (WebDAV facts, 1, client rule 9)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit

Path = tuple[str, ...]
"""Names from the collection in which the tree begins; empty for itself. Bytes that are no UTF-8 stand as surrogates."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the account's tree begins: an origin such as ``https://cloud.example``, and the names of its collection."""

    origin: str
    base: Path

    def href(self, path: Path, *, directory: bool) -> str:
        """The path on the server, percent-encoded; collections end with a slash, as some servers insist."""
        names = "/".join(quote(name, safe="", errors="surrogateescape") for name in (*self.base, *path))
        return f"/{names}/" if directory and names else f"/{names}"

    def url(self, path: Path, *, directory: bool) -> str:
        """The whole address: Destination headers need it, since some servers refuse a path alone."""
        return self.origin + self.href(path, directory=directory)


def address_of(url: str) -> Address:
    """The address in the settings."""
    parts = urlsplit(url)
    return Address(f"{parts.scheme}://{parts.netloc}", decoded(parts.path))


def decoded(href: str) -> Path:
    """The names in an href, which may be an address or a path, encoded in any case."""
    path = href.strip()
    if not path.startswith("/"):
        path = re.sub(r"^https?://[^/]*", "", path, flags=re.IGNORECASE)
    above, _, name = path.rstrip("/").rpartition("/")
    return (*_decoded_names(above), _decoded_name(name)) if name else ()


@lru_cache(64)
def _decoded_names(path: str) -> Path:
    """Of the directory above, which all entries of a list have in common."""
    return tuple(_decoded_name(name) for name in path.split("/") if name)


def _decoded_name(name: str) -> str:
    return unquote_to_bytes(name).decode(errors="surrogateescape") if "%" in name else name


def is_text(path: Path) -> bool:
    """False if a name in the path is no UTF-8."""
    return not any("\udc80" <= character <= "\udcff" for name in path for character in name)
