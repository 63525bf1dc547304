"""The closed set of failures. Providers raise nothing else; ``fuse/errno.py`` has a number for each, by test.

``transient`` failures may go away by themselves, so owed work is tried again; the others need somebody to act.
"""

from typing import ClassVar


class Failure(Exception):
    """Something could not be done. ``hint`` tells the user what helps, if anything does.

    Texts must never hold a secret: they reach the log and the user.
    """

    transient: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class NotFound(Failure):
    """The service said that the node does not exist. Never used for an unknown outcome."""


class Exists(Failure):
    """The name is taken."""


class NotADirectory(Failure):
    """A directory was needed."""


class IsADirectory(Failure):
    """A file was needed."""


class NotEmpty(Failure):
    """The directory has children."""


class Forbidden(Failure):
    """The account has no right to do this."""


class NotPermitted(Failure):
    """Nobody may do this to such a node: rooms cannot be moved, the root holds no files."""


class InvalidName(Failure):
    """The service cannot hold this name."""


class NameTooLong(Failure):
    """The name or the path is too long for the service."""


class InvalidArgument(Failure):
    """The request makes no sense, such as a directory moved below itself."""


class CrossesBoundary(Failure):
    """The service cannot move this between the two places, for example over an encryption boundary; a copy works."""


class Unsupported(Failure):
    """The service (or mountcloud) has no such thing: hard links, device files."""


class NoAttribute(Failure):
    """The node has no extended attribute of that name."""


class NoKey(Failure):
    """The file is encrypted and this account holds no key for it (yet)."""


class Blocked(Failure):
    """A virus scanner holds the file back."""


class AuthenticationRequired(Failure):
    """The credentials are missing, expired or refused; owed work waits until the user logs in again."""

    transient = True


class AccountBlocked(Failure):
    """The account is locked, or must accept terms or change its password on the web first."""

    transient = True


class QuotaExceeded(Failure):
    """A quota of the account or of a directory is used up."""


class OutOfSpace(Failure):
    """The tenant, the server or the local disk has no room."""


class DiskFull(OutOfSpace):
    """This machine's disk has no room: not even for the bookkeeping, or for nothing new beside it."""

    transient = True


class TooLarge(Failure):
    """The file is larger than the service or its encryption can hold."""


class Conflict(Failure):
    """The node moved on: it is not at the version on which this change was based."""


class Outdated(Failure):
    """The version being read was replaced or removed on the service; a new open sees the present one."""


class Busy(Failure):
    """The node is in use or in the middle of something; later it works."""

    transient = True


class Unavailable(Failure):
    """No answer, a broken answer, or the service says that it is in trouble. Says nothing of what exists.

    ``retry_after`` is in seconds, where the service named it.
    """

    transient = True

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Throttled(Unavailable):
    """The service asks us to slow down."""


class Corrupt(Failure):
    """Bytes are not what they must be: a tag, a hash or a length is wrong."""


class Refused(Failure):
    """The service refused for a reason that has no better name here; the message carries its words."""
