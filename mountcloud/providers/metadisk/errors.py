"""Every refusal of the service as one of our failures, by status and words alike (Metadisk facts, 7)."""

import json

from mountcloud.model.errors import (
    AccountBlocked,
    AuthenticationRequired,
    Exists,
    Failure,
    Forbidden,
    InvalidArgument,
    NameTooLong,
    NotFound,
    OutOfSpace,
    QuotaExceeded,
    Refused,
    Throttled,
    TooLarge,
    Unavailable,
    Unsupported,
)
from mountcloud.net.http import Response

LOGIN = "mountcloud login NAME"


class TokenSpent(Unavailable):
    """A token was used or is too old: another one works."""


class NonceRefused(Unavailable):
    """Another request of the same user had a higher number."""


BY_WORDS: tuple[tuple[int, str, type[Failure], str], ...] = (
    (400, "Invalid activation token", InvalidArgument, "that is no activation token"),
    (400, "Missing or invalid x-filesize", Unavailable, "the service did not understand the size of the file"),
    (400, "File size exceeds declared size", Unavailable, "more bytes came to the service than were announced"),
    (400, "File does not match the declared size", Unavailable, "fewer bytes came to the service than were announced"),
    (400, "Public key is already registered", Exists, "the key is registered already"),
    (400, "Invalid public key supplied", Refused, "the service takes the key for none"),
    (401, "Invalid nonce supplied", NonceRefused, "another program of this account has a clock that is ahead"),
    (401, "User account has not been activated", AccountBlocked, "the account is not activated"),
    (401, "Not authorized to store in bucket", Forbidden, "the token is not for storing in this bucket"),
    (401, "Not authorized to retrieve from bucket", Forbidden, "the token is not for reading from this bucket"),
    (404, "Bucket not found", NotFound, "the service has no such bucket"),
    (404, "File not found", NotFound, "the service has no such file"),
    (404, "The requested file was not found", NotFound, "the service has no such file"),
    (404, "Public key was not found", NotFound, "the service knows no such key"),
    (500, "Email is already registered", Exists, "the e-mail address is registered already"),
    (500, "Password must be hex encoded", Refused, "the service did not understand the password"),
    (500, "Invalid email or password", AuthenticationRequired, "e-mail address or password is wrong"),
    (500, "Invalid or expired token", TokenSpent, "the token is used up or too old"),
    (500, "Cast to ObjectId failed", NotFound, "the service has no such bucket"),
)
"""The service's words begin like this. All other words of a 404 are about farmers, or of a server that is another."""

BY_STATUS: dict[int, tuple[type[Failure], str]] = {
    401: (AuthenticationRequired, "the service does not accept who we are"),
    402: (QuotaExceeded, "the plan of the account allows no more"),
    403: (Forbidden, "the account has no right to do this"),
    404: (Unavailable, "the service does not find what it has, or is another one"),
    407: (AuthenticationRequired, "the proxy wants to know who we are"),
    408: (Unavailable, "the service lost patience"),
    413: (TooLarge, "the service refuses so many bytes"),
    414: (NameTooLong, "the name is too long for the service"),
    425: (Unavailable, "the service is not ready"),
    429: (Throttled, "the service asks for patience"),
    501: (Unsupported, "the service cannot do this"),
    503: (Throttled, "the service asks for patience"),
    507: (OutOfSpace, "the service has no space left"),
}
_HINTS: dict[type[Failure], str] = {
    AuthenticationRequired: LOGIN,
    AccountBlocked: f"{LOGIN} asks for the token of the activation mail",
    NonceRefused: "compare the clocks of the machines that use this account",
}
_MOST_WORDS = 200


def failure_for(answer: Response) -> Failure:
    """The failure of any answer that is no success; total, so that no number can surprise the callers."""
    said = _said(answer.body)
    for status, words, kind, text in BY_WORDS:
        if answer.status == status and said.startswith(words):
            return kind(f"{text} [{status}]", hint=_HINTS.get(kind, ""))
    kind, text = BY_STATUS.get(answer.status) or _by_range(answer.status)
    text = f"{text} [{answer.status}]{f': {said}' if said else ''}"
    if issubclass(kind, Unavailable):
        return kind(text, retry_after=answer.retry_after)
    return kind(text, hint=_HINTS.get(kind, ""))


def _by_range(status: int) -> tuple[type[Failure], str]:
    if 300 <= status < 400:
        return Refused, "the service sends us to another address"
    return (Refused, "the service refuses the request") if status < 500 else (Unavailable, "the service is in trouble")


def _said(body: bytes) -> str:
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    words = said.get("error") if isinstance(said, dict) else None
    return words[:_MOST_WORDS] if isinstance(words, str) else ""
