"""Which one word tells a user how a file or directory is."""

from dataclasses import dataclass
from enum import Enum


class FileState(Enum):
    """The word, as attributes and commands show it."""

    PARKED = "parked"
    """A change of it failed and waits for the user."""
    UPLOADING = "uploading"
    """A change of it is being sent."""
    QUEUED = "queued"
    """A change of it is owed to the service, or being made by a program."""
    LOCAL_ONLY = "local-only"
    """It stays on this machine for its name."""
    CONFLICT = "conflict"
    """It holds what was written here while another client wrote the file after which it is named."""
    NO_KEY = "no-key"
    """It is encrypted, and the account had no key for it when it was opened last."""
    PINNED = "pinned"
    """All of it is here and stays here."""
    CACHED = "cached"
    """All of it is here, and may make way."""
    CLOUD = "cloud"
    """Not all of it is here; reading it needs the service."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one node on this machine. ``whole``: all of its content, or its listing, is here."""

    parked: bool = False
    sending: bool = False
    owed: bool = False
    kept_here: bool = False
    conflict: bool = False
    keyless: bool = False
    pinned: bool = False
    whole: bool = False


def state_of(facts: Facts) -> FileState:
    """What the user should know first: trouble, then what is on its way, then where the content is."""
    order = (
        (facts.kept_here, FileState.LOCAL_ONLY),
        (facts.parked, FileState.PARKED),
        (facts.sending, FileState.UPLOADING),
        (facts.owed, FileState.QUEUED),
        (facts.conflict, FileState.CONFLICT),
        (facts.keyless, FileState.NO_KEY),
        (facts.pinned and facts.whole, FileState.PINNED),
        (facts.whole, FileState.CACHED),
    )
    return next((state for holds, state in order if holds), FileState.CLOUD)
