"""Every refusal of the service as one of our failures (SmartFile facts, 10)."""

import json
from collections.abc import Mapping

from mountcloud.model.errors import (
    AuthenticationRequired,
    Busy,
    Conflict,
    Exists,
    Failure,
    Forbidden,
    NameTooLong,
    NotEmpty,
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

BY_STATUS: Mapping[int, tuple[type[Failure], str]] = {
    400: (Refused, "the service refuses the request"),
    401: (AuthenticationRequired, "the service does not accept the credentials"),
    402: (QuotaExceeded, "the plan of the account allows no more"),
    403: (Forbidden, "the account has no right to do this"),
    404: (NotFound, "the service knows no such file"),
    405: (NotPermitted, "the service does not do this here"),
    407: (AuthenticationRequired, "the proxy wants to know who we are"),
    408: (Unavailable, "the service lost patience"),
    409: (Exists, "the name is taken, or its directory is gone"),
    410: (NotFound, "the file is gone"),
    412: (Conflict, "the file is not as it was"),
    413: (TooLarge, "the service refuses so many bytes"),
    414: (NameTooLong, "the path is too long for the service"),
    415: (Unsupported, "the service does not know this kind of request"),
    423: (Busy, "the file is locked"),
    425: (Unavailable, "the service is not ready"),
    501: (Unsupported, "the service cannot do this"),
    507: (OutOfSpace, "the service has no space left"),
}
_SOURCES = ("src", "path")
"""Fields that name what is to be worked on; a complaint about one means that it is not there (SmartFile facts, 7)."""

_MOST_WORDS = 200


def failure_for(answer: Response) -> Failure:
    """The failure of any answer that is no success; total, so that no number can surprise the callers."""
    if answer.is_throttled:
        return Throttled("the service asks for patience", retry_after=answer.retry_after)
    said = _said(answer.body)
    if answer.status == 400 and any(name in said for name in _SOURCES):
        return NotFound(f"the service knows no such file{_words(said)}")
    kind, text = BY_STATUS.get(answer.status) or _by_range(answer.status)
    text = f"{text} [{answer.status}]{_words(said)}"
    if issubclass(kind, Unavailable):
        return kind(text, retry_after=answer.retry_after)
    return kind(text, hint="mountcloud login NAME" if answer.status == 401 else "")


def _by_range(status: int) -> tuple[type[Failure], str]:
    if 400 <= status < 500:
        return Refused, "the service refuses the request"
    if 300 <= status < 400:
        return Refused, "the service sends us to another address"
    return Unavailable, "the service is in trouble"


def _said(body: bytes) -> Mapping[str, object]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _words(said: Mapping[str, object]) -> str:
    """The service's own words, as far as they are for people."""
    for key in ("detail", "field_errors", *_SOURCES, "dst"):
        if said.get(key):
            return f": {said[key]}"[:_MOST_WORDS]
    return ""


def softly_refused(answer: Response) -> Response:
    """The answer itself, or the refusal inside of it: version 3 says errors with status 200 (SmartFile facts, 6)."""
    said = _said(answer.body) if answer.ok else {}
    status = said.get("status")
    if "detail" in said and "path" not in said and isinstance(status, int) and status >= 400:
        return Response(status, answer.headers, answer.body)
    return answer


_BY_WORDS: Mapping[str, type[Failure]] = {
    "no such": NotFound,
    "not found": NotFound,
    "not empty": NotEmpty,
    "permission": Forbidden,
    "denied": Forbidden,
    "exists": Exists,
    "space": OutOfSpace,
}


def failure_of_task(errors: Mapping[str, str]) -> Failure:
    """What a task says of the first path that it left alone (SmartFile facts, 8)."""
    path, reason = next(iter(errors.items()))
    kind = next((kind for words, kind in _BY_WORDS.items() if words in reason.lower()), Refused)
    return kind(f"the service left {path!r} as it was: {reason}"[:_MOST_WORDS])
