"""From an HTTP request to a handler and back: authentication, one transaction, refusals as JSON."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mountcloud.sandbox.amazon import tree
from mountcloud.sandbox.amazon.errors import Refusal, bad
from mountcloud.sandbox.amazon.state import Sandbox, now_ms


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a customer. ``origin`` is this server as the client wrote it; ``body`` a JSON object."""

    box: Sandbox
    request: Request
    customer: int
    body: dict[str, object]

    @property
    def query(self) -> QueryParams:
        """The query."""
        return self.request.query_params

    @property
    def origin(self) -> str:
        """``http://host:port``."""
        return origin(self.request)

    def id(self, name: str = "id") -> str:
        """A node id in the address."""
        return str(self.request.path_params[name])

    def node(self, name: str = "id") -> tree.Row:
        """The node in the address; 404."""
        return tree.need(self.box, self.customer, self.id(name))

    def root(self) -> str:
        """The top of the customer's tree."""
        row = self.box.db.one("SELECT root FROM customer WHERE id = ?", self.customer)
        return "" if row is None else str(row["root"])

    def present(self, node: str) -> dict[str, object]:
        """The node object as it is now."""
        return tree.present(self.box, tree.need(self.box, self.customer, node))


Handler = Callable[[Call], Response]
Streaming = Callable[[Call], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def origin(request: Request) -> str:
    """``http://host:port`` as the client wrote it."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def sandbox_of(request: Request) -> Sandbox:
    """The service that this request is for."""
    box: Sandbox = request.app.state.box
    return box


def authenticate(request: Request) -> int:
    """The customer of the token: 401 for one that is over, 403 for a header that is none (Amazon facts, 2)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refusal(403, "Authorization header requires 'Credential' parameter", "MISSING_CREDENTIAL")
    sql = "SELECT * FROM token WHERE token = ? AND kind = 'access'"
    row = sandbox_of(request).db.one(sql, token.strip())
    if row is None or row["expires_at"] <= now_ms():
        raise Refusal(401, "Token has expired", "TOKEN_EXPIRED")
    return int(row["customer"])


def private(handler: Handler) -> Endpoint:
    """An endpoint for customers; its body is JSON, whatever its Content-Type says."""

    async def run(call: Call) -> Response:
        with call.box.transaction():
            return handler(call)

    return _endpoint(run, parse=True)


def streaming(handler: Streaming) -> Endpoint:
    """An endpoint for customers that reads its body and opens its transactions itself."""
    return _endpoint(handler, parse=False)


def _endpoint(handler: Streaming, *, parse: bool) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            body = _json(await request.body()) if parse else {}
            return await handler(Call(sandbox_of(request), request, authenticate(request), body))
        except Refusal as refusal:
            return refusal.answer()
        except ClientDisconnect:
            return Response(status_code=499)

    return endpoint


def _json(raw: bytes) -> dict[str, object]:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        raise bad("The body is not JSON") from None
    if not isinstance(body, dict):
        raise bad("The body is not a JSON object")
    return body
