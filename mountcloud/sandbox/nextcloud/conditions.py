"""Preconditions as SabreDAV evaluates them before every method (WebDAV facts, 1: its column)."""

import re
from collections.abc import Callable, Mapping

from starlette.responses import Response

from mountcloud.sandbox.nextcloud.errors import Refusal

EtagAt = Callable[[str], str | None]
"""The ETag at an address (empty = the request's own); None if nothing is there."""

_LIST = re.compile(r"(?:<([^>]+)>\s*)?\(([^)]*)\)")
_TERM = re.compile(r"(Not\s+)?(?:<([^>]*)>|\[([^\]]*)\])", re.IGNORECASE)


def check(method: str, headers: Mapping[str, str], etag_at: EtagAt) -> Response | None:
    """None if the request may go on, a 304 for a reader who has it already; raises 412."""
    if_match, if_none_match = headers.get("if-match"), headers.get("if-none-match")
    if if_match is not None and not _matches(if_match, etag_at("")):
        raise Refusal(412, "An If-Match header was specified, but none of the specified the ETags matched.")
    if if_none_match is not None and _matches(if_none_match, etag_at("")):
        if method in {"GET", "HEAD"}:
            return Response(status_code=304, headers={"etag": etag_at("") or ""})
        raise Refusal(412, "An If-None-Match header was specified, but the ETag matched (or * was specified).")
    lists = _LIST.findall(headers.get("if", ""))
    if lists and not any(_holds(terms, etag_at(address)) for address, terms in lists):
        raise Refusal(412, "None of the conditions in the If header was met")
    return None


def _matches(header: str, etag: str | None) -> bool:
    if etag is None:
        return False
    return header.strip() == "*" or etag in [each.strip() for each in header.split(",")]


def _holds(terms: str, etag: str | None) -> bool:
    """All terms of one list. A lock token never holds, since there are no locks."""
    found = _TERM.findall(terms)
    return all((bool(wanted) and wanted == etag) != bool(negated) for negated, _, wanted in found)
