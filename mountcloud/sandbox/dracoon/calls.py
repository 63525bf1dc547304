"""From an HTTP request to a handler and back: authentication, one transaction, refusals as JSON."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from mountcloud.sandbox.dracoon import settling
from mountcloud.sandbox.dracoon.errors import BAD_ARGUMENT, BAD_TOKEN, EULA_PENDING, USER_LOCKED, Refusal
from mountcloud.sandbox.dracoon.fields import Fields, now_ms
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.state import Sandbox, User

BLOCKED_BY_EULA = ("/api/v4/nodes", "/api/v4/shares")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``host`` is the origin that the client used, such as ``http://127.0.0.1:8080``."""

    box: Sandbox
    address: str
    caller: User | None
    host: str
    path: Mapping[str, str]
    query: QueryParams
    body: Fields
    headers: Mapping[str, str]

    @property
    def user(self) -> int:
        """The id of the authenticated account."""
        if self.caller is None:
            raise Refusal(BAD_TOKEN)
        return self.caller.id

    def id(self, name: str = "id") -> int:
        """An id in the address."""
        return int(self.path[name])

    def number(self, name: str, default: int) -> int:
        """An integer in the query."""
        text = self.query.get(name)
        if not text:
            return default
        try:
            return int(text)
        except ValueError:
            raise Refusal(BAD_ARGUMENT, words=f"{name} must be an integer") from None

    def rights(self, room: int) -> Right:
        """The caller's rights in a room."""
        return self.box.access.rights(self.user, room)


Handler = Callable[[Call], Response]
StreamHandler = Callable[[Call, Request], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def reply(data: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(data, ensure_ascii=False), status, media_type="application/json;charset=UTF-8")


def empty(status: int = 204) -> Response:
    """An answer without a body."""
    return Response(status_code=status)


def refused(refusal: Refusal) -> Response:
    """A refusal as JSON."""
    return reply(refusal.body(), refusal.code.status)


def sandbox_of(request: Request) -> Sandbox:
    """The tenant that this request is for."""
    box: Sandbox = request.app.state.box
    return box


def origin(request: Request) -> str:
    """``http://host:port`` as the client wrote it."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def authenticate(box: Sandbox, headers: Mapping[str, str], path: str) -> User:
    """The account of the bearer token (DRACOON facts, 2, 3)."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else headers.get("x-sds-auth-token", "")
    row = box.db.one("SELECT * FROM token WHERE token = ? AND kind = 'access'", token)
    if row is None or row["expires_at"] <= now_ms():
        raise Refusal(BAD_TOKEN)
    user = box.user(row["user_id"])
    if user is None or user.locked:
        raise Refusal(USER_LOCKED)
    if box.switches.eula_pending and path.startswith(BLOCKED_BY_EULA):
        raise Refusal(EULA_PENDING)
    return user


def private(handler: Handler) -> Endpoint:
    """An endpoint for authenticated accounts."""
    return _endpoint(handler, authenticated=True)


def public(handler: Handler) -> Endpoint:
    """An endpoint that needs no token."""
    return _endpoint(handler, authenticated=False)


def streaming(handler: StreamHandler, *, authenticated: bool) -> Endpoint:
    """An endpoint that reads its body or waits by itself, and opens its transactions itself."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(_call(request, b"", authenticated=authenticated), request)
        except Refusal as refusal:
            return refused(refusal)

    return endpoint


def _endpoint(handler: Handler, *, authenticated: bool) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            return _run(handler, request, raw, authenticated=authenticated)
        except Refusal as refusal:
            return refused(refusal)

    return endpoint


def _run(handler: Handler, request: Request, raw: bytes, *, authenticated: bool) -> Response:
    call = _call(request, raw, authenticated=authenticated)
    with call.box.transaction():
        return handler(call)


def _call(request: Request, raw: bytes, *, authenticated: bool) -> Call:
    box = sandbox_of(request)
    settling.settle(box)
    caller = authenticate(box, request.headers, request.url.path) if authenticated else None
    body = Fields.parse(raw)
    path, headers = request.url.path, request.headers
    return Call(box, path, caller, origin(request), request.path_params, request.query_params, body, headers)
