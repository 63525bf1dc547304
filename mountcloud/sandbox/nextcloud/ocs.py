"""``/ocs/v2.php/…`` and ``/status.php`` (WebDAV facts, 2: addresses and authentication)."""

from collections.abc import Awaitable, Callable

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


def ocs(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that demands the header ``OCS-APIRequest`` and an account."""

    async def endpoint(request: Request) -> Response:
        box = sandbox_of(request)
        try:
            refuse_in_trouble(box)
            if request.headers.get("ocs-apirequest", "").lower() not in {"true", "1"}:
                return reply({"message": "CSRF check failed"}, 412)
            account = people.authenticate(box, request.headers)
            with box.transaction():
                return _wrapped(answer(request, box, account), 200)
        except Refusal as refusal:
            return _failed(refusal)

    return endpoint


def _wrapped(data: object, status: int, message: str = "OK") -> Response:
    state = "ok" if status < 400 else "failure"
    meta = {"status": state, "statuscode": status, "message": message}
    return reply({"ocs": {"meta": meta, "data": data}}, status)


def _failed(refusal: Refusal) -> Response:
    answer = _wrapped([], refusal.status, refusal.message)
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
        "undelete": True,
        "versioning": True,
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
    return {"version": version, "capabilities": {"core": core, "files": files, "checksums": checksums, "dav": dav}}


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
