"""Bodies of WebDAV: what to ask for, and what an answer says (RFC 4918, 9.1 and 13). Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from xml.etree.ElementTree import Element, ParseError, SubElement, TreeBuilder, XMLParser, tostring

from mountcloud.model.errors import Unavailable
from mountcloud.model.node import Rights
from mountcloud.providers.webdav import tokens
from mountcloud.providers.webdav.address import Path, decoded
from mountcloud.providers.webdav.tokens import Token

DAV = "{DAV:}"
OC = "{http://owncloud.org/ns}"
NC = "{http://nextcloud.org/ns}"
LASTMODIFIED = f"{DAV}lastmodified"
"""Setting it sets the date of a file on Nextcloud."""
OURS = "{urn:mountcloud:properties}"

MTIME = f"{OURS}mtime"
"""Our own dead property: a modification time, and the size and date of the content to which it belongs."""

LENGTH, ETAG, MODIFIED = f"{DAV}getcontentlength", f"{DAV}getetag", f"{DAV}getlastmodified"
ID, PERMISSIONS, CHECKSUMS = f"{OC}id", f"{OC}permissions", f"{OC}checksums"
BASIC = (f"{DAV}resourcetype", LENGTH, ETAG, MODIFIED)
OWNCLOUD = (ID, f"{OC}fileid", PERMISSIONS, CHECKSUMS, f"{OC}size")
_HREF, _PROPSTAT, _PROP, _STATUS = f"{DAV}href", f"{DAV}propstat", f"{DAV}prop", f"{DAV}status"
QUOTA = (f"{DAV}quota-available-bytes", f"{DAV}quota-used-bytes")


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a multi-status. ``props`` holds the elements that the server gave with status 200.

    ``now`` is the server's clock when it answered, in seconds since the epoch; 0 if it did not tell.
    """

    path: Path
    ends_with_slash: bool
    status: int
    props: Mapping[str, Element] = field(repr=False)
    now: int = 0

    def text(self, name: str) -> str:
        """A property as text, empty if it is not there."""
        found = self.props.get(name)
        return "" if found is None else (found.text or "").strip()

    def number(self, name: str) -> int | None:
        """A property as a whole number; None if it is not there, or is none."""
        text = self.text(name)
        return int(text) if re.fullmatch(r"-?\d{1,20}", text) else None

    @property
    def is_visible(self) -> bool:
        """False if there is something of this name, of which the server tells us nothing more."""
        return self.status < 400

    @property
    def is_directory(self) -> bool:
        """A collection by its type, or by its address where the type is not told."""
        kind = self.props.get(f"{DAV}resourcetype")
        return self.ends_with_slash if kind is None else kind.find(f"{DAV}collection") is not None

    @property
    def size(self) -> int | None:
        """Bytes of a file, None where the server does not tell."""
        return self.number(LENGTH)

    @property
    def modified(self) -> int:
        """Seconds since the epoch, 0 where the server tells no date."""
        return seconds(self.text(MODIFIED))

    @property
    def token(self) -> Token:
        """By which this content is told from others."""
        return Token(tokens.etag(self.text(ETAG)), self.size or 0, self.modified)

    @property
    def condition(self) -> str:
        """The ETag for an If-Match, empty where it can be used for none."""
        return tokens.strong(self.text(ETAG))


def propfind(names: Iterable[str]) -> bytes:
    """Ask for these properties."""
    root = Element(f"{DAV}propfind")
    asked = SubElement(root, f"{DAV}prop")
    for name in names:
        SubElement(asked, name)
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body


SYNC = (f"{DAV}supported-report-set", f"{DAV}sync-token")
"""By which a collection tells that changes below it can be followed, and from where (RFC 6578, 3.2 and 4)."""


def offers_sync(entry: Entry) -> bool:
    """True if the collection announces the sync-collection report, and a token to begin with."""
    reports = entry.props.get(SYNC[0])
    named = reports is not None and reports.find(f".//{DAV}sync-collection") is not None
    return named and bool(entry.text(SYNC[1]))


def sync_collection(token: str, names: Iterable[str]) -> bytes:
    """Ask what changed anywhere below since the token (RFC 6578, 6.1)."""
    root = Element(f"{DAV}sync-collection")
    SubElement(root, f"{DAV}sync-token").text = token
    SubElement(root, f"{DAV}sync-level").text = "infinite"
    asked = SubElement(root, f"{DAV}prop")
    for name in names:
        SubElement(asked, name)
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body


@dataclass(frozen=True, slots=True)
class SyncPage:
    """An answer to that: what changed, gone things with status 404; ``truncated``: there is more after ``token``.

    ``whole`` is false if the server does not look into some collections (RFC 6578, 3.3).
    """

    entries: Sequence[Entry]
    token: str
    truncated: bool
    whole: bool


def sync_page(own: Path, body: bytes, now: int = 0) -> SyncPage:
    """The page about the collection ``own``; raises ``Unavailable`` for anything else."""
    root = _multistatus(body)
    token = (root.findtext(f"{DAV}sync-token") or "").strip()
    if not token:
        raise Unavailable("the server tells of changes, but not from where to go on")
    found = [_entry(each, now) for each in root.findall(f"{DAV}response")]
    return SyncPage(
        entries=[each for each in found if each.path != own],
        token=token,
        truncated=any(each.path == own and each.status == 507 for each in found),
        whole=root.find(f".//{DAV}sync-traversal-supported") is None,
    )


def refuses_token(body: bytes) -> bool:
    """True if an error says that the token of a report is not known any more (RFC 6578, 3.2)."""
    return b"valid-sync-token" in body


