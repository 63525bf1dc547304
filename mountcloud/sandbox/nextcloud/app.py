"""Which address is which handler."""

from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mountcloud.sandbox.nextcloud import bins, files, login_flow, ocs, previews, public, sharing, uploads
from mountcloud.sandbox.nextcloud.calls import DAV_BASE, Handler, Streaming, endpoint
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.state import Sandbox

_DAV = ("PROPFIND", "PROPPATCH", "MKCOL", "MOVE", "COPY", "REPORT", "SEARCH", "LOCK", "UNLOCK", "PATCH")
_METHODS = ["OPTIONS", "GET", "HEAD", "PUT", "POST", "DELETE", *_DAV]
_SHARES = "/apps/files_sharing/api/v1/shares"
_STREAMED: Mapping[str, Streaming] = {}


def _space(address: str, handlers: Mapping[str, Handler], streams: Mapping[str, Streaming], base: str) -> list[Route]:
    serve = endpoint(handlers, streams, base)
    return [Route(path, serve, methods=_METHODS) for path in (address, address.rstrip("/") + "/{path:path}")]


def app(box: Sandbox, extra: Sequence[BaseRoute] = ()) -> Starlette:
    """The whole server; ``extra`` routes come first."""
    routes: list[BaseRoute] = [
        *extra,
        Route("/status.php", ocs.status),
        Route("/index.php/login/v2", login_flow.begin, methods=["POST"]),
        Route("/index.php/login/v2/poll", login_flow.poll, methods=["POST"]),
        Route("/index.php/login/v2/flow/{page}", login_flow.show, methods=["GET"]),
        Route("/index.php/login/v2/flow/{page}", login_flow.grant, methods=["POST"]),
        Route("/index.php/core/preview", previews.preview(previews.of_id)),
        Route("/index.php/core/preview.png", previews.preview(previews.of_path)),
        Route("/index.php/s/{token}/download", public.download),
        Route("/public.php/dav/files/{token}", public.dav, methods=["GET", "HEAD"]),
        Route("/public.php/dav/files/{token}/{path:path}", public.dav, methods=["GET", "HEAD", "PUT"]),
    ]
    for version in ("v1.php", "v2.php"):
        top = f"/ocs/{version}"
        routes += [
            Route(f"{top}/cloud/user", ocs.ocs(ocs.user, version)),
            Route(f"{top}/cloud/capabilities", ocs.ocs(ocs.capabilities, version)),
            Route(f"{top}/core/getapppassword", ocs.ocs(ocs.get_app_password, version)),
            Route(f"{top}/core/apppassword", ocs.ocs(ocs.delete_app_password, version), methods=["DELETE"]),
            Route(f"{top}{_SHARES}", ocs.ocs(sharing.listed, version)),
            Route(f"{top}{_SHARES}", ocs.ocs(sharing.make, version), methods=["POST"]),
            Route(f"{top}{_SHARES}/{{number}}", ocs.ocs(sharing.one, version)),
            Route(f"{top}{_SHARES}/{{number}}", ocs.ocs(sharing.change, version), methods=["PUT"]),
            Route(f"{top}{_SHARES}/{{number}}", ocs.ocs(sharing.end, version), methods=["DELETE"]),
        ]
    for name, handlers, streams in (
        ("files", files.HANDLERS, files.STREAMS),
        ("uploads", uploads.HANDLERS, uploads.STREAMS),
        ("trashbin", bins.TRASH, _STREAMED),
        ("versions", bins.VERSIONS, _STREAMED),
    ):
        routes += _space(f"{DAV_BASE}/{name}/{{user}}", handlers, streams, f"{DAV_BASE}/{name}/{{user}}/")
    routes += _space(DAV_BASE, {"SEARCH": files.search}, _STREAMED, f"{DAV_BASE}/")
    routes += _space("/remote.php/webdav", files.HANDLERS, files.STREAMS, "/remote.php/webdav/")
    made = Starlette(routes=routes, exception_handlers={404: _unknown})
    made.state.box = box
    made.router.redirect_slashes = False
    return made


async def _unknown(request: Request, _: Exception) -> Response:
    return Refusal(404, f"Could not find {request.url.path}").answer()
