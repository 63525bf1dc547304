"""Which address is which handler."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mountcloud.sandbox.amazon import account, changes, content, listing, nodes, oauth, properties
from mountcloud.sandbox.amazon.account import CONTENT, METADATA
from mountcloud.sandbox.amazon.calls import Handler, Streaming, private, streaming
from mountcloud.sandbox.amazon.errors import unknown_operation
from mountcloud.sandbox.amazon.state import Sandbox

_METADATA: Sequence[tuple[str, str, Handler]] = (
    ("GET", "account/endpoint", account.endpoint),
    ("GET", "account/info", account.info),
    ("GET", "account/quota", account.quota),
    ("GET", "account/usage", account.usage),
    ("GET", "nodes", listing.list_nodes),
    ("POST", "nodes", nodes.create_folder),
    ("GET", "nodes/{id}", nodes.get_node),
    ("PATCH", "nodes/{id}", nodes.patch),
    ("DELETE", "nodes/{id}", nodes.purge),
    ("GET", "nodes/{id}/children", listing.list_children),
    ("POST", "nodes/{id}/children", nodes.move_child),
    ("PUT", "nodes/{id}/children/{child}", nodes.add_parent),
    ("DELETE", "nodes/{id}/children/{child}", nodes.drop_parent),
    ("GET", "nodes/{id}/properties/{owner}", properties.list_all),
    ("GET", "nodes/{id}/properties/{owner}/{key}", properties.get),
    ("PUT", "nodes/{id}/properties/{owner}/{key}", properties.put),
    ("DELETE", "nodes/{id}/properties/{owner}/{key}", properties.delete),
    ("GET", "trash", listing.list_trash),
    ("PUT", "trash/{id}", nodes.trash),
    ("POST", "trash/{id}/restore", nodes.restore),
    ("POST", "changes", changes.changes),
)
_CONTENT: Sequence[tuple[str, str, Streaming]] = (
    ("POST", "nodes", content.upload),
    ("PUT", "nodes/{id}/content", content.overwrite),
    ("GET", "nodes/{id}/content", content.download),
)


def app(box: Sandbox, extra: Sequence[BaseRoute] = ()) -> Starlette:
    """The service; ``extra`` routes come first."""
    routes: list[BaseRoute] = [
        *extra,
        Route("/ap/oa", oauth.authorize, methods=["GET"]),
        Route("/auth/o2/token", oauth.token, methods=["POST"]),
        Route("/auth/o2/tokeninfo", oauth.token_info, methods=["GET"]),
        Route("/appspot/", oauth.helper, methods=["GET", "POST"]),
    ]
    routes += [Route(METADATA + path, private(handler), methods=[method]) for method, path, handler in _METADATA]
    routes += [Route(CONTENT + path, streaming(handler), methods=[method]) for method, path, handler in _CONTENT]
    made = Starlette(routes=routes, exception_handlers={404: _unknown})
    made.state.box = box
    made.router.redirect_slashes = False
    return made


def storage_app(box: Sandbox) -> Starlette:
    """The second listener: the host to which downloads may be sent."""
    made = Starlette(routes=[Route("/signed/{token}", content.signed, methods=["GET"])])
    made.state.box = box
    return made


async def _unknown(_: Request, __: Exception) -> Response:
    return unknown_operation()
