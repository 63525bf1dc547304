"""Look up, create, move, remove: POSIX' rules on names and places, decided without asking the service."""

from collections.abc import Collection

from mountcloud.fs.attributes import FileAttributes, Owner
from mountcloud.fs.core import Core, demand
from mountcloud.model.errors import (
    CrossesBoundary,
    Exists,
    InvalidArgument,
    IsADirectory,
    NotADirectory,
    NotEmpty,
    NotFound,
)
from mountcloud.model.ids import Inode
from mountcloud.model.node import Kind, Rights
from mountcloud.store.index import Entry


class Directories:
    """Operations on directory entries. Names are file names, as programs see them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def lookup(self, parent: Inode, file_name: str) -> FileAttributes:
        """Raises ``NotFound``, and what listing raises."""
        entry = self._core.entry(parent)
        if file_name == ".":
            return self._core.stat(entry)
        if file_name == "..":
            return self._core.stat(self._core.above(entry))
        directory = await self._core.directory(parent)
        return self._core.stat(self._core.child(directory, file_name))

    async def create(self, parent: Inode, file_name: str, mode: int, by: Owner | None = None) -> FileAttributes:
        """A new directory. Raises ``Exists``, ``Forbidden``, ``InvalidName``, ``DiskFull``."""
        directory = await self._core.directory(parent)
        name = self.free_name(directory, file_name, Kind.DIRECTORY)
        demand(directory, Rights.CREATE_DIRECTORIES)
        self._core.drafts.staging.demand_room()
        entry = self._core.local.make_directory(directory, name)
        self._core.remember_birth(entry, directory, mode, by)
        await self._core.confirmed(entry)
        return self._core.stat(self._core.entry(entry.inode))

    def free_name(self, directory: Entry, file_name: str, kind: Kind, *, link: bool = False) -> str:
        """The remote name of a new child.

        Raises ``Exists`` if a child is known that has the name, or one that the service takes for the same;
        ``NotFound`` in a directory that was removed; ``InvalidName``, ``NameTooLong``.
        """
        if directory.node.parent is None and directory.inode != 1:
            raise NotFound("the directory was removed")
        if self._core.find(directory, file_name) is not None:
            raise Exists(f"{file_name!r} exists")
        name = self._core.naming.remote_name(file_name, kind, link=link)
        self._demand_no_clash(directory, name, ())
        return name

    def _demand_no_clash(self, directory: Entry, name: str, apart_from: Collection[Inode]) -> None:
        clash = self._core.index.clashing(directory.node.id, name)
        if clash is not None and clash.inode not in apart_from:
            raise Exists(f"the service takes {name!r} for the same name as {clash.node.name!r}")

    async def unlink(self, parent: Inode, file_name: str) -> None:
        """Remove a file. Raises ``IsADirectory``, ``NotFound``, ``Forbidden``."""
        directory = await self._core.directory(parent)
        entry = self._core.child(directory, file_name)
        if entry.node.is_directory:
            raise IsADirectory(f"{file_name!r} is a directory")
        demand(entry, Rights.DELETE)
        self._core.local.remove(entry)
        await self._core.confirmed(entry)

    async def rmdir(self, parent: Inode, file_name: str) -> None:
        """Remove an empty directory. Raises ``NotADirectory``, ``NotEmpty``, ``NotFound``, ``Forbidden``."""
        directory = await self._core.directory(parent)
        entry = self._core.child(directory, file_name)
        await self._demand_empty(entry)
        demand(entry, Rights.DELETE)
        self._core.local.remove(self._core.entry(entry.inode))
        await self._core.confirmed(entry)

    async def _demand_empty(self, entry: Entry) -> None:
        listed = await self._core.directory(entry.inode)
        if self._core.index.has_children(listed.node.id):
            raise NotEmpty(f"{entry.file_name!r} is not empty")

    async def rename(self, parent: Inode, file_name: str, new_parent: Inode, new_name: str, *, replace: bool) -> None:
        """Another name, place or both; what holds it makes way if ``replace``, else ``Exists`` is raised."""
        source = await self._core.directory(parent)
        target = await self._core.directory(new_parent)
        entry, victim = self._core.child(source, file_name), self._core.find(target, new_name)
        if victim is not None and replace and victim.node.is_directory and entry.node.is_directory:
            await self._core.directory(victim.inode)
        # The awaits above are seams: look again at what they may have changed.
        source, target = self._core.entry(parent), self._core.entry(new_parent)
        entry, victim = self._core.child(source, file_name), self._core.find(target, new_name)
        if victim is not None:
            if not replace:
                raise Exists(f"{new_name!r} exists")
            if victim.inode == entry.inode:
                return
            self._demand_replaceable(entry, victim)
        self._demand_movable(entry, source, target)
        remote_name = self._core.naming.remote_name(new_name, entry.node.kind, link=entry.is_link)
        self._demand_no_clash(target, remote_name, [each.inode for each in (entry, victim) if each is not None])
        file_name = self._core.index.shown_as(entry.node.id, remote_name)
        self._core.local.move(entry, target, remote_name, file_name, victim)
        await self._core.confirmed(entry)

    def _demand_replaceable(self, entry: Entry, victim: Entry) -> None:
        """A directory of which nobody knows what is in it counts as full."""
        if victim.node.is_directory:
            if not entry.node.is_directory:
                raise IsADirectory(f"{victim.file_name!r} is a directory")
            if victim.listed is None or self._core.index.has_children(victim.node.id):
                raise NotEmpty(f"{victim.file_name!r} is not empty")
        elif entry.node.is_directory:
            raise NotADirectory(f"{victim.file_name!r} is no directory")
        demand(victim, Rights.DELETE)

    def _demand_movable(self, entry: Entry, source: Entry, target: Entry) -> None:
        if entry.node.id in self._core.index.ancestors(target.node.id):
            raise InvalidArgument("a directory cannot be moved below itself")
        if source.inode == target.inode:
            demand(entry, Rights.RENAME)
            return
        if self._core.local.stays_here(target) and not self._core.local.may_stay(entry):
            raise CrossesBoundary("the directory stays on this machine for its name; copy instead")
        wanted = Rights.CREATE_DIRECTORIES if entry.node.is_directory else Rights.CREATE_FILES
        demand(target, wanted)
        demand(entry, Rights.MOVE)
        if entry.node.encrypted != target.node.encrypted or Rights.MOVE_IN not in target.node.rights:
            raise CrossesBoundary("the service cannot move between these two places; copy instead")
