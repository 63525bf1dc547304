"""Every refusal of DRACOON as one of our failures (DRACOON facts, 20): by errorCode first, then by status."""

from mountcloud.model.errors import (
    AccountBlocked,
    AuthenticationRequired,
    Blocked,
    Busy,
    Conflict,
    CrossesBoundary,
    Exists,
    Failure,
    Forbidden,
    InvalidArgument,
    InvalidName,
    NameTooLong,
    NoKey,
    NotADirectory,
    NotFound,
    NotPermitted,
    OutOfSpace,
    QuotaExceeded,
    Refused,
    Throttled,
    TooLarge,
    Unavailable,
)

DIRECT_UPLOAD_ENFORCED = -90033
DIRECT_UPLOAD_OFF = -90030
FILE_KEY_NEEDED = -40763
FILE_KEY_UNWANTED = -40001
NO_FILE_KEY = -40761
NO_KEY_PAIR = -70020
UPLOAD_UNKNOWN = frozenset({-20501, -90034})
CHANNEL_CLOSED = -20503
ONTO_ITSELF = frozenset({-41302, -41303})

BY_CODE: dict[int, tuple[type[Failure], str]] = {
    -40755: (InvalidName, "the service refuses this name"),
    -41200: (NameTooLong, "the whole path is too long for the service"),
    -80007: (NameTooLong, "the name is too long for the service"),
    -80023: (InvalidName, "the service refuses a character of this name"),
    -80037: (TooLarge, "the file is too large for the service's encryption"),
    -80000: (Refused, "the service refuses an argument"),
    -80001: (Refused, "the service refuses an argument"),
    -80002: (Refused, "the service refuses an argument"),
    -80005: (Refused, "the service refuses an argument"),
    -80006: (InvalidArgument, "the service refuses this date"),
    -80008: (InvalidArgument, "the service refuses this date"),
    -80013: (Refused, "the service refuses an argument"),
    -80021: (Unavailable, "the service lost its place in the upload"),
    -80024: (Refused, "the service refuses a range of a list"),
    -80034: (Refused, "the service refuses to keep share links"),
    -80045: (Unavailable, "the storage lost a part of the upload"),
    -80046: (Unavailable, "the storage refuses the size of a part"),
    -80063: (Refused, "too many items in one request"),
    -92001: (Refused, "the service refuses an argument"),
    -20503: (Unavailable, "the upload was closed by the service"),
    -20501: (Unavailable, "the upload is unknown to the service"),
    -90034: (Unavailable, "the upload is unknown to the service"),
    -20502: (Unavailable, "the address of the transfer is no longer valid"),
    -40001: (CrossesBoundary, "one place is encrypted, the other is not"),
    -40002: (CrossesBoundary, "one place is encrypted, the other is not"),
    -40013: (CrossesBoundary, "an encrypted file can only be restored into its own room"),
    -40014: (NoKey, "a file to be moved has no key for this account"),
    -40763: (Refused, "the room is encrypted"),
    -40761: (NoKey, "this account holds no key for the file yet"),
    -70020: (NoKey, "this account has no key pair"),
    -70021: (Exists, "the account has such a key pair already"),
    -70022: (NoKey, "the service does not know this kind of key pair"),
    -70023: (NoKey, "the service refuses the form of the key pair"),
    -70027: (NoKey, "encryption is switched off for this account"),
    -41052: (NotPermitted, "rooms cannot be moved"),
    -41053: (NotADirectory, "the target is a file"),
    -41054: (InvalidArgument, "the items have different parents"),
    -41302: (InvalidArgument, "the node is there already"),
    -41303: (InvalidArgument, "the node is there already"),
    -41304: (InvalidArgument, "a directory cannot be moved below itself"),
    -40003: (Busy, "the room's encryption cannot be changed now"),
    -40008: (Busy, "the room's encryption cannot be changed now"),
    -40012: (Busy, "the room's encryption cannot be changed now"),
    -40018: (Busy, "the room's encryption cannot be changed now"),
    -40023: (Busy, "the room's encryption cannot be changed now"),
    -40006: (NotPermitted, "a room needs an administrator"),
    -40009: (NotPermitted, "this room cannot be deleted"),
    -40017: (NotPermitted, "a top-level room cannot inherit rights"),
    -90033: (Unavailable, "the service wants uploads to go straight to its storage"),
    -90030: (Unavailable, "the service has no storage for direct uploads"),
    -10003: (AccountBlocked, "the account is locked"),
    -10004: (AccountBlocked, "the account is locked"),
    -10005: (AccountBlocked, "the account has expired"),
    -10007: (AccountBlocked, "the tenant is locked"),
    -10006: (AuthenticationRequired, "the service does not accept the token"),
    -10011: (AuthenticationRequired, "the service does not accept the token"),
    -10012: (AuthenticationRequired, "the service does not accept the token"),
    -10103: (AccountBlocked, "the terms of use must be accepted on the web"),
    -10104: (AccountBlocked, "the password must be changed on the web"),
    -10106: (AccountBlocked, "an e-mail address must be set on the web"),
    -40764: (Blocked, "the virus scanner has not finished with the file"),
    -40765: (Blocked, "the virus scanner holds the file back"),
    -40000: (NotFound, "the directory is gone"),
    -40751: (NotFound, "the file is gone"),
    -41000: (NotFound, "the node is gone"),
    -41050: (NotFound, "the node is gone"),
    -41051: (NotFound, "the target is gone"),
    -41100: (NotFound, "the deleted node is gone"),
    -70501: (InvalidArgument, "the service does not know this user"),
    -30000: (InvalidArgument, "the service does not know this group"),
    -41001: (Exists, "the name is taken"),
    -40010: (Conflict, "a directory of this name is in the way"),
    -40200: (QuotaExceeded, "the quota of the room is used up"),
    -50504: (QuotaExceeded, "the quota of the upload share is used up"),
    -90200: (OutOfSpace, "the quota of the tenant is used up"),
    -90201: (OutOfSpace, "the service's disk is full"),
    -90027: (Unavailable, "the service's storage is in trouble"),
}

