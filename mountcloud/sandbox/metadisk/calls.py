"""From an HTTP request to a handler and back: who asks, one transaction, refusals as JSON."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mountcloud.sandbox.metadisk.errors import Refusal
from mountcloud.sandbox.metadisk.state import Sandbox


@dataclass(frozen=True, slots=True)
class Call:
    """One request; ``raw`` is its body as it was sent, ``body`` the JSON object in it, empty if it is none."""

    box: Sandbox
    request: Request
    raw: bytes
    body: dict[str, object]

    def header(self, name: str) -> str:
        """A header, empty if it is missing."""
        return self.request.headers.get(name, "")

    def part(self, name: str) -> str:
        """A variable part of the address."""
        return str(self.request.path_params[name])

    @property
    def path(self) -> str:
        """The address as it was sent, without the query."""
        raw: bytes = self.request.scope["raw_path"]
        return raw.partition(b"?")[0].decode("ascii")

    @property
    def query(self) -> bytes:
        """The query as it was sent."""
        query: bytes = self.request.scope["query_string"]
        return query

    @property
    def origin(self) -> str:
        """``http://host:port`` as the client wrote it."""
        return f"{self.request.url.scheme}://{self.request.headers.get('host', self.request.url.netloc)}"


Handler = Callable[[Call], Response]
Streaming = Callable[[Request], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def sandbox_of(request: Request) -> Sandbox:
    """The service that this request is for."""
    box: Sandbox = request.app.state.box
    return box


def endpoint(handler: Handler) -> Endpoint:
    """A handler that opens its transactions itself: who asked is remembered even if the rest is refused."""

    async def answer(request: Request) -> Response:
        raw = await request.body()
        return handler(Call(sandbox_of(request), request, raw, _json(raw)))

    return streaming(answer)


def streaming(handler: Streaming) -> Endpoint:
    """A handler that also reads its body itself."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.answer()
        except ClientDisconnect:
            return Response(status_code=499)

    return answer


def _json(raw: bytes) -> dict[str, object]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
