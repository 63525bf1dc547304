"""Authenticated calls to DRACOON: the token is added, renewed once where refused, and refusals become failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mountcloud.model.errors import Busy, Failure, NotFound, Unavailable
from mountcloud.net.http import Client, Response
from mountcloud.net.oauth2 import AccessToken, TokenSource
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.errors import failure_for

PAGE = 500
"""The largest page (DRACOON facts, 2)."""

_LISTING_TRIES = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said: an object (None where there is none), or a refusal with its errorCode."""

    status: int
    code: int | None
    body: object = field(repr=False)
    retry_after: float | None = None
    blocked: bool = False
    spoke_json: bool = True

    @property
    def ok(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300

    def failure(self) -> Failure:
        """The failure that this refusal means. A 404 of something in between is not a word of the service."""
        if self.status == 404 and not self.spoke_json:
            return Unavailable("something between us and the service answers 404")
        return failure_for(self.status, self.code, retry_after=self.retry_after, blocked=self.blocked)

    def done(self) -> None:
        """Raises the failure of a refusal; what a success says does not matter."""
        if not self.ok:
            raise self.failure()

    def required(self) -> wire.Json:
        """The object of a success; raises the failure of a refusal, ``Unavailable`` for a success that says nothing."""
        self.done()
        return wire.mapping(self.body)


class Api:
    """The service's interface below ``/api``."""

    def __init__(self, client: Client, tokens: TokenSource) -> None:
        self._client = client
        self._tokens = tokens

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> Answer:
        """One call, whatever comes of it; raises only if there is no answer or no token."""
        token = await self._tokens.token()
        response = await self._try(token, method, path, params, json)
        if response.status == 401:
            token = await self._tokens.renew(token)
            response = await self._try(token, method, path, params, json)
        return answer_of(response)

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> wire.Json:
        """The object that the call answers; raises the failure of a refusal."""
        return (await self.send(method, path, params=params, json=json)).required()

    async def call_list(self, path: str, params: Mapping[str, str | int]) -> list[wire.Json]:
        """All pages of a list. Pages are no snapshot: if the list changes under us, it is read again.

        Raises ``Busy`` if it never holds still.
        """
        for _ in range(_LISTING_TRIES):
            found = await self._pages(path, params)
            if found is not None:
                return found
        raise Busy("the list changes faster than it can be read")

    async def _pages(self, path: str, params: Mapping[str, str | int]) -> list[wire.Json] | None:
        """None if the list moved between two pages: the total is another one, or the page does not begin where it must.

        Each page begins with the last item of the one before. Without that, an item that slides over the border because
        one before it is gone would be in neither, and would seem to be gone itself.
        """
        found: list[wire.Json] = []
        expected: int | None = None
        while True:
            overlap = found[-1:]
            query = {**params, "offset": len(found) - len(overlap), "limit": PAGE}
            page = await self.call("GET", path, params=query)
            received, total = wire.listed(page), wire.total(page)
            if overlap and (total != expected or not _same_items(overlap, received[:1])):
                return None
            expected = total
            found += received[len(overlap) :]
            if len(received) < PAGE if total is None else len(found) >= total or len(received) == len(overlap):
                return found if _is_whole(found, total) else None

    async def _try(
        self, token: AccessToken, method: str, path: str, params: Mapping[str, str | int] | None, json: object
    ) -> Response:
        authorization = f"Bearer {token.value}"
        return await self._client.request(method, f"/api{path}", params=params, json=json, authorization=authorization)


def _identity(item: wire.Json) -> object:
    return item.get("id", item)


def _same_items(one: Sequence[wire.Json], other: Sequence[wire.Json]) -> bool:
    return list(map(_identity, one)) == list(map(_identity, other))


def _is_whole(items: Sequence[wire.Json], total: int | None) -> bool:
    """An item that comes twice was moved meanwhile, and another one is missing."""
    ids = [each["id"] for each in items if "id" in each]
    return total in {None, len(items)} and len(set(map(str, ids))) == len(ids)


async def call_or_none(api: Api, path: str) -> wire.Json | None:
    """The object at this path, or None if the service says that there is none."""
    try:
        return await api.call("GET", path)
    except NotFound:
        return None


def answer_of(response: Response) -> Answer:
    """Read an exchange with the service itself; raises ``Unavailable`` if a success holds no JSON."""
    if not response.body:
        return Answer(response.status, None, None, response.retry_after, _is_blocked(response), spoke_json=False)
    try:
        body = response.json()
    except Unavailable:
        if response.ok:
            raise
        body = None
    code = wire.integer(body, "errorCode") if isinstance(body, dict) else None
    return Answer(
        response.status,
        code or None,
        body,
        response.retry_after,
        _is_blocked(response),
        spoke_json=isinstance(body, dict),
    )


def _is_blocked(response: Response) -> bool:
    return "x-forbidden" in response.headers
