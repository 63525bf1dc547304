"""What a user should hear of at once, although no program waits for it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class NoticeKind(Enum):
    """What happened; the settings name each by its value."""

    CONFLICT = "conflict"
    """A file was changed here and on the service: both contents are kept."""
    FAILED = "failed"
    """A change was refused by the service and waits for the user."""
    LOGIN = "login"
    """The service does not accept the credentials any more."""
    QUOTA = "quota"
    """A change waits because there is no room on the service."""
    GUARD = "guard"
    """So much was removed that the removals wait for a word."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One of them, in words for the user."""

    kind: NoticeKind
    text: str


Told = Callable[[Notice], None]
"""Takes a notice; never blocks and never raises."""


def nobody(notice: Notice) -> None:
    """Nobody wants to hear of it."""
