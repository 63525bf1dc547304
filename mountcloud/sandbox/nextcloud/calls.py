"""From an HTTP request to a handler and back: authentication, preconditions, one transaction, refusals as XML."""

import json
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mountcloud.sandbox.nextcloud import people
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.state import Sandbox
from mountcloud.sandbox.nextcloud.tree import Row

DAV_BASE = "/remote.php/dav"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``path`` is below ``base``, the address of the space that it is in."""

    box: Sandbox
    account: Row
    method: str
    base: str
    path: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes
    origin: str
    pieces: Callable[[], AsyncIterator[bytes]]

    @property
    def minimal(self) -> bool:
        """True if properties that are not there need no mention."""
        return "return=minimal" in self.headers.get("prefer", "") or self.headers.get("brief") == "t"

    @property
    def depth(self) -> int:
        """0 or 1; SabreDAV takes everything but 0 as 1."""
        return 0 if self.headers.get("depth") == "0" else 1

    @property
    def overwrite(self) -> bool:
        """The Overwrite header."""
        said = self.headers.get("overwrite", "T").upper()
        if said not in {"T", "F"}:
            raise Refusal(400, "The HTTP Overwrite header should be either T or F")
        return said == "T"

    def destination(self, space: str) -> tuple[str, ...]:
        """The path of the Destination header below this space of the account."""
        header = self.headers.get("destination")
        if not header:
            raise Refusal(400, "The destination header was not supplied")
        path = unquote(urlsplit(header).path)
        for top in (f"{DAV_BASE}/{space}/{self.account['id']}", *(["/remote.php/webdav"] if space == "files" else [])):
            if path == top or path.startswith(f"{top}/"):
                return split(path.removeprefix(top))
        raise Refusal(403, f"Requested uri ({path}) is out of base uri")

    def number(self, name: str) -> int | None:
        """A whole number in a header; 400 for something else."""
        text = self.headers.get(name)
        if text is None:
            return None
        try:
            return int(float(text))
        except ValueError:
            raise Refusal(400, f"{name} must be a number") from None


def split(path: str) -> tuple[str, ...]:
    """Names of a path; the service keeps them in Unicode NFC."""
    return tuple(unicodedata.normalize("NFC", part) for part in path.split("/") if part)


def origin(request: Request) -> str:
    """``http://host:port`` as the client wrote it."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def sandbox_of(request: Request) -> Sandbox:
    """The server that this request is for."""
    box: Sandbox = request.app.state.box
    return box


def reply(data: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(data), status, media_type="application/json; charset=utf-8")


def refuse_in_trouble(box: Sandbox) -> None:
    """503 in maintenance, 429 when it is too much (WebDAV facts, 2)."""
    if box.switches.maintenance:
        headers = {"X-Nextcloud-Maintenance-Mode": "1", "Retry-After": "120"}
        raise Refusal(503, "System is in maintenance mode.", headers=headers)
    if box.switches.throttled:
        raise Refusal(429, "Too many requests", headers={"Retry-After": "1"})


Handler = Callable[[Call], Response]
Streaming = Callable[[Call], Awaitable[Response]]


def endpoint(handlers: Mapping[str, Handler], streams: Mapping[str, Streaming], base: str) -> "Endpoint":
    """A WebDAV space: which method is which handler. ``base`` may hold ``{user}``."""

    async def serve(request: Request) -> Response:
        try:
            return await _serve(request, handlers, streams, base)
        except Refusal as refusal:
            return refusal.answer()
        except ClientDisconnect:
            return Response(status_code=499)

    return serve


Endpoint = Callable[[Request], Awaitable[Response]]


async def _serve(
    request: Request, handlers: Mapping[str, Handler], streams: Mapping[str, Streaming], base: str
) -> Response:
    box = sandbox_of(request)
    refuse_in_trouble(box)
    account = people.authenticate(box, request.headers)
    user = request.path_params.get("user", account["id"])
    if user != account["id"]:
        raise Refusal(404, f"Principal with name {user} not found")
    stream, handler = streams.get(request.method), handlers.get(request.method)
    body = b"" if stream else await request.body()
    path = split(request.path_params.get("path", ""))
    top = base.format(user=user)
    call = Call(box, account, request.method, top, path, request.headers, body, origin(request), request.stream)
    if stream is not None:
        return await stream(call)
    if handler is None:
        raise Refusal(501, f'There was no handler found for this "{request.method}" method')
    with box.transaction():
        return handler(call)
