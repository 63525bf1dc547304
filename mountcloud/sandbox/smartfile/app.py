"""Which address is which handler."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mountcloud.sandbox.smartfile import data, info, oauth, operations, sync
from mountcloud.sandbox.smartfile.calls import Handler, endpoint
from mountcloud.sandbox.smartfile.errors import Refusal
from mountcloud.sandbox.smartfile.state import Sandbox

_OPERATIONS: Sequence[tuple[str, Handler]] = (
    ("mkdir", operations.make_directory),
    ("rename", operations.rename),
    ("remove", operations.remove),
    ("move", operations.move),
    ("copy", operations.copy),
    ("checksum", operations.checksum),
)
_PATHS: Sequence[tuple[str, str, Handler]] = (
    ("GET", "info", info.show),
    ("POST", "info", info.change),
    ("GET", "data", data.download),
    ("POST", "data", data.upload),
    ("PUT", "oper/mkdir", operations.make_directory),
    ("GET", "sync/signature", sync.signature),
    ("POST", "sync/delta", sync.delta),
    ("POST", "sync/patch", sync.patch),
)
_PLAIN: Sequence[tuple[str, Handler]] = (("ping", info.ping), ("whoami", info.whoami), ("right", info.rights))


def app(box: Sandbox, extra: Sequence[BaseRoute] = ()) -> Starlette:
    """The whole server; ``extra`` routes come first. Slashes at the end mean nothing."""
    routes: list[BaseRoute] = [
        *extra,
        Route("/oauth/request_token/", oauth.request_token, methods=["POST"]),
        Route("/oauth/authorize/", oauth.authorize, methods=["GET"]),
        Route("/oauth/access_token/", oauth.access_token, methods=["POST"]),
    ]
    for version in ("2", "2.1"):
        top = f"/api/{version}"
        for name, handler in _PLAIN:
            routes += [Route(f"{top}/{name}{end}", endpoint(handler), methods=["GET"]) for end in ("", "/")]
        for name, handler in _OPERATIONS:
            at = (f"{top}/path/oper/{name}", f"{top}/path/oper/{name}/")
            routes += [Route(each, endpoint(handler), methods=["POST"]) for each in at]
        routes.append(Route(f"{top}/task/{{path:path}}", endpoint(operations.show_task), methods=["GET"]))
        for method, name, handler in _PATHS:
            at = (f"{top}/path/{name}", f"{top}/path/{name}/{{path:path}}")
            routes += [Route(each, endpoint(handler), methods=[method]) for each in at]
    streamed = "/api/3/path/data/{path:path}"
    routes += [
        Route(streamed, data.stream, methods=["PUT", "PATCH"]),
        Route(streamed, endpoint(data.delete), methods=["DELETE"]),
        Route(streamed, endpoint(data.download), methods=["GET"]),
    ]
    made = Starlette(routes=routes, exception_handlers={404: _unknown, 405: _unknown})
    made.state.box = box
    made.router.redirect_slashes = False
    return made


async def _unknown(request: Request, problem: Exception) -> Response:
    status = getattr(problem, "status_code", 404)
    return Refusal(status, f"No address {request.method} {request.url.path}").answer()
