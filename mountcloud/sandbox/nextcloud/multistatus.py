"""XML in and out: what PROPFIND and PROPPATCH ask, and 207 answers as SabreDAV writes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, tostring
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from starlette.responses import Response

from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.names import DAV, OC, PREFIXES

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~()/")
USUAL = ("getlastmodified", "getcontentlength", "resourcetype", "quota-used-bytes", "quota-available-bytes", "getetag")
USUAL_NAMES = tuple(f"{{{DAV}}}{name}" for name in (*USUAL, "getcontenttype"))


@dataclass(frozen=True, slots=True)
class Item:
    """One answer: properties by their Clark names, those that are there with their XML content.

    With ``status`` it is about the resource itself, and ``error`` says why.
    """

    href: str
    found: Mapping[str, str]
    missing: Sequence[str] = ()
    missing_status: str = "404 Not Found"
    status: str = ""
    error: str = ""


def quoted(path: str) -> str:
    """A path as SabreDAV encodes it: lower-case hex, and nearly everything encoded."""
    return "".join(chr(each) if each in _PLAIN else f"%{each:02x}" for each in path.encode())


def wanted(body: bytes) -> tuple[str, ...]:
    """The properties that a PROPFIND asks for; an empty body and ``allprop`` mean the usual ones."""
    if not body.strip():
        return USUAL_NAMES
    asked = parsed(body, "propfind").find(f"{{{DAV}}}prop")
    return USUAL_NAMES if asked is None else tuple(each.tag for each in asked)


def updates(body: bytes) -> list[tuple[str, str | None, str]]:
    """The properties that a PROPPATCH sets: name, XML content (None = remove), text."""
    found: list[tuple[str, str | None, str]] = []
    for step in parsed(body, "propertyupdate"):
        prop = step.find(f"{{{DAV}}}prop")
        for each in prop if prop is not None else ():
            remove = step.tag == f"{{{DAV}}}remove"
            found.append((each.tag, None if remove else _inner(each), "".join(each.itertext())))
    return found


def sought_id(body: bytes) -> int:
    """The number that a SEARCH compares ``oc:fileid`` with; 400 for any other search."""
    equal = parsed(body, "searchrequest").find(f".//{{{DAV}}}where/{{{DAV}}}eq")
    prop = None if equal is None else equal.find(f"{{{DAV}}}prop/{{{OC}}}fileid")
    digits = re.match(r"\d+", "" if equal is None else equal.findtext(f"{{{DAV}}}literal") or "")
    if prop is None or digits is None:
        raise Refusal(400, "This server searches for oc:fileid alone")
    return int(digits[0])


def sought_properties(body: bytes) -> tuple[str, ...]:
    """The properties that a SEARCH asks for."""
    asked = parsed(body, "searchrequest").find(f".//{{{DAV}}}select/{{{DAV}}}prop")
    return USUAL_NAMES if asked is None else tuple(each.tag for each in asked)


def report_name(body: bytes) -> str:
    """Which report is asked for."""
    return str(parsed(body, "").tag)


def parsed(body: bytes, name: str) -> Element:
    """The top element of a body, which must have this name (empty: any) of ``DAV:``; 400."""
    try:
        top: Element = fromstring(body)
    except (ParseError, DefusedXmlException) as problem:
        raise Refusal(400, f"Could not parse the body: {problem}") from None
    if name and top.tag != f"{{{DAV}}}{name}":
        raise Refusal(400, f"The body is not a {name}")
    return top


def _inner(element: Element) -> str:
    return escape(element.text or "") + "".join(tostring(each, encoding="unicode") for each in element)


def answer(items: Iterable[Item], *, minimal: bool = False, sync_token: str = "") -> Response:
    """The 207."""
    spaces = "".join(f' xmlns:{prefix}="{name}"' for name, prefix in PREFIXES.items())
    body = "".join(_item(each, minimal=minimal) for each in items)
    body += f"<d:sync-token>{sync_token}</d:sync-token>" if sync_token else ""
    text = f'<?xml version="1.0"?>\n<d:multistatus{spaces}>{body}</d:multistatus>\n'
    headers = {"vary": "Brief,Prefer", "dav": "1, 3, extended-mkcol, access-control, nextcloud-checksum-update"}
    return Response(text, 207, headers, media_type="application/xml; charset=utf-8")


def _item(item: Item, *, minimal: bool) -> str:
    if item.status:
        error = f"<d:error>{item.error}</d:error>" if item.error else ""
        return (
            f"<d:response><d:href>{item.href}</d:href><d:status>HTTP/1.1 {item.status}</d:status>{error}</d:response>"
        )
    parts = [_propstat("".join(_element(*each) for each in item.found.items()), "200 OK")]
    if item.missing and not minimal:
        parts.append(_propstat("".join(_element(each, "") for each in item.missing), item.missing_status))
    kept = [each for each, there in zip(parts, (bool(item.found), True), strict=False) if there]
    return f"<d:response><d:href>{item.href}</d:href>{''.join(kept or parts)}</d:response>"


def _propstat(inner: str, status: str) -> str:
    return f"<d:propstat><d:prop>{inner}</d:prop><d:status>HTTP/1.1 {status}</d:status></d:propstat>"


def _element(name: str, inner: str) -> str:
    space, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    prefix = PREFIXES.get(space)
    if not space:
        tag, bound = local, ' xmlns=""'
    else:
        tag, bound = (f"{prefix}:{local}", "") if prefix else (f"x1:{local}", f' xmlns:x1="{escape(space)}"')
    return f"<{tag}{bound}>{inner}</{tag}>" if inner else f"<{tag}{bound}/>"
