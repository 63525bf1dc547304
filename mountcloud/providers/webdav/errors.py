"""Every refusal of a WebDAV server as one of our failures (RFC 4918, 11; RFC 9110, 15)."""

from mountcloud.model.errors import (
    AuthenticationRequired,
    Busy,
    Conflict,
    Exists,
    Failure,
    Forbidden,
    InvalidName,
    NameTooLong,
    NotFound,
    NotPermitted,
    OutOfSpace,
    QuotaExceeded,
    Refused,
    Throttled,
    TooLarge,
    Unavailable,
    Unsupported,
)
from mountcloud.net.http import Response

BY_STATUS: dict[int, tuple[type[Failure], str]] = {
    301: (Refused, "the server sends us to another address"),
    302: (Refused, "the server sends us to another address"),
    303: (Refused, "the server sends us to another address"),
    307: (Refused, "the server sends us to another address"),
    308: (Refused, "the server sends us to another address"),
    400: (Refused, "the server refuses the request"),
    401: (AuthenticationRequired, "the server does not accept the credentials"),
    402: (QuotaExceeded, "the server wants to be paid first"),
    403: (Forbidden, "the account has no right to do this"),
    404: (NotFound, "the server knows no such file"),
    405: (NotPermitted, "the server does not do this here"),
    407: (AuthenticationRequired, "the proxy wants to know who we are"),
    408: (Unavailable, "the server lost patience"),
    409: (NotFound, "the directory is gone"),
    410: (NotFound, "the file is gone"),
    412: (Conflict, "the file is not as it was"),
    413: (TooLarge, "the server refuses so many bytes"),
    414: (NameTooLong, "the path is too long for the server"),
    415: (Unsupported, "the server does not know this kind of request"),
    423: (Busy, "the file is locked"),
    424: (Busy, "something that this depends on failed"),
    425: (Unavailable, "the server is not ready"),
    431: (NameTooLong, "the path is too long for the server"),
    501: (Unsupported, "the server cannot do this"),
    505: (Unsupported, "the server cannot do this"),
    507: (OutOfSpace, "the server has no space left"),
}

BY_EXCEPTION: dict[str, tuple[type[Failure], str]] = {
    "OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath": (InvalidName, "the server refuses this name"),
    "OCP\\Files\\InvalidPathException": (InvalidName, "the server refuses this name"),
    "Sabre\\DAV\\Exception\\InsufficientStorage": (QuotaExceeded, "the quota is used up"),
    "OCA\\DAV\\Connector\\Sabre\\Exception\\EntityTooLarge": (TooLarge, "the server refuses so many bytes"),
    "OCA\\DAV\\Connector\\Sabre\\Exception\\FileLocked": (Busy, "the file is locked"),
    "Sabre\\DAV\\Exception\\Locked": (Busy, "the file is locked"),
}
"""By the exception that SabreDAV names in its answer (Nextcloud, ownCloud); it says more than the status."""


def failure_for(answer: Response) -> Failure:
    """The failure of any answer that is no success; total, so that no number can surprise the callers."""
    if answer.status == 429:
        return Throttled("the server asks for patience", retry_after=answer.retry_after)
    if answer.headers.get("x-nextcloud-maintenance-mode", "0") != "0":
        # Its Retry-After is two minutes whatever is done to the server, so we look as often as after any failure.
        return Unavailable("the server is in maintenance")
    kind, text = _by_exception(answer.body) or BY_STATUS.get(answer.status) or _by_range(answer.status)
    text = f"{text} [{answer.status}]"
    if issubclass(kind, Unavailable):
        return kind(text, retry_after=answer.retry_after)
    return kind(text, hint=_HINTS.get(answer.status, ""))


_HINTS = {
    **dict.fromkeys((301, 302, 303, 307, 308), "give the address that it sends us to in the settings"),
    401: "mountcloud login NAME",
}


def _by_exception(body: bytes) -> tuple[type[Failure], str] | None:
    text = body.decode(errors="replace")
    return next((failure for name, failure in BY_EXCEPTION.items() if name in text), None)


def _by_range(status: int) -> tuple[type[Failure], str]:
    if 400 <= status < 500:
        return Refused, "the server refuses the request"
    return Unavailable, "the server is in trouble"


def taken(failure: Failure, name: str) -> Failure:
    """A condition that was not met, where the condition was that the name is free."""
    return Exists(f"the name {name!r} is taken") if isinstance(failure, Conflict) else failure
