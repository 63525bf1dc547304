"""What a service may offer besides files: small ports, of which a provider has those that its service can do.

``isinstance(provider, Sharing)`` tells whether it does; wrappers hide it, so ask what the registry made. Only
``model/errors.py`` is raised here too; ``Unsupported`` where a single wish (a password on a link, say) is beyond the
service. All but ``Thumbnails`` and ``Preparing`` are for commands that somebody types, so nothing here is on the way of
a mount.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeVar, runtime_checkable

from mountcloud.model.errors import Unsupported
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.node import Kind

Offer = TypeVar("Offer")


def demanded(offer: Offer | None, what: str) -> Offer:
    """The offer itself; raises ``Unsupported`` if the service has none."""
    if offer is None:
        raise Unsupported(f"this service has no {what} that mountcloud knows of")
    return offer


@runtime_checkable
class Preparing(Protocol):
    """Something takes long once, and nobody should wait for it."""

    async def prepare(self) -> None:
        """Do it ahead. A failure means nothing: whoever needs it meets the same one, or does it then."""


class LinkKind(Enum):
    """What strangers may do by a link."""

    DOWNLOAD = "download"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class LinkWish:
    """How a new link is to be. ``expires_at`` in seconds since the epoch; None and empty where nothing is wished."""

    password: str = field(default="", repr=False)
    expires_at: float | None = None
    max_downloads: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that exists. Whoever has ``url`` may use it, so it is for the user alone, never for a log.

    ``used`` counts downloads or uploads, None where the service does not tell.
    """

    id: str
    kind: LinkKind
    url: str = field(repr=False)
    name: str = ""
    protected: bool = False
    expires_at: float | None = None
    max_downloads: int | None = None
    used: int | None = None


@runtime_checkable
class Sharing(Protocol):
    """Links by which strangers reach a file or directory."""

    async def share(self, ref: Ref, kind: LinkKind, wish: LinkWish) -> Link:
        """Make a link. Raises ``Unsupported`` for a wish that the service cannot grant, ``Forbidden``, ``NotFound``."""

    async def links(self, ref: Ref) -> Sequence[Link]:
        """The links to this node that the account may see."""

    async def unshare(self, link: Link) -> None:
        """End a link; raises ``NotFound`` if there is none."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """Something in the recycle bin. ``path`` is where it was, below the account's root, as far as the service tells.

    ``deleted_at`` is in seconds since the epoch; it and ``size`` are None where they are not told. ``id`` is the bin's.
    """

    id: str
    path: str
    kind: Kind
    size: int | None
    deleted_at: float | None = None


@runtime_checkable
class Trash(Protocol):
    """A recycle bin."""

    async def discarded(self, directory: NodeId) -> Sequence[Discarded]:
        """What was removed at or below the directory, the latest first.

        Services with a bin for each room tell that of the room around the directory; ``Unsupported`` says that a
        directory has none, with the hint where there is one.
        """

    async def restore(self, discarded: Discarded) -> None:
        """Put it back where it was, under another name if its own is taken; ``NotFound`` if that place is gone."""

    async def purge(self, discarded: Discarded) -> None:
        """Remove it for ever."""


@dataclass(frozen=True, slots=True)
class PastVersion:
    """One content that a file has or had. ``changed_at`` in seconds since the epoch; None where it is not told.

    ``id`` is what ``Versions.restore_version`` takes; of the ``present`` one it is the node's version.
    """

    id: Version
    size: int | None
    changed_at: float | None
    present: bool = False


@runtime_checkable
class Versions(Protocol):
    """Older contents of a file."""

    async def versions(self, ref: Ref) -> Sequence[PastVersion]:
        """All contents that can be had, the newest first, the present one among them."""

    async def restore_version(self, ref: Ref, version: Version) -> None:
        """Make an older content the present one; the present one becomes an older one.

        Raises ``Conflict`` if the file is not at ``ref.version`` any more, ``NotFound`` for an unknown version.
        """


@runtime_checkable
class Thumbnails(Protocol):
    """Small pictures that the service makes of files."""

    async def thumbnail(self, ref: Ref, edge: int) -> bytes | None:
        """A PNG or JPEG of at most about ``edge`` pixels each way, None if there is none of this file."""


@runtime_checkable
class RawApi(Protocol):
    """The service's own interface, with this account's credentials, for whatever has no command."""

    async def request(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """The answer's JSON (None for an empty one). ``path`` is as the service documents it.

        ``fields`` go into the query of GET, HEAD and DELETE, and into the JSON body of everything else.
        """

    def pages(self, path: str, fields: Mapping[str, object]) -> AsyncIterator[object]:
        """The answers to a GET, page after page as the service pages, until there is no more."""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What a service says of itself. ``time`` in seconds since the epoch; empty and None where it does not tell."""

    product: str
    version: str = ""
    time: float | None = None


@runtime_checkable
class Diagnosed(Protocol):
    """A service that says what it is."""

    async def about(self) -> ServiceFacts:
        """Its version and its clock; needs no log-in where the service needs none."""


@runtime_checkable
class GrantedByCode(Protocol):
    """A service that lets its user grant access in a browser, and tells us so by a code (RFC 6749, 4.1)."""

    def authorize_url(self, state: str) -> str:
        """Where the browser goes; it comes back to the settings' redirect address with ``state`` and the code."""

    async def redeem(self, code: str) -> None:
        """Exchange the code for tokens, which go to the secrets. Raises ``AuthenticationRequired``, ``Unavailable``."""


@runtime_checkable
class Revocable(Protocol):
    """A service where a log-in can be ended."""

    async def revoke(self) -> None:
        """Make what this account's secrets hold useless on the service."""


@runtime_checkable
class Registration(Protocol):
    """A service where whoever has an e-mail address can make an account, with the secret ``password``."""

    async def register(self) -> None:
        """Make the account; it works once it is activated. Raises ``Exists`` if there is one of that address."""

    async def activate(self, token: str) -> None:
        """With what the service sent by mail. Raises ``InvalidArgument`` for anything else."""


class Encryption(Enum):
    """How an account stands to end-to-end encryption."""

    NONE = "none"
    """There is no such thing, or it is switched off."""
    NO_KEYS = "no-keys"
    """There is, but this account has no key pair yet."""
    LOCKED = "locked"
    """The account's key pair needs its password."""


@runtime_checkable
class KeyPairs(Protocol):
    """A service with end-to-end encryption under key pairs. The secret ``encryption_password`` opens them."""

    async def encryption(self) -> Encryption:
        """How this account stands to it."""

    async def key_pair_versions(self) -> Sequence[str]:
        """Kinds of key pair, what the service requires first."""

    async def make_key_pair(self, version: str, password: str) -> None:
        """Make one where there is none of that kind. Raises ``Exists``: a pair is never replaced unasked, for with it
        goes whatever only it could read.
        """

    async def key_pairs(self) -> Sequence[str]:
        """Kinds of which the account has a pair, what the service requires first."""

    async def add_key_pair(self, version: str) -> int:
        """Make a pair of another kind beside the present one, under the same password; nothing becomes unreadable.

        Tells how many file keys were wrapped for it; called again, it goes on with those that were not. Raises
        ``NoKey`` if there is no pair or no password, ``AuthenticationRequired``.
        """

    async def replace_key_pair(self, version: str, password: str) -> None:
        """Throw a pair away and make another of its kind. Whatever only the old one could read is lost for ever.

        Raises ``NoKey`` if there is none.
        """
