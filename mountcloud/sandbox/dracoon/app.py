"""Which address is which handler."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mountcloud.sandbox.dracoon import (
    accounts,
    downloads,
    filekeys,
    instance,
    keypairs,
    members,
    nodes_read,
    nodes_write,
    oauth,
    public_shares,
    recycle_bin,
    relocate,
    rooms,
    s3,
    shares,
    social,
    uploads,
)
from mountcloud.sandbox.dracoon.calls import Handler, StreamHandler, private, public, refused, streaming
from mountcloud.sandbox.dracoon.errors import ADDRESS_UNKNOWN, Refusal
from mountcloud.sandbox.dracoon.state import Sandbox

API = "/api/v4"
_PRIVATE: Sequence[tuple[str, str, Handler]] = (
    ("GET", "/user/ping", instance.ping),
    ("GET", "/config/info/general", instance.general),
    ("GET", "/config/info/infrastructure", instance.infrastructure),
    ("GET", "/config/info/defaults", instance.defaults),
    ("GET", "/config/info/policies/algorithms", instance.algorithms),
    ("GET", "/config/info/policies/passwords", instance.passwords),
    ("GET", "/config/info/policies/classifications", instance.classifications),
    ("GET", "/config/info/policies/virus_protection", instance.virus_protection),
    ("GET", "/user/account", accounts.get_account),
    ("PUT", "/user/account", accounts.update_account),
    ("GET", "/user/account/customer", accounts.get_customer),
    ("GET", "/user/account/keypair", keypairs.get_key_pair),
    ("POST", "/user/account/keypair", keypairs.set_key_pair),
    ("DELETE", "/user/account/keypair", keypairs.delete_key_pair),
    ("GET", "/user/account/keypairs", keypairs.list_key_pairs),
    ("POST", "/user/account/keypairs", keypairs.add_key_pair),
    ("GET", "/nodes", nodes_read.list_nodes),
    ("DELETE", "/nodes", relocate.delete_nodes),
    ("GET", "/nodes/search", nodes_read.search),
    ("GET", "/nodes/missingFileKeys", filekeys.missing_file_keys),
    ("PUT", "/nodes/favorites", social.set_favorites),
    ("POST", "/nodes/folders", nodes_write.create_folder),
    ("PUT", "/nodes/folders/{id:int}", nodes_write.update_folder),
    ("PUT", "/nodes/files", nodes_write.update_files),
    ("POST", "/nodes/files/keys", filekeys.set_file_keys),
    ("POST", "/nodes/files/uploads", uploads.open_channel),
    ("GET", "/nodes/files/uploads/{upload}", s3.status),
    ("DELETE", "/nodes/files/uploads/{upload}", uploads.cancel),
    ("POST", "/nodes/files/uploads/{upload}/s3_urls", s3.part_urls),
    ("GET", "/nodes/files/versions/{id:int}", recycle_bin.versions),
    ("PUT", "/nodes/files/{id:int}", nodes_write.update_file),
    ("POST", "/nodes/files/{id:int}/downloads", downloads.create_download),
    ("GET", "/nodes/files/{id:int}/user_file_key", filekeys.user_file_key),
    ("POST", "/nodes/rooms", rooms.create_room),
    ("PUT", "/nodes/rooms/{id:int}", rooms.update_room),
    ("PUT", "/nodes/rooms/{id:int}/config", rooms.configure_room),
    ("PUT", "/nodes/rooms/{id:int}/encrypt", rooms.encrypt_room),
    ("GET", "/nodes/rooms/{id:int}/policies", rooms.get_policies),
    ("PUT", "/nodes/rooms/{id:int}/policies", rooms.set_policies),
    ("GET", "/nodes/rooms/{id:int}/users", members.list_users),
    ("PUT", "/nodes/rooms/{id:int}/users", members.set_users),
    ("DELETE", "/nodes/rooms/{id:int}/users", members.remove_users),
    ("GET", "/nodes/rooms/{id:int}/groups", members.list_groups),
    ("PUT", "/nodes/rooms/{id:int}/groups", members.set_groups),
    ("DELETE", "/nodes/rooms/{id:int}/groups", members.remove_groups),
    ("GET", "/nodes/rooms/{id:int}/events", members.list_events),
    ("POST", "/nodes/deleted_nodes/actions/restore", recycle_bin.restore),
    ("DELETE", "/nodes/deleted_nodes", recycle_bin.purge),
    ("GET", "/nodes/deleted_nodes/{id:int}", recycle_bin.get_deleted),
    ("PUT", "/nodes/comments/{id:int}", social.update_comment),
    ("DELETE", "/nodes/comments/{id:int}", social.delete_comment),
    ("GET", "/nodes/{id:int}", nodes_read.get_node),
    ("DELETE", "/nodes/{id:int}", relocate.delete_node),
    ("GET", "/nodes/{id:int}/parents", nodes_read.parents),
    ("POST", "/nodes/{id:int}/move_to", relocate.move_nodes),
    ("POST", "/nodes/{id:int}/copy_to", relocate.copy_nodes),
    ("GET", "/nodes/{id:int}/deleted_nodes", recycle_bin.list_bin),
    ("DELETE", "/nodes/{id:int}/deleted_nodes", recycle_bin.empty_bin),
    ("GET", "/nodes/{id:int}/deleted_nodes/versions", recycle_bin.list_deleted_versions),
    ("POST", "/nodes/{id:int}/favorite", social.add_favorite),
    ("DELETE", "/nodes/{id:int}/favorite", social.remove_favorite),
    ("GET", "/nodes/{id:int}/comments", social.list_comments),
    ("POST", "/nodes/{id:int}/comments", social.add_comment),
    ("GET", "/shares/downloads", shares.list_shares),
    ("POST", "/shares/downloads", shares.create_download_share),
    ("GET", "/shares/downloads/{id:int}", shares.get_share),
    ("PUT", "/shares/downloads/{id:int}", shares.update_share),
    ("DELETE", "/shares/downloads/{id:int}", shares.delete_share),
    ("DELETE", "/shares/downloads", shares.delete_shares),
    ("GET", "/shares/uploads", shares.list_shares),
    ("POST", "/shares/uploads", shares.create_upload_share),
    ("GET", "/shares/uploads/{id:int}", shares.get_share),
    ("PUT", "/shares/uploads/{id:int}", shares.update_share),
    ("DELETE", "/shares/uploads/{id:int}", shares.delete_share),
    ("DELETE", "/shares/uploads", shares.delete_shares),
)
_PUBLIC: Sequence[tuple[str, str, Handler]] = (
    ("GET", "/auth/ping", instance.ping),
    ("GET", "/public/software/version", instance.version),
    ("GET", "/public/time", instance.server_time),
    ("GET", "/public/system/info", instance.system_info),
    ("GET", "/public/system/info/auth/ad", instance.no_foreign_logins),
    ("GET", "/public/system/info/auth/openid", instance.no_foreign_logins),
    ("DELETE", "/uploads/{token}", uploads.cancel),
    # Before GET, whose route would take HEAD too.
    ("HEAD", "/public/shares/downloads/{access_key}", public_shares.check_password),
    ("GET", "/public/shares/downloads/{access_key}", public_shares.show_download),
    ("POST", "/public/shares/downloads/{access_key}", public_shares.open_download),
    ("GET", "/public/shares/uploads/{access_key}", public_shares.show_upload),
    ("POST", "/public/shares/uploads/{access_key}", public_shares.open_channel),
    ("GET", "/public/shares/uploads/{access_key}/{upload}", s3.status),
    ("DELETE", "/public/shares/uploads/{access_key}/{upload}", uploads.cancel),
    ("POST", "/public/shares/uploads/{access_key}/{upload}/s3_urls", s3.part_urls),
)
_STREAMING: Sequence[tuple[str, str, StreamHandler, bool]] = (
    ("POST", "/uploads/{token}", uploads.receive_chunk, False),
    ("PUT", "/uploads/{token}", uploads.complete, False),
    ("POST", "/nodes/files/uploads/{upload}", uploads.receive_chunk, True),
    ("PUT", "/nodes/files/uploads/{upload}", uploads.complete, True),
    ("PUT", "/nodes/files/uploads/{upload}/s3", s3.complete, True),
    ("POST", "/public/shares/uploads/{access_key}/{upload}", uploads.receive_chunk, False),
    ("PUT", "/public/shares/uploads/{access_key}/{upload}", uploads.complete, False),
    ("PUT", "/public/shares/uploads/{access_key}/{upload}/s3", s3.complete, False),
)


def api_app(box: Sandbox, extra: Sequence[BaseRoute] = ()) -> Starlette:
    """The API host; ``extra`` routes come first."""
    routes: list[BaseRoute] = [
        *extra,
        Route("/oauth/token", oauth.token, methods=["POST"]),
        Route("/oauth/revoke", oauth.revoke, methods=["POST"]),
        Route("/oauth/authorize", oauth.authorize, methods=["GET"]),
        Route("/oauth/callback", oauth.callback, methods=["GET"]),
        Route(f"{API}/downloads/{{token}}", downloads.download, methods=["GET"]),
    ]
    routes += [Route(API + path, private(handler), methods=[method]) for method, path, handler in _PRIVATE]
    routes += [Route(API + path, public(handler), methods=[method]) for method, path, handler in _PUBLIC]
    for method, path, handler, authenticated in _STREAMING:
        routes.append(Route(API + path, streaming(handler, authenticated=authenticated), methods=[method]))
    app = Starlette(routes=routes, exception_handlers={404: _unknown})
    app.state.box = box
    app.router.redirect_slashes = False
    return app


def static_app(box: Sandbox) -> Starlette:
    """The second listener: S3's part."""
    routes = [
        Route("/parts/{token}", s3.put_part, methods=["PUT"]),
        Route("/objects/{token}", downloads.static_download, methods=["GET"]),
    ]
    app = Starlette(routes=routes)
    app.state.box = box
    return app


async def _unknown(request: Request, _: Exception) -> Response:
    return refused(Refusal(ADDRESS_UNKNOWN, words=f"no address {request.url.path}"))