BY_STATUS: dict[int, tuple[type[Failure], str]] = {
    400: (Refused, "the service refuses the request"),
    401: (AuthenticationRequired, "the service does not accept the token"),
    402: (NotPermitted, "the tenant has no licence for this"),
    403: (Forbidden, "the account has no right to do this"),
    404: (NotFound, "the service knows no such node"),
    406: (Refused, "the service refuses the request"),
    408: (Unavailable, "the service lost patience"),
    409: (Exists, "the name is taken"),
    412: (AccountBlocked, "the service wants something to be done on the web first"),
    413: (TooLarge, "the service refuses so many bytes"),
    414: (NameTooLong, "the address is too long for the service"),
    416: (Refused, "the service refuses the range"),
    423: (Busy, "the node is locked"),
    425: (Unavailable, "the service is not ready"),
    507: (OutOfSpace, "the service has no space left"),
    901: (Blocked, "a virus scanner holds the file back"),
}


def failure_for(
    status: int, code: int | None = None, *, retry_after: float | None = None, blocked: bool = False
) -> Failure:
    """The failure of any answer that is no success; total, so that no number can surprise the callers.

    ``blocked`` tells that the header X-Forbidden was there: the virus scanner's mark (DRACOON facts, 11).
    A 404 or 409 without JSON is told apart by the callers, who know whether they spoke to the service itself.
    """
    if status == 429:
        return Throttled("the service asks for patience", retry_after=retry_after)
    if status == 403 and blocked and code is None:
        return Blocked("a virus scanner holds the file back")
    kind, text = BY_CODE.get(code or 0) or BY_STATUS.get(status) or _by_range(status)
    suffix = f" [{status}{'' if code is None else f' {code}'}]"
    if issubclass(kind, Unavailable):
        return kind(text + suffix, retry_after=retry_after)
    return kind(text + suffix)


def _by_range(status: int) -> tuple[type[Failure], str]:
    if 400 <= status < 500:
        return Refused, "the service refuses the request"
    return Unavailable, "the service is in trouble"
