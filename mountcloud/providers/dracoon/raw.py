"""The service's interface as it is, with the account's token (DRACOON facts, 2)."""

from collections.abc import AsyncIterator, Mapping

from mountcloud.model.errors import InvalidArgument
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import PAGE, Api
from mountcloud.providers.fields import query_of

_QUERIES = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class Raw:
    """Calls that have no command of their own. Paths as the service documents them, with or without ``/api``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def request(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """The answer's JSON, None for an empty one; raises the failure of a refusal."""
        method = method.upper()
        if method in _QUERIES:
            answer = await self._api.send(method, _checked(path), params=query_of(fields))
        else:
            answer = await self._api.send(method, _checked(path), json=dict(fields))
        answer.done()
        return answer.body

    async def pages(self, path: str, fields: Mapping[str, object]) -> AsyncIterator[object]:
        """Pages of the largest size, until their range says that there is no more; what is not paged comes once."""
        seen = 0
        while True:
            page = await self.request("GET", path, {**fields, "offset": seen, "limit": PAGE})
            yield page
            if not isinstance(page, dict) or (total := wire.total(page)) is None:
                return
            received = len(wire.items(page))
            seen += received
            if not received or seen >= total:
                return


def _checked(path: str) -> str:
    """Below ``/api``. Only a path: the token is for the service alone."""
    if not path.startswith("/"):
        raise InvalidArgument(f"{path!r} is no path", hint="it begins with a slash, as in /v4/user/account")
    return path.removeprefix("/api")
