"""What directories, files and the file system share."""

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from mountcloud.engine.confirming import Confirmation
from mountcloud.engine.drafting import Drafts
from mountcloud.engine.local_changes import LocalChanges
from mountcloud.engine.reading import Library
from mountcloud.engine.syncing import Syncer
from mountcloud.fs.attributes import FileAttributes, Owner, compose, first_attributes
from mountcloud.fs.handles import Handles
from mountcloud.model.errors import Forbidden, NameTooLong, NotADirectory, NotFound
from mountcloud.model.ids import ROOT_INODE, Inode
from mountcloud.model.node import Rights
from mountcloud.policy.naming import Naming
from mountcloud.store.attributes import Attributes
from mountcloud.store.index import Entry, Index
from mountcloud.store.journal import Journal

_LONGEST_NAME = 255


@dataclass(slots=True)
class Core:
    """The stores and activities below the file system."""

    index: Index
    journal: Journal
    attributes: Attributes
    drafts: Drafts
    library: Library
    local: LocalChanges
    syncer: Syncer
    naming: Naming
    owner: Owner
    handles: Handles = field(default_factory=Handles)
    confirmation: Confirmation | None = None

    def entry(self, inode: Inode) -> Entry:
        """The node, or what took its place since the kernel looked it up. Raises ``NotFound``."""
        self.syncer.used()
        current: Inode | None = inode
        while current is not None:
            found = self.index.entry(current)
            if found is not None:
                return found
            current = self.local.successor(current)
        raise NotFound(f"inode {inode} is gone")

    def used(self, entry: Entry) -> None:
        """A program uses the node: what others do to it shows in its directory."""
        if entry.node.parent is not None:
            self.syncer.opened(entry.node.parent)

    def above(self, entry: Entry) -> Entry:
        """The directory that holds it; itself for the root and for what was removed."""
        above = None if entry.node.parent is None else self.index.by_id(entry.node.parent)
        return above or entry

    async def confirmed(self, entry: Entry) -> None:
        """With ``durability = "remote"``: the service has what was changed. Raises what it refused with."""
        if self.confirmation is not None:
            await self.confirmation.of(entry.inode, entry.node.id)

    async def directory(self, inode: Inode) -> Entry:
        """A directory all of whose children are known. Raises what listing raises."""
        entry = self.entry(inode)
        if not entry.node.is_directory:
            raise NotADirectory(f"{entry.file_name!r} is no directory")
        await self.syncer.ensure_listed(entry)
        return self.entry(inode)

    def find(self, directory: Entry, file_name: str) -> Entry | None:
        """The child of that name, in any form that the service takes for the same; the directory must be listed.

        Raises ``NameTooLong`` for a name that no directory can hold.
        """
        if len(os.fsencode(file_name)) > _LONGEST_NAME:
            raise NameTooLong(f"a name has up to {_LONGEST_NAME} bytes")
        if not _is_text(file_name):
            return None
        exact = self.index.child(directory.node.id, file_name)
        if exact is not None or not self.naming.rules.normalises:
            return exact
        return self.index.child(directory.node.id, unicodedata.normalize("NFC", file_name))

    def child(self, directory: Entry, file_name: str) -> Entry:
        """As ``find``; raises ``NotFound``."""
        found = self.find(directory, file_name)
        if found is None:
            raise NotFound(f"no {file_name!r} in inode {directory.inode}")
        return found

    def remember_birth(self, entry: Entry, parent: Entry, mode: int, by: Owner | None) -> None:
        """Mode and owner of a node that was just made by a user (None: the one who mounted)."""
        first = first_attributes(
            mode, by or self.owner, self.stat(parent), self.owner, directory=entry.node.is_directory
        )
        self.attributes.put(entry.node.id, first)

    def is_warm(self, inode: Inode) -> bool:
        """True if the attributes of this inode cost next to nothing."""
        if not self.index.is_warm(inode):
            return False
        entry = self.index.entry(inode)
        return entry is None or self.attributes.is_warm(entry.node.id)

    def warm(self, inodes: Sequence[Inode]) -> None:
        """Whoever walks through a directory is about to ask for the attributes of these."""
        self.attributes.warm([entry.node.id for entry in self.index.warm(inodes)])

    def stat(self, entry: Entry) -> FileAttributes:
        """The attributes of an entry."""
        return compose(entry, self.drafts.get(entry.inode), self.attributes.get(entry.node.id), self.owner)

    async def at(self, path: str) -> Entry:
        """What is at a path below the mount point; empty is the mount point itself. Raises ``NotFound``."""
        entry = self.entry(ROOT_INODE)
        for name in path.split("/") if path else ():
            found = self.find(await self.directory(entry.inode), name)
            if found is None:
                raise NotFound(f"there is no {path!r} in the mount", hint="ls shows what there is")
            entry = found
        return entry


def _is_text(file_name: str) -> bool:
    """Names that are not UTF-8 come with surrogates; no service holds them."""
    return file_name.isascii() or not any("\ud800" <= character <= "\udfff" for character in file_name)


def demand(entry: Entry, rights: Rights) -> None:
    """Raises ``Forbidden`` unless the account has all these rights on the node."""
    missing = rights & ~entry.node.rights
    if missing:
        raise Forbidden(f"no right to {missing} on {entry.file_name!r}")
