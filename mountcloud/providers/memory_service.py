"""A service in memory: one account that several providers may share, as several clients share one over the network."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from mountcloud.crypt.gcm_stream import GcmStreamEncryptor
from mountcloud.crypt.keys import IV_SIZE, FileKey
from mountcloud.model.change import Removed, Upserted
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.model.provider import Capabilities, ChangeFeed
from mountcloud.providers.memory_faults import Faults
from mountcloud.providers.memory_tree import ChangeLog, Entry, Tree, TreeVersions

ROOT_RIGHTS = Rights.ALL & ~(Rights.RENAME | Rights.MOVE | Rights.DELETE)


@dataclass(frozen=True, slots=True)
class Binned:
    """A file in the recycle bin, with its stored bytes."""

    node: Node
    stored: bytes
    removed_ns: int


class MemoryService:
    """The state of the account. Its methods do no I/O and ask for no rights: that is the provider's part.

    Tests arrange things behind a provider's back with ``faults``, ``log``, ``bin``, ``directory_versions`` (``held``,
    ``propagate``), ``restrict``, ``encrypt_below``, ``withhold_key`` and ``damage``.
    """

    def __init__(
        self,
        capabilities: Capabilities | None = None,
        *,
        quota: int | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        batch_size: int = 100,
    ) -> None:
        self.capabilities = capabilities or Capabilities()
        self.quota = quota
        self.faults = Faults()
        self.log = ChangeLog(batch_size)
        self.bin: list[Binned] = []
        self.tree = Tree(self.capabilities.names)
        self.directory_versions = TreeVersions(self.tree, self._next_version)
        self._clock_ns = clock_ns
        self._numbers = count(1)
        self._keyless: set[NodeId] = set()
        self.root = self._next_id()
        node = Node(self.root, None, "", Kind.DIRECTORY, 0, Version(""), self._time(clock_ns()), ROOT_RIGHTS)
        self.tree.put(Entry(node))
        self._changed_below(self.root)

    def make_file(self, parent: NodeId, name: str, content: bytes, mtime_ns: int) -> Node:
        """A new file under a free name."""
        entry = self._new(parent, name, Kind.FILE, mtime_ns)
        self._fill(entry, content)
        return self._settle(entry)

    def make_directory(self, parent: NodeId, name: str, mtime_ns: int) -> Node:
        """A new directory under a free name."""
        entry = self._new(parent, name, Kind.DIRECTORY, mtime_ns)
        node = self._settle(entry)
        self._changed_below(node.id)
        return entry.node

    def replace_content(self, id: NodeId, content: bytes, mtime_ns: int) -> Node:
        """Give a file new content and a new version; the old one goes to the bin."""
        entry = self.tree.entry(id)
        self._to_bin(entry)
        self._fill(entry, content)
        entry.node = replace(entry.node, mtime_ns=self._time(mtime_ns))
        return self._settle(entry)

    def set_mtime(self, id: NodeId, mtime_ns: int) -> Node:
        """Give a node another modification time."""
        entry = self.tree.entry(id)
        entry.node = replace(entry.node, mtime_ns=self._time(mtime_ns))
        return self._settle(entry)

    def set_mode(self, id: NodeId, mode: int) -> Node:
        """Give a node other permission bits."""
        entry = self.tree.entry(id)
        entry.node = replace(entry.node, mode=mode)
        return self._settle(entry)

    def relocate(self, id: NodeId, parent: NodeId, name: str) -> Node:
        """Give a node another place under a free name."""
        entry = self.tree.take(id)
        before = entry.node.parent
        entry.node = replace(entry.node, parent=parent, name=name)
        node = self._settle(entry)
        if before is not None and before != parent:
            self._changed_below(before)
        return node

    def drop(self, id: NodeId) -> None:
        """Remove a node without children; a file goes to the bin."""
        entry = self.tree.take(id)
        if not entry.node.is_directory:
            self._to_bin(entry)
        self.log.append(Removed(id))
        if entry.node.parent is not None:
            self._changed_below(entry.node.parent)

    def restrict(self, id: NodeId, rights: Rights) -> None:
        """Leave the account only these rights on a node."""
        entry = self.tree.entry(id)
        entry.node = replace(entry.node, rights=rights)

    def encrypt_below(self, id: NodeId) -> None:
        """Turn an empty directory into an encrypted one; what is made in it is encrypted."""
        entry = self.tree.directory(id)
        entry.node = replace(entry.node, encrypted=True)

    def withhold_key(self, id: NodeId) -> None:
        """Let the account have no key for an encrypted file."""
        self._keyless.add(id)

    def has_key(self, id: NodeId) -> bool:
        """Whether the account has a key for this file, if it needs one."""
        return id not in self._keyless

    def damage(self, id: NodeId, offset: int) -> None:
        """Flip one bit of a file's stored bytes, unseen by anybody."""
        entry = self.tree.entry(id)
        entry.stored = entry.stored[:offset] + bytes([entry.stored[offset] ^ 1]) + entry.stored[offset + 1 :]

    def _new(self, parent: NodeId, name: str, kind: Kind, mtime_ns: int) -> Entry:
        encrypted = self.tree.directory(parent).node.encrypted
        mtime_ns = self._time(mtime_ns)
        return Entry(Node(self._next_id(), parent, name, kind, 0, Version(""), mtime_ns, Rights.ALL, encrypted))

    def _fill(self, entry: Entry, content: bytes) -> None:
        entry.node = replace(entry.node, size=len(content), version=self._next_version())
        entry.stored, entry.file_key = content, None
        if entry.node.encrypted:
            entry.stored, entry.file_key = _encrypt(content, entry.node.version)

    def _settle(self, entry: Entry) -> Node:
        """Put an entry at its place and let the world know."""
        self.tree.put(entry)
        self.log.append(Upserted(entry.node))
        if entry.node.parent is not None:
            self._changed_below(entry.node.parent)
        return entry.node

    def _changed_below(self, directory: NodeId) -> None:
        if self.capabilities.change_feed is ChangeFeed.TREE_VERSION:
            self.directory_versions.touch(directory)

    def _to_bin(self, entry: Entry) -> None:
        self.bin.append(Binned(entry.node, entry.stored, self._clock_ns()))

    def _time(self, time_ns: int) -> int:
        return time_ns // self.capabilities.mtime_resolution_ns * self.capabilities.mtime_resolution_ns

    def _next_id(self) -> NodeId:
        return NodeId(f"node-{next(self._numbers)}")

    def _next_version(self) -> Version:
        return Version(f"version-{next(self._numbers)}")


def _encrypt(content: bytes, version: Version) -> tuple[bytes, FileKey]:
    """Key and IV differ for each version, and nothing is random."""
    key = hashlib.sha256(version.encode()).digest()
    iv = hashlib.sha256(key).digest()[:IV_SIZE]
    encryptor = GcmStreamEncryptor(key, iv)
    stored = encryptor.update(content) + encryptor.finish()
    return stored, FileKey(key, iv, encryptor.tag)
