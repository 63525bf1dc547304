"""What directories, files and the file system share."""

from dataclasses import dataclass, field

from mountcloud.engine.drafting import Drafts
from mountcloud.engine.local_changes import LocalChanges
from mountcloud.engine.reading import Library
from mountcloud.engine.syncing import Syncer
from mountcloud.fs.attributes import FileAttributes, Owner, compose
from mountcloud.fs.handles import Handles
from mountcloud.model.errors import Forbidden, InvalidName, NotADirectory, NotFound
from mountcloud.model.ids import Inode
from mountcloud.model.names import NameRules
from mountcloud.model.node import Rights
from mountcloud.policy.names import check, to_remote_name
from mountcloud.store.attributes import Attributes
from mountcloud.store.index import Entry, Index
from mountcloud.store.journal import Journal


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
    names: NameRules
    owner: Owner
    handles: Handles = field(default_factory=Handles)

    def entry(self, inode: Inode) -> Entry:
        """Raises ``NotFound``."""
        found = self.index.entry(inode)
        if found is None:
            raise NotFound(f"inode {inode} is gone")
        return found

    async def directory(self, inode: Inode) -> Entry:
        """A directory all of whose children are known. Raises what listing raises."""
        entry = self.entry(inode)
        if not entry.node.is_directory:
            raise NotADirectory(f"{entry.file_name!r} is no directory")
        await self.syncer.ensure_listed(entry)
        return self.entry(inode)

    def child(self, directory: Entry, file_name: str) -> Entry:
        """Raises ``NotFound``; the directory must be listed."""
        found = self.index.child(directory.node.id, file_name)
        if found is None:
            raise NotFound(f"no {file_name!r} in inode {directory.inode}")
        return found

    def stat(self, entry: Entry) -> FileAttributes:
        """The attributes of an entry."""
        return compose(entry, self.drafts.get(entry.inode), self.attributes.get(entry.node.id), self.owner)

    def remote_name(self, file_name: str) -> str:
        """What the service will call it. Raises ``InvalidName`` or ``NameTooLong`` without asking anybody."""
        name = to_remote_name(file_name)
        failure = check(self.names, name)
        if failure is not None:
            raise failure
        if not name:
            raise InvalidName("a name cannot be empty")
        return name


def demand(entry: Entry, rights: Rights) -> None:
    """Raises ``Forbidden`` unless the account has all these rights on the node."""
    missing = rights & ~entry.node.rights
    if missing:
        raise Forbidden(f"no right to {missing} on {entry.file_name!r}")
