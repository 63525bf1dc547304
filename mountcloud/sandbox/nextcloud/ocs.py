"""``/ocs/v2.php/…`` and ``/status.php`` (WebDAV facts, 2: addresses and authentication)."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from mountcloud.sandbox.nextcloud import names, people
from mountcloud.sandbox.nextcloud.calls import refuse_in_trouble, reply, sandbox_of
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.state import Sandbox
from mountcloud.sandbox.nextcloud.tree import Row, by_id

VERSION = (31, 0, 2)
VERSION_TEXT = ".".join(map(str, VERSION))
Answer = Callable[[Request, Sandbox, Row], object]


def fields_of(request: Request) -> Mapping[str, str]:
    """What the query and the body of a request say, a form or JSON; the server makes no difference."""
    found: Mapping[str, str] = request.state.fields
    return found


def ocs(answer: Answer, version: str = "v2.php") -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that demands the header ``OCS-APIRequest`` and an account.

    Version 1 tells its statuses in the body alone, and calls success 100.
    """
    old = version == "v1.php"

    async def endpoint(request: Request) -> Response:
        box = sandbox_of(request)
        try:
            refuse_in_trouble(box)
            if request.headers.get("ocs-apirequest", "").lower() not in {"true", "1"}:
                return reply({"message": "CSRF check failed"}, 412)
            account = people.authenticate(box, request.headers)
            request.state.fields = await _fields(request)
            with box.transaction():
                return _wrapped(answer(request, box, account), 100 if old else 200, http=200)
        except Refusal as refusal:
            return _failed(refusal, http=200 if old and refusal.status != 401 else refusal.status)

    return endpoint


async def _fields(request: Request) -> Mapping[str, str]:
    json_body = request.headers.get("content-type", "").startswith("application/json")
    body: Mapping[str, object] = await request.json() if json_body else await request.form()
    return {name: str(value) for name, value in (*request.query_params.items(), *body.items())}


def _wrapped(data: object, status: int, message: str = "OK", *, http: int) -> Response:
    state = "ok" if status < 400 else "failure"
    meta = {"status": state, "statuscode": status, "message": message}
    return reply({"ocs": {"meta": meta, "data": data}}, http)


def _failed(refusal: Refusal, *, http: int) -> Response:
    answer = _wrapped([], refusal.status, refusal.message, http=http)
    for name, value in refusal.headers.items():
        answer.headers[name] = value
    return answer


async def status(request: Request) -> Response:
    """What anybody may know; answers also in maintenance."""
    maintenance = sandbox_of(request).switches.maintenance
    known = {"installed": True, "maintenance": maintenance, "needsDbUpgrade": False, "version": f"{VERSION_TEXT}.1"}
    return reply(known | {"versionstring": VERSION_TEXT, "edition": "", "productname": "Nextcloud"})


def user(_: Request, box: Sandbox, account: Row) -> object:
    """Who this is; ``id`` is the name in the addresses."""
    used, quota = by_id(box, account["home"])["size"], account["quota"]
    free = quota if quota < 0 else max(0, quota - used)
    space = {"free": free, "used": used, "total": quota if quota < 0 else used + free, "relative": 0, "quota": quota}
    return {"enabled": True, "id": account["id"], "display-name": account["display_name"], "quota": space}


def capabilities(_: Request, box: Sandbox, __: Row) -> object:
    """What this server can do."""
    windows = box.switches.windows_names
    files = {
        "bigfilechunking": True,
        "chunked_upload": {"max_size": 100 * 1024 * 1024, "max_parallel_count": 5},
        **({"undelete": True} if box.switches.trash else {}),
        **({"versioning": True} if box.switches.versions else {}),
        "forbidden_filenames": list(names.FORBIDDEN_NAMES),
        "forbidden_filename_basenames": names.stems(windows=windows),
        "forbidden_filename_characters": names.characters(windows=windows),
        "forbidden_filename_extensions": names.extensions(windows=windows),
    }
    checksums = {"supportedTypes": ["SHA1", "SHA256", "MD5"], "preferredUploadType": "SHA1"}
    parts = zip(("major", "minor", "micro"), VERSION, strict=True)
    version = {**dict(parts), "string": VERSION_TEXT, "edition": "", "extendedSupport": False}
    core = {"pollinterval": 60, "webdav-root": "remote.php/webdav"}
    dav = {"chunking": "1.0", "bulkupload": "1.0"}
    told = {"core": core, "files": files, "checksums": checksums, "dav": dav, "files_sharing": _sharing(box)}
    return {"version": version, "capabilities": told}


def _sharing(box: Sandbox) -> object:
    password = {"enforced": box.switches.link_passwords, "askForOptionalPassword": False}
    public = {"enabled": box.switches.links, "upload": box.switches.public_upload, "password": password}
    return {"api_enabled": True, "public": public, "resharing": True, "default_permissions": 31}


def get_app_password(request: Request, box: Sandbox, account: Row) -> object:
    """A typed password becomes an app password; 403 for what is one already."""
    _, password = people.credentials(request.headers)
    if people.is_app_password(box, account, password):
        raise Refusal(403, "You cannot request an new apppassword with an apppassword")
    device = request.headers.get("user-agent", "")
    return {"apppassword": people.new_app_password(box, account["id"], device)}


def delete_app_password(request: Request, box: Sandbox, account: Row) -> object:
    """The app password of this request ends."""
    _, password = people.credentials(request.headers)
    if not people.is_app_password(box, account, password):
        raise Refusal(403, "no app password in use")
    people.revoke(box, password)
    return []
