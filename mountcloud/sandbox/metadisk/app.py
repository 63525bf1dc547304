"""Which address is which handler."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from mountcloud.sandbox.metadisk import buckets, farmer, files, people, upload
from mountcloud.sandbox.metadisk.calls import Call, Handler, endpoint, streaming
from mountcloud.sandbox.metadisk.errors import reply
from mountcloud.sandbox.metadisk.state import Sandbox

VERSION = "0.6.0"
_CALLS: Sequence[tuple[str, str, Handler]] = (
    ("POST", "/users", people.register),
    ("GET", "/activations/{token}", people.activate),
    ("GET", "/keys", people.list_keys),
    ("POST", "/keys", people.create_key),
    ("DELETE", "/keys/{pubkey}", people.remove_key),
    ("GET", "/buckets", buckets.show_all),
    ("POST", "/buckets", buckets.create),
    ("GET", "/buckets/{id}", buckets.show),
    ("PATCH", "/buckets/{id}", buckets.change),
    ("DELETE", "/buckets/{id}", buckets.remove),
    ("POST", "/buckets/{id}/tokens", buckets.create_token),
    ("GET", "/buckets/{id}/files", files.show_all),
    ("GET", "/buckets/{id}/files/{hash}", files.pointers),
    ("DELETE", "/buckets/{id}/files/{hash}", files.remove),
)
_UPLOAD = ("PUT", "/buckets/{id}/files")


def app(box: Sandbox, extra: Sequence[BaseRoute] = ()) -> Starlette:
    """The bridge; ``extra`` routes come first. A slash at the end means nothing, and every origin may ask."""
    routes: list[BaseRoute] = [*extra, Route("/", endpoint(_describe), methods=["GET"])]
    for end in ("", "/"):
        routes += [Route(path + end, endpoint(handler), methods=[method]) for method, path, handler in _CALLS]
        routes.append(Route(_UPLOAD[1] + end, streaming(upload.upload), methods=[_UPLOAD[0]]))
    anybody = Middleware(CORSMiddleware, allow_origin_regex=".*", allow_methods=["*"], allow_headers=["*"])
    made = Starlette(routes=routes, exception_handlers={404: _unknown, 405: _unknown}, middleware=[anybody])
    made.state.box = box
    made.router.redirect_slashes = False
    return made


def farmers(box: Sandbox) -> Starlette:
    """The second listener: what pointers lead to."""
    made = Starlette(routes=[WebSocketRoute("/", farmer.transfer)])
    made.state.box = box
    return made


def _describe(call: Call) -> Response:
    paths: dict[str, dict[str, object]] = {}
    for method, path, _ in (*_CALLS, (*_UPLOAD, None)):
        paths.setdefault(path, {})[method.lower()] = {"responses": {"default": {"description": ""}}}
    info = {"title": "Storj API", "version": VERSION}
    host = call.request.headers.get("host", "")
    return reply({"swagger": "2.0", "info": info, "host": host, "basePath": "/", "schemes": ["http"], "paths": paths})


async def _unknown(request: Request, _: Exception) -> Response:
    return HTMLResponse(f"Cannot {request.method} {request.url.path}\n", 404)
