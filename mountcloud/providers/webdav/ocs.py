"""Nextcloud's own interface: calls that are answered in an envelope (Nextcloud's developer manual, OCS APIs)."""

from collections.abc import AsyncIterator, Mapping
from itertools import count

from mountcloud.model.errors import Failure, Forbidden, InvalidArgument, NotFound, Unavailable
from mountcloud.net.http import Client, Response
from mountcloud.providers.fields import query_of
from mountcloud.providers.webdav.errors import failure_for

_HEADER = {"OCS-APIRequest": "true"}
_JSON = {"format": "json"}
_QUERIES = frozenset({"GET", "HEAD", "DELETE"})
_ELSEWHERE = ("/ocs/", "/index.php/", "/status.php")
"""Addresses that are not below the one of version 2 of the interface."""
_PAGE = 100
_MOST_LETTERS = 200
_REFUSALS: dict[int, type[Failure]] = {400: InvalidArgument, 403: Forbidden, 404: NotFound}


class Ocs:
    """One account; ``top`` is the path of the instance on its server."""

    def __init__(self, client: Client, top: str) -> None:
        self._client = client
        self._top = top

    async def send(self, method: str, path: str, fields: Mapping[str, str | int] | None = None) -> Response:
        """One call, whatever the status is. ``path`` is below ``/ocs/v2.php``."""
        url, fields = self.url(path), fields or {}
        if method in _QUERIES:
            return await self._client.request(method, url, params={**_JSON, **fields}, headers=_HEADER)
        form = {name: str(value) for name, value in fields.items()}
        return await self._client.request(method, url, params=_JSON, form=form, headers=_HEADER)

    async def data(self, method: str, path: str, fields: Mapping[str, str | int] | None = None) -> object:
        """What the envelope holds; raises what ``refusal`` makes of a refusal, ``Unavailable`` for no envelope."""
        answer = await self.send(method, path, fields)
        if is_refused(answer):
            raise refusal(answer)
        envelope = _envelope(answer.json())
        if envelope is None:
            raise _strange()
        return envelope.get("data")

    async def table(self, path: str) -> Mapping[str, object]:
        """What a GET tells, where that is a table."""
        found = await self.data("GET", path)
        if not isinstance(found, dict):
            raise _strange()
        return found

    def url(self, path: str) -> str:
        """The path on the server."""
        return f"{self._top}{path if path.startswith(_ELSEWHERE) else f'/ocs/v2.php{path}'}"

    async def request(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """One call that a user spells out: what the envelope holds, or the whole answer where there is none."""
        if not path.startswith("/"):
            raise InvalidArgument(f"{path!r} is no path", hint="it begins with a slash, as in /cloud/user")
        method = method.upper()
        query = _JSON | (query_of(fields) if method in _QUERIES else {})
        body = None if method in _QUERIES else dict(fields)
        answer = await self._client.request(method, self.url(path), params=query, json=body, headers=_HEADER)
        if is_refused(answer):
            raise refusal(answer)
        found = answer.json() if answer.body.strip() else None
        envelope = _envelope(found)
        return found if envelope is None else envelope.get("data")

    async def pages(self, path: str, fields: Mapping[str, object]) -> AsyncIterator[object]:
        """Page after page by ``limit`` and ``offset``; what is not paged comes once."""
        before: object = None
        for offset in count(0, _PAGE):
            page = await self.request("GET", path, {**fields, "limit": _PAGE, "offset": offset})
            if page == before:
                return
            yield page
            if _length(page) != _PAGE:
                return
            before = page


def _strange() -> Unavailable:
    return Unavailable("the server answers, but not as Nextcloud does")


def is_refused(answer: Response) -> bool:
    """Version 1 of the interface says so in the envelope alone."""
    return not answer.ok or _meta(answer).get("status") == "failure"


def refusal(answer: Response) -> Failure:
    """The failure of a refused call, in the server's own words where it has some: an administrator's rule, say."""
    meta = _meta(answer)
    status, words = meta.get("statuscode") if answer.ok else answer.status, meta.get("message")
    kind = _REFUSALS.get(status) if isinstance(status, int) else None
    if kind is None or not isinstance(words, str) or not words.strip():
        return failure_for(answer)
    return kind(f"the server says: {' '.join(words.split())[:_MOST_LETTERS]}")


def _meta(answer: Response) -> Mapping[str, object]:
    """What the envelope says of the call itself; empty where there is none."""
    try:
        envelope = _envelope(answer.json()) if answer.body.strip() else None
    except Unavailable:
        return {}
    meta = None if envelope is None else envelope.get("meta")
    return meta if isinstance(meta, dict) else {}


def _envelope(found: object) -> Mapping[str, object] | None:
    envelope = found.get("ocs") if isinstance(found, dict) else None
    return envelope if isinstance(envelope, dict) else None


def _length(page: object) -> int:
    """How many things are on a page: a list, or a table with one list in it, as of users."""
    if isinstance(page, dict) and len(page) == 1:
        [page] = page.values()
    return len(page) if isinstance(page, list) else 0
