"""From an HTTP request to a handler and back: authentication, throttling, due tasks, one transaction."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mountcloud.sandbox.smartfile import accounts, tasks, throttling
from mountcloud.sandbox.smartfile.errors import Refusal
from mountcloud.sandbox.smartfile.present import present
from mountcloud.sandbox.smartfile.state import Sandbox
from mountcloud.sandbox.smartfile.throttling import Allowance
from mountcloud.sandbox.smartfile.tree import Path, Row, Spot, split


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``form`` holds what a POST says; files in it are open."""

    box: Sandbox
    account: Row
    path: Path
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: FormData
    origin: str

    def present(self, spot: Spot) -> dict[str, object]:
        """A node as this client sees it."""
        return present(self.box, spot, self.origin)

    def texts(self, name: str) -> list[str]:
        """All values of a field; 400 if there is none."""
        found = [value for value in self.form.getlist(name) if isinstance(value, str)]
        if not found:
            raise Refusal(400, "Invalid form", fields={"field_errors": {name: ["This field is required."]}})
        return found

    def text(self, name: str) -> str:
        """The last value of a field."""
        return self.texts(name)[-1]


def sandbox_of(request: Request) -> Sandbox:
    """The server that this request is for."""
    box: Sandbox = request.app.state.box
    return box


def admit(request: Request) -> Row:
    """Who asks; 401, 429, 503. What is due by now happens before."""
    box = sandbox_of(request)
    if _is_version_3(request) and not box.switches.version_3:
        raise Refusal(404, f"No address {request.url.path}")
    account = accounts.authenticate(box, request.headers)
    with box.transaction():
        tasks.settle(box)
    switches = box.switches
    if switches.throttle:
        allowance = box.allowances.setdefault(account["key"], Allowance(switches.calls_per_second))
        seconds = allowance.take()
        if seconds:
            raise throttling.refusal(switches.throttle, seconds)
    return account


Handler = Callable[[Call], Response]
Endpoint = Callable[[Request], Awaitable[Response]]
Kind = TypeVar("Kind")


def endpoint(handler: Handler) -> Endpoint:
    """A handler with everything before it."""

    async def serve(request: Request) -> Response:
        try:
            account = admit(request)
            async with request.form() as form:
                call = call_of(request, account, form)
                with call.box.transaction():
                    return handler(call)
        except Refusal as refusal:
            return refusal.answer(soft=is_soft(request, refusal))
        except ClientDisconnect:
            return Response(status_code=499)

    return serve


def call_of(request: Request, account: Row, form: FormData) -> Call:
    """What the request says."""
    origin = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
    path = split(request.path_params.get("path", ""))
    return Call(sandbox_of(request), account, path, request.query_params, request.headers, form, origin)


def _is_version_3(request: Request) -> bool:
    return request.url.path.startswith("/api/3/")


def is_soft(request: Request, refusal: Refusal) -> bool:
    """Version 3 says errors as 200, but not those of the door (SmartFile facts, 6)."""
    of_the_door = refusal.status in {401, 429, 503}
    switches = sandbox_of(request).switches
    return _is_version_3(request) and switches.version_3 and switches.soft_errors and not of_the_door
