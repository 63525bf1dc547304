"""The ports: what a service must offer. Engine and file system see nothing else of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, runtime_checkable

from mountcloud.model.arrival import Arrived
from mountcloud.model.change import ChangeBatch
from mountcloud.model.ids import Cursor, NodeId, Ref
from mountcloud.model.names import NameRules
from mountcloud.model.node import Node
from mountcloud.model.span import PlainSpan, StoredSpan


class ChangeFeed(Enum):
    """How a service tells what changed."""

    CURSOR = "cursor"
    """``Provider.changes`` gives batches after a cursor."""
    TREE_VERSION = "tree-version"
    """A directory's version changes (perhaps late) when anything below it changed."""
    NONE = "none"
    """Listings must be compared."""


class Integrity(Enum):
    """What protects stored bytes against alteration."""

    WHOLE_FILE = "whole-file"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a service can do, as data. ``mtime_resolution_ns`` is the grain in which it keeps times.

    With ``keeps_modes`` the provider is a ``ModeKeeper``.
    ``max_file_size`` bounds every file, ``max_encrypted_size`` those that are stored encrypted: bytes, 0 = no limit.
    """

    change_feed: ChangeFeed = ChangeFeed.NONE
    ranged_reads: bool = True
    conditional_upload: bool = True
    keeps_mtime: bool = True
    mtime_resolution_ns: int = 1_000_000
    keeps_modes: bool = False
    max_concurrency: int = 8
    max_file_size: int = 0
    max_encrypted_size: int = 0
    names: NameRules = field(default_factory=NameRules)


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of the account; ``total`` is None where there is no limit."""

    used: int
    total: int | None


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Where an upload goes. ``size`` counts plaintext bytes.

    With ``replaces`` the content of that node is replaced if it is still at that version, else ``Conflict`` is raised
    (``NotFound`` if it is gone); the node may get the new ``name`` and ``parent`` only where they equal its own.
    Without it a new file is made; ``Exists`` is raised if the name is taken.
    """

    parent: NodeId
    name: str
    replaces: Ref | None
    size: int
    mtime_ns: int


class Source(Protocol):
    """Bytes to be sent; may be read again from the start, so that a retried upload is whole."""

    @property
    def size(self) -> int:
        """Plaintext bytes."""

    async def pread(self, size: int, offset: int) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end."""


class UploadProgress(Protocol):
    """What the service has of one upload already, kept over attempts and restarts.

    The text is the provider's own. It lies on this machine's disk, so a key in it must be wrapped. The bytes to be sent
    may have changed since it was saved: whoever goes on must find that out.
    """

    @property
    def state(self) -> str:
        """What was saved last for this upload, empty if nothing was."""

    def save(self, state: str) -> None:
        """Keep the text; it survives a crash after the return. An empty one: there is nothing to go on with."""


class ContentCheck(Protocol):
    """Whether all stored bytes of a file are those that were uploaded, in whatever order they come. Not concurrent."""

    @property
    def seen(self) -> Sequence[StoredSpan]:
        """The spans taken in so far, merged, in order."""

    def add(self, span: StoredSpan, data: bytes | memoryview) -> None:
        """Take in the stored bytes of a span that begins at a multiple of 16; what was taken in before is ignored."""

    def verdict(self) -> bool | None:
        """None while bytes are missing."""

    def state(self) -> bytes:
        """All that was taken in, to go on from later; safe to keep beside the stored bytes."""


class ContentCipher(Protocol):
    """Arithmetic between plaintext and stored bytes of one file at one version. Pure."""

    @property
    def integrity(self) -> Integrity:
        """What protects the stored bytes."""

    @property
    def plain_size(self) -> int:
        """Plaintext bytes of the whole file."""

    @property
    def stored_size(self) -> int:
        """Stored bytes of the whole file."""

    def cover(self, want: PlainSpan) -> StoredSpan:
        """The stored bytes that are needed to decrypt ``want``."""

    def decrypt(self, want: PlainSpan, covered: StoredSpan, data: bytes | memoryview) -> bytes:
        """The plaintext of ``want``; ``data`` are the stored bytes of ``covered``, which covers it.

        Raises ``Corrupt`` where the format can tell.
        """

    def check(self, state: bytes) -> ContentCheck | None:
        """A check of the whole file that goes on from ``state`` (empty = from the start), None if nothing can tell.

        Raises ``Corrupt`` for a state that is not one of this content.
        """


