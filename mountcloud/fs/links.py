"""Symbolic links: small files on the service, whose content is the target."""

from mountcloud.fs.attributes import FileAttributes, Owner
from mountcloud.fs.core import Core, demand
from mountcloud.fs.directories import Directories
from mountcloud.fs.files import Files
from mountcloud.model.errors import Corrupt, Failure, InvalidArgument, NotPermitted
from mountcloud.model.ids import Inode
from mountcloud.model.node import USUAL_FILE_MODE, Kind, Rights
from mountcloud.policy.naming import LONGEST_TARGET


class Links:
    """Making and reading them. Targets are bytes that nobody here interprets."""

    def __init__(self, core: Core, directories: Directories, files: Files) -> None:
        self._core = core
        self._directories = directories
        self._files = files

    async def create(self, parent: Inode, file_name: str, target: bytes, by: Owner | None = None) -> FileAttributes:
        """A new link. Raises ``Exists``, ``Forbidden``, ``InvalidName``; ``NotPermitted`` if links are turned off."""
        if not self._core.naming.symlinks:
            raise NotPermitted("symbolic links are turned off in the settings")
        directory = await self._core.directory(parent)
        name = self._directories.free_name(directory, file_name, Kind.FILE, link=True)
        demand(directory, Rights.CREATE_FILES)
        entry = self._core.local.create_file(directory, name, len(target))
        self._core.remember_birth(entry, directory, USUAL_FILE_MODE, by)
        draft = self._core.drafts.get(entry.inode)
        assert draft is not None
        draft.touch(self._core.local.clock_ns())
        try:
            draft.file.pwrite(target, 0)
        except Failure:
            self._core.local.remove(entry)
            raise
        self._core.local.closed(entry.inode)
        return self._core.stat(self._core.entry(entry.inode))

    async def read(self, inode: Inode) -> bytes:
        """The target. Raises ``InvalidArgument`` for what is no link, ``Corrupt``, and what reading raises."""
        entry = self._core.entry(inode)
        if not entry.is_link:
            raise InvalidArgument(f"{entry.file_name!r} is no symbolic link")
        handle, _ = self._files.open(inode, 0)
        try:
            target = await self._files.read(handle, 0, LONGEST_TARGET + 1)
        finally:
            await self._files.release(handle)
        if not 0 < len(target) <= LONGEST_TARGET or b"\0" in target:
            raise Corrupt(f"{entry.node.name!r} holds nothing that can be the target of a link")
        return target
