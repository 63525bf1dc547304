"""Open, read, write, close: files as programs expect them, staged on this machine."""

import os
from dataclasses import replace

import trio

from mountcloud.engine.drafting import Draft
from mountcloud.fs.attributes import FileAttributes, Owner
from mountcloud.fs.core import Core, demand
from mountcloud.fs.directories import Directories
from mountcloud.fs.handles import FileHandle
from mountcloud.fs.room import Room
from mountcloud.model.errors import IsADirectory, NotFound, Outdated, TooLarge
from mountcloud.model.ids import HandleId, Inode, Version
from mountcloud.model.node import Kind, Rights
from mountcloud.model.operation import OperationKind
from mountcloud.store.index import Entry


class Files:
    """Operations on the content of files. ``max_size`` in bytes, 0 = no limit."""

    def __init__(self, core: Core, directories: Directories, max_size: int) -> None:
        self._core = core
        self._directories = directories
        self._max_size = max_size
        self._room = Room(core.journal, core.syncer)
        self._last_opened: dict[Inode, Version] = {}

    async def create(
        self, parent: Inode, file_name: str, mode: int, by: Owner | None = None, flags: int = os.O_RDWR
    ) -> tuple[HandleId, FileAttributes]:
        """A new file, open for writing and for whatever else ``flags`` say.

        Raises ``Exists``, ``Forbidden``, ``InvalidName``, ``DiskFull``.
        """
        directory = await self._core.directory(parent)
        name = self._directories.free_name(directory, file_name, Kind.FILE)
        demand(directory, Rights.CREATE_FILES)
        self._core.drafts.staging.demand_room()
        entry = self._core.local.create_file(directory, name)
        self._core.remember_birth(entry, directory, mode, by)
        opened = FileHandle(entry.inode, entry.node, writing=True, streams=_only_writes(flags))
        return self._core.handles.add_file(opened), self._core.stat(entry)

    def open(self, inode: Inode, flags: int) -> tuple[HandleId, bool]:
        """A handle, and whether the kernel may keep what it has cached of the file.

        Raises ``IsADirectory``, and ``Forbidden`` for a mode that the account's rights do not allow.
        """
        entry = self._openable(inode)
        if entry.node.is_directory:
            raise IsADirectory(f"{entry.file_name!r} is a directory")
        self._core.used(entry)
        accmode = flags & os.O_ACCMODE
        writing = accmode != os.O_RDONLY or bool(flags & os.O_TRUNC)
        reading = accmode != os.O_WRONLY
        demand(entry, (Rights.WRITE if writing else Rights.NONE) | (Rights.READ if reading else Rights.NONE))
        draft = self.draft(entry)
        if flags & os.O_TRUNC:
            self._emptied(entry, draft)
        streams = bool(flags & os.O_TRUNC) and _only_writes(flags)
        opened = FileHandle(entry.inode, entry.node, writing, streams)
        handle = self._core.handles.add_file(opened)
        return handle, self._unchanged_since_last_open(entry)

    def is_direct(self, handle: HandleId) -> bool:
        """True if what is written through this handle goes past the kernel's pages."""
        return self._core.handles.files[handle].direct

    def _openable(self, inode: Inode) -> Entry:
        try:
            return self._core.entry(inode)
        except NotFound as gone:
            raise Outdated("the file is gone") from gone  # the kernel then looks the name up again

    def _unchanged_since_last_open(self, entry: Entry) -> bool:
        if self._core.handles.direct_on(entry.inode):
            return False
        same = self._last_opened.get(entry.inode) == entry.node.version
        self._last_opened[entry.inode] = entry.node.version
        return same

    def draft(self, entry: Entry) -> Draft | None:
        """The draft of a file: open already, or owed since an earlier close."""
        draft = self._core.drafts.get(entry.inode)
        if draft is not None:
            return draft
        for owed in self._core.journal.of(entry.node.id):
            if owed.kind is OperationKind.UPLOAD:
                draft = self._core.drafts.adopt(entry.inode, owed.staged, owed.generation, owed.mtime_ns)
                draft.base = draft.roomy = owed.size
                return draft
        return None

    def _emptied(self, entry: Entry, draft: Draft | None) -> Draft:
        if draft is None:
            draft = self._core.drafts.create(entry.inode, sealed=entry.node.encrypted)
            draft.base = draft.roomy = entry.node.size
        draft.touch(self._core.local.clock_ns())
        draft.file.truncate(0)
        return draft

    async def _writable(self, entry: Entry, size: int) -> Draft:
        """The draft to change; raises ``TooLarge`` for a file that the service could not hold."""
        if self._max_size and size > self._max_size:
            raise TooLarge(f"a file of {size} bytes is more than the service can hold")
        known = self.draft(entry)
        if known is not None:
            return known
        return await self._core.drafts.obtain(entry)

    async def read(self, handle: HandleId, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes, fewer only at the end. What this machine wrote is seen at once."""
        self._core.syncer.used()
        opened = self._core.handles.files[handle]
        draft = self._core.drafts.get(opened.inode)
        if draft is not None:
            return draft.file.pread(size, offset)
        if opened.reader is None:
            opened.reader = self._core.library.reader(opened.node)
        return await opened.reader.read(offset, size)

    async def write(self, handle: HandleId, offset: int, data: bytes) -> int:
        """Bytes written: all of them. Raises ``DiskFull``, ``QuotaExceeded``, ``TooLarge``."""
        self._core.syncer.used()
        opened = self._core.handles.files[handle]
        draft = self._core.drafts.get(opened.inode)
        end = offset + len(data)
        if draft is None or (self._max_size and end > self._max_size):
            draft = await self._writable(self._base(opened), end)
        if end > draft.roomy:
            encrypted = self._core.entry(opened.inode).node.encrypted
            await self._room.demand(draft, end, encrypted=encrypted)
        draft.touch(self._core.local.clock_ns())
        written = draft.file.pwrite(data, offset)
        if opened.direct and self._core.handles.open_on(opened.inode) > 1:
            await self._core.syncer.kernel.forget_content(opened.inode)  # others read through pages
        return written

    def _base(self, opened: FileHandle) -> Entry:
        """What the first write changes. Raises ``Outdated`` if the program read another version of it."""
        entry = self._core.entry(opened.inode)
        if entry.node.parent is None:
            return replace(entry, node=opened.node)
        if opened.reader is not None and opened.node.version != entry.node.version:
            raise Outdated(f"{entry.file_name!r} was replaced since it was read", hint="open it again")
        return entry

    def _opened(self, entry: Entry) -> Entry:
        """A file without a name has its content by the node that a handle was opened on."""
        opened = (each.node for each in self._core.handles.files.values() if each.inode == entry.inode)
        return entry if entry.node.parent is not None else replace(entry, node=next(opened, entry.node))

    async def truncate(self, inode: Inode, size: int) -> None:
        """Cut, or extend with zeros."""
        entry = self._core.entry(inode)
        if entry.node.is_directory:
            raise IsADirectory(f"{entry.file_name!r} is a directory")
        demand(entry, Rights.WRITE)
        draft = (
            self._emptied(entry, self.draft(entry)) if size == 0 else await self._writable(self._opened(entry), size)
        )
        if size > draft.roomy:
            await self._room.demand(draft, size, encrypted=entry.node.encrypted)
            draft = await self._writable(self._core.entry(inode), size)  # whoever closed it meanwhile let that one go
        draft.touch(self._core.local.clock_ns())
        draft.file.truncate(size)
        if not self._core.handles.open_on(inode):
            self._core.local.closed(inode)

    def flush(self, handle: HandleId) -> None:
        """A descriptor was closed: what was written by now is owed."""
        draft = self._core.drafts.get(self._core.handles.files[handle].inode)
        if draft is not None:
            self._core.local.seal(draft)

    async def fsync(self, handle: HandleId) -> None:
        """What was written by now is on this machine's disk, and owed."""
        draft = self._core.drafts.get(self._core.handles.files[handle].inode)
        if draft is not None:
            self._core.local.seal(draft)
            await trio.to_thread.run_sync(self._core.drafts.staging.sync, [draft.file.name])
        await trio.to_thread.run_sync(self._core.journal.sync)
        await self.confirmed(handle)

    async def confirmed(self, handle: HandleId) -> None:
        """With ``durability = "remote"``: what was sealed through this handle is on the service."""
        opened = self._core.handles.files[handle]
        entry = self._core.index.entry(opened.inode)
        if opened.writing and entry is not None and entry.node.parent is not None:
            await self._core.confirmed(entry)

    async def release(self, handle: HandleId) -> None:
        """The last descriptor of this handle is closed."""
        opened = self._core.handles.remove_file(handle)
        if opened.direct:
            self._last_opened.pop(opened.inode, None)
        draft = self._core.drafts.get(opened.inode)
        if draft is not None and opened.writing:
            self._core.local.seal(draft)
        if not self._core.handles.open_on(opened.inode):
            self._core.local.closed(opened.inode)
        if opened.reader is not None:
            await opened.reader.aclose()


def _only_writes(flags: int) -> bool:
    return flags & os.O_ACCMODE == os.O_WRONLY