class Content(Protocol):
    """One file at one version, as the service stores it. Keys, URLs and shards stay inside."""

    @property
    def stored_size(self) -> int:
        """Stored bytes."""

    @property
    def cipher(self) -> ContentCipher:
        """How to read them."""

    async def fetch(self, span: StoredSpan, arrived: Arrived | None = None) -> bytes:
        """Exactly these stored bytes. May be called again and concurrently.

        With ``arrived`` the bytes go there as they come, in order, each once, and the result is empty; after a failure
        what came is right, and only the rest need be asked for. Who has the bytes only whole hands them over whole,
        and meanwhile empty ones, which say that it goes on.
        Raises ``Outdated`` if the service no longer has this version, ``Unavailable`` on trouble.
        """

    async def aclose(self) -> None:
        """Give back what it holds; idempotent."""


Spare = Callable[[int, bytes], None]
"""Is given stored bytes that came along unasked, and the offset at which they begin."""


@runtime_checkable
class InBulk(Protocol):
    """Content of which more comes than is asked for, since the service gives no small parts of it."""

    def share(self, spare: Spare) -> None:
        """From now on whatever comes is given to this too, once it is known to be genuine."""


class Provider(Protocol):
    """One account of one service. Every method raises only ``model/errors.py``.

    Lists are returned whole. Every method may be cancelled; a cancelled or failed call may or may not have had its
    effect, so callers look before they repeat. Construction never touches the network.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Data; available without network."""

    async def root(self) -> Node:
        """The directory in which the account's tree begins; its ``parent`` is None."""

    async def node(self, ref: Ref) -> Node:
        """The node as it is now, perhaps at another version; raises ``NotFound`` if it is gone."""

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """All children, each once. Raises ``NotFound`` if the directory is gone, never for a failure."""

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        """What happened after the cursor; without one, an empty batch with the present cursor.

        Raises ``Unsupported`` unless ``capabilities.change_feed`` is CURSOR.
        """

    async def open(self, node: Node) -> Content:
        """The content of this file at this version, without network where nothing more need be known to read it.

        Raises ``NoKey``, ``Forbidden``, ``Outdated``, ``Blocked``; or the first fetch does.
        """

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """Store a whole file and return it as the service has it; all or nothing for every observer.

        With ``progress`` a provider may go on where an earlier attempt ended; without it nothing is left behind.
        """

    async def discard_upload(self, state: str) -> None:
        """Give back what an upload that nobody wants any more left on the service, as ``UploadProgress`` tells it."""

    async def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """Make a directory; raises ``Exists`` if the name is taken."""

    async def move(self, ref: Ref, parent: NodeId, name: str, replaces: Ref | None) -> Node:
        """Give a node another name, parent or both.

        ``replaces`` is the node that holds the name now and makes way (to the recycle bin where there is one); without
        it a taken name raises ``Exists``. Raises ``CrossesBoundary`` where only a copy can do it.
        """

    async def set_times(self, ref: Ref, mtime_ns: int) -> Node:
        """Set the modification time, in the service's resolution."""

    async def remove(self, ref: Ref) -> None:
        """Remove a file at this version, or an empty directory; into the recycle bin where there is one.

        Raises ``Conflict`` if a file is at another version, ``NotEmpty``, ``NotFound`` if it is gone already.
        """

    async def usage(self) -> Usage:
        """Space used and available."""

    async def aclose(self) -> None:
        """End all connections; idempotent."""


@runtime_checkable
class ModeKeeper(Protocol):
    """What a provider with ``Capabilities.keeps_modes`` can do as well."""

    async def set_mode(self, ref: Ref, mode: int) -> Node:
        """Keep these permission bits for a node, whatever its version; they are within ``SHARED_MODE``."""


class Secrets(Protocol):
    """The secret store of one account. Names: ``password``, ``refresh_token``, ``encryption_password`` ..."""

    def get(self, name: str) -> str | None:
        """The secret, or None."""

    def put(self, name: str, value: str) -> None:
        """Store it at once; it survives a crash after the return."""

    def delete(self, name: str) -> None:
        """Forget it; no error if it is not there."""
