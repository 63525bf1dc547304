"""Every refusal of the service as one of our failures (Amazon facts, 14)."""

import re

from mountcloud.model.errors import (
    AuthenticationRequired,
    Busy,
    Exists,
    Failure,
    Forbidden,
    NotFound,
    OutOfSpace,
    QuotaExceeded,
    Refused,
    Throttled,
    TooLarge,
    Unavailable,
)

_TRANSIENT = {408, 425}
_BY_STATUS: dict[int, tuple[type[Failure], str]] = {
    401: (AuthenticationRequired, "the service does not accept the token"),
    404: (NotFound, "the service knows no such node"),
    413: (TooLarge, "the service refuses so many bytes"),
    507: (OutOfSpace, "the service has no space left"),
}


class NameTaken(Exists):
    """The name is taken, and the service says by which node; ``holder`` is empty where it does not."""

    def __init__(self, message: str, holder: str) -> None:
        super().__init__(message)
        self.holder = holder


def holder_of(info: object, message: str) -> str:
    """Who has the name, by the body of a refusal; older ones tell it in words alone (Amazon facts, 12)."""
    told = info.get("nodeId") if isinstance(info, dict) else None
    if isinstance(told, str):
        return told
    found = re.search(r"conflicting NodeId: (\S+)", message)
    return found.group(1) if found else ""


def failure_for(status: int, code: str = "", message: str = "", *, retry_after: float | None = None) -> Failure:
    """The failure of any answer that is no success; total, so that no number can surprise the callers.

    ``code`` and ``message`` are the body's; older answers lack the first.
    """
    if status == 429:
        return Throttled("the service asks for patience", retry_after=retry_after)
    if (status >= 500 or status < 400 or status in _TRANSIENT) and status not in _BY_STATUS:
        return Unavailable(f"the service is in trouble [{status}]", retry_after=retry_after)
    kind, words = _BY_STATUS.get(status) or _by_words(status, code, message)
    return kind(f"{words} [{status}{code and f' {code}'}]")


def _by_words(status: int, code: str, message: str) -> tuple[type[Failure], str]:
    if status == 403:
        return _forbidden(code, message)
    if status == 409:
        if "md5" in f"{code} {message}".lower():
            return Refused, "the service has the same content elsewhere and takes no second"
        if "NAME" in code or "already exists" in message:
            return Exists, "the name is taken"
        return Busy, "somebody else changes the node right now"
    return Refused, "the service refuses the request"


def _forbidden(code: str, message: str) -> tuple[type[Failure], str]:
    if "quota" in f"{code} {message}".lower():
        return QuotaExceeded, "the quota of the account is used up"
    if "Credential" in message:
        # A gateway before the service says so now and then of tokens that are good.
        return Unavailable, "the service's gateway does not understand who we are"
    return Forbidden, "the account has no right to do this"
