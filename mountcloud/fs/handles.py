"""Open files."""

from dataclasses import dataclass, field

from mountcloud.engine.reading import Reader
from mountcloud.model.ids import HandleId, Inode
from mountcloud.model.node import Node


@dataclass(slots=True)
class FileHandle:
    """One open file. ``node`` is the version that it was opened on; the reader is made by the first read of it.

    ``streams``: whoever opened it began with an empty file and will only write. ``direct``: what is written through it
    goes past the kernel's pages.
    """

    inode: Inode
    node: Node
    writing: bool
    streams: bool = False
    direct: bool = False
    reader: Reader | None = None


@dataclass(slots=True)
class Handles:
    """The handle table.

    A program that writes a new file and never reads it gains nothing from a copy in the kernel's pages, and waits for
    it. So if no other handle is open, its handle is direct.
    """

    files: dict[HandleId, FileHandle] = field(default_factory=dict)
    _next: int = 1
    _open: dict[Inode, int] = field(default_factory=dict)
    _writing: dict[Inode, int] = field(default_factory=dict)
    _direct: dict[Inode, int] = field(default_factory=dict)

    def new_id(self) -> HandleId:
        """A number that no other handle has, of a file or a directory."""
        self._next += 1
        return HandleId(self._next)

    def add_file(self, handle: FileHandle) -> HandleId:
        """Register an open file, and decide whether it is ``direct``."""
        handle.direct = handle.streams and not self.open_on(handle.inode)
        key = self.new_id()
        self.files[key] = handle
        for count in self._counts(handle):
            count[handle.inode] = count.get(handle.inode, 0) + 1
        return key

    def _counts(self, handle: FileHandle) -> list[dict[Inode, int]]:
        if not handle.writing:
            return [self._open]
        return [self._open, self._writing, self._direct] if handle.direct else [self._open, self._writing]

    def remove_file(self, key: HandleId) -> FileHandle:
        """Forget an open file."""
        handle = self.files.pop(key)
        for count in self._counts(handle):
            count[handle.inode] -= 1
            if not count[handle.inode]:
                del count[handle.inode]
        return handle

    def open_on(self, inode: Inode) -> int:
        """Handles that are open on a file."""
        return self._open.get(inode, 0)

    def writing_on(self, inode: Inode) -> int:
        """Those of them that may write."""
        return self._writing.get(inode, 0)

    def direct_on(self, inode: Inode) -> int:
        """Those of them that go past the kernel's pages."""
        return self._direct.get(inode, 0)