def proppatch(name: str, value: str) -> bytes:
    """Set one property."""
    root = Element(f"{DAV}propertyupdate")
    SubElement(SubElement(SubElement(root, f"{DAV}set"), f"{DAV}prop"), name).text = value
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def with_size(entry: Entry, size: str) -> Entry:
    """The entry with a length that was told elsewhere; raises ``Unavailable`` if that is none."""
    if not re.fullmatch(r"\d{1,19}", size):
        raise Unavailable("the server does not tell how long a file is")
    length = Element(LENGTH)
    length.text = size
    return replace(entry, props={**entry.props, length.tag: length})


def file_entry(path: Path, values: Mapping[str, str]) -> Entry:
    """A file of which everything was told otherwise."""
    props: dict[str, Element] = {}
    for name, text in values.items():
        props[name] = Element(name)
        props[name].text = text
    return Entry(path, ends_with_slash=False, status=200, props=props)


def entries(body: bytes, now: int = 0) -> list[Entry]:
    """The resources of a multi-status; raises ``Unavailable`` for anything else, so that no half list is believed."""
    return [_entry(each, now) for each in _multistatus(body).findall(f"{DAV}response")]


class _NoEntities(TreeBuilder):
    """Builds no tree of what declares a document type: no answer needs one, and entities are how XML attacks.

    With this the parser stays the one in C; the one of defusedxml, in Python, takes twice as long for a list.
    """

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Raises ``ValueError``, before anything of the declaration is used."""
        raise ValueError("a document type is declared")


def _parsed(body: bytes) -> Element:
    """Raises ``Unavailable`` for what is no XML, or none that we read."""
    parser = XMLParser(target=_NoEntities())  # noqa: S314 - without entities
    try:
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:  # the last for an encoding that nobody knows
        raise Unavailable(f"the server sent a list that is broken: {type(error).__name__}") from None
    return root


def _multistatus(body: bytes) -> Element:
    root = _parsed(body)
    if root.tag != f"{DAV}multistatus":
        raise Unavailable("the server sent something else than a list")
    return root


def _entry(response: Element, now: int) -> Entry:
    href, status = "", 0
    props: dict[str, Element] = {}
    for each in response:
        if each.tag == _PROPSTAT:
            props |= _granted(each)
        elif each.tag == _HREF:
            href = href or (each.text or "").strip()
        elif each.tag == _STATUS:
            status = status or _status(each.text)
    return Entry(decoded(href), href.endswith("/"), status or 200, props, now)


def _granted(propstat: Element) -> dict[str, Element]:
    """The properties that come with status 200 (RFC 4918, 14.22)."""
    if _status(propstat.findtext(_STATUS)) != 200:
        return {}
    return {prop.tag: prop for each in propstat if each.tag == _PROP for prop in each}


@lru_cache(64)
def _status(line: str | None) -> int:
    found = re.search(r"\s(\d{3})\b", line or "")
    return int(found[1]) if found else 0


def refused_properties(body: bytes) -> bool:
    """True if a PROPPATCH did not do what it was asked for (RFC 4918, 9.2)."""
    root = _parsed(body)
    statuses = [_status(each.text) for each in root.iter(f"{DAV}status")]
    return not statuses or any(status != 200 for status in statuses)


@lru_cache(1024)
def seconds(date: str) -> int:
    """An HTTP date (RFC 9110, 5.6.7) in seconds since the epoch, 0 if it is none."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return 0
    return max(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()), 0)


@dataclass(frozen=True, slots=True)
class KeptTime:
    """A time in our own property, and the content to which it belongs: other clients do not know the property."""

    mtime_ns: int
    size: int
    modified: int

    @property
    def text(self) -> str:
        """The value of the property."""
        return f"{self.mtime_ns} {self.size} {self.modified}"


def kept_time(entry: Entry) -> KeptTime | None:
    """The time in our own property, if there is one."""
    text = entry.text(MTIME)
    found = re.fullmatch(r"(-?\d{1,20}) (\d{1,20}) (\d{1,20})", text) if text else None
    return None if found is None else KeptTime(int(found[1]), int(found[2]), int(found[3]))


_ALGORITHMS = ("sha256", "sha1", "md5")


def checksum(entry: Entry) -> str:
    """The best of ``oc:checksums`` as ``sha1:...`` in lower case, empty if we know none of them (WebDAV facts, 2)."""
    found = entry.props.get(CHECKSUMS)
    told = " ".join(found.itertext()).lower().split() if found is not None else []
    known = {each.partition(":")[0]: each for each in told if re.fullmatch(r"[a-z0-9]+:[0-9a-f]+", each)}
    return next((known[each] for each in _ALGORITHMS if each in known), "")


_RIGHTS = {
    "G": Rights.READ,
    "W": Rights.WRITE | Rights.SET_TIMES,
    "C": Rights.CREATE_FILES | Rights.MOVE_IN,
    "K": Rights.CREATE_DIRECTORIES | Rights.MOVE_IN,
    "N": Rights.RENAME,
    "V": Rights.MOVE,
    "D": Rights.DELETE,
}


def rights(entry: Entry) -> Rights:
    """What oc:permissions allows (WebDAV facts, 2); everything where the server does not say."""
    letters = entry.text(PERMISSIONS)
    if not letters:
        return Rights.ALL
    found = Rights.NONE
    for letter in letters:
        found |= _RIGHTS.get(letter, Rights.NONE)
    return found | (Rights.SET_TIMES if Rights.CREATE_FILES in found else Rights.NONE)
