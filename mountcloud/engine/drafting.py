"""Files being written. A draft is one per inode, shared by all its handles; it pins the node against remote content."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from mountcloud.engine.reading import Library
from mountcloud.model.errors import Corrupt
from mountcloud.model.ids import Inode
from mountcloud.store.index import Entry
from mountcloud.store.staged_file import StagedFile
from mountcloud.store.staging import Staging

log = logging.getLogger(__name__)

_PIECE = 4 << 20


class Superseded(Exception):
    """The bytes being sent were written to meanwhile; a newer state will be owed."""


@dataclass(slots=True)
class Draft:
    """``generation`` counts writes; ``sealed`` is the generation that is owed (-1 = none yet).

    ``sealed != generation`` means: there are bytes that nobody has promised to keep yet. ``base`` is the size for which
    the service had room when this began, ``roomy`` the size up to which it is known to have room.
    """

    inode: Inode
    file: StagedFile
    mtime_ns: int
    generation: int = 0
    sealed: int = -1
    base: int = 0
    roomy: int = 0

    @property
    def dirty(self) -> bool:
        """True if something was written since the last seal."""
        return self.sealed != self.generation

    def touch(self, now_ns: int) -> None:
        """Its bytes are about to change."""
        self.generation += 1
        self.mtime_ns = now_ns


class DraftSource:
    """The bytes of one generation, for an upload; a write in between ends it by ``Superseded``."""

    def __init__(self, file: StagedFile, size: int, unchanged: Callable[[], bool]) -> None:
        self._file = file
        self._size = size
        self._unchanged = unchanged

    @property
    def size(self) -> int:
        """Bytes when it was sealed."""
        return self._size

    async def pread(self, size: int, offset: int) -> bytes:
        """As ``Source.pread``; raises ``Superseded``."""
        await trio.lowlevel.checkpoint()
        data = self._file.pread(max(min(size, self._size - offset), 0), offset)
        if not self._unchanged():
            raise Superseded
        return data


@dataclass(slots=True)
class Drafts:
    """All drafts, by inode. ``begun`` hears of each new one: from now on its file changes without a word."""

    staging: Staging
    library: Library
    clock_ns: Callable[[], int]
    begun: Callable[[Inode], None] = lambda inode: None
    _drafts: dict[Inode, Draft] = field(default_factory=dict)
    _opening: dict[Inode, trio.Lock] = field(default_factory=dict)

    def get(self, inode: Inode) -> Draft | None:
        """The draft of this inode, if it is being written or owed by this process."""
        return self._drafts.get(inode)

    def create(self, inode: Inode, *, sealed: bool) -> Draft:
        """A draft of an empty file; ``sealed`` if the service stores it encrypted. Raises ``DiskFull``."""
        return self._begin(Draft(inode, self.staging.create(sealed=sealed), self.clock_ns()))

    def _begin(self, draft: Draft) -> Draft:
        self._drafts[draft.inode] = draft
        self.begun(draft.inode)
        return draft

    def adopt(self, inode: Inode, staged: str, generation: int, mtime_ns: int) -> Draft:
        """A draft that is owed since an earlier close. Raises ``Corrupt`` if its bytes are missing."""
        return self._begin(Draft(inode, self.staging.open(staged), mtime_ns, generation, generation))

    async def obtain(self, entry: Entry) -> Draft:
        """The draft of a file that is about to be changed in place, filled with what the service has.

        Raises what reading raises.
        """
        lock = self._opening.setdefault(entry.inode, trio.Lock())
        try:
            async with lock:
                return self._drafts.get(entry.inode) or await self._filled(entry)
        finally:
            if not lock.locked() and self._opening.get(entry.inode) is lock:
                del self._opening[entry.inode]

    async def _filled(self, entry: Entry) -> Draft:
        """A new draft with the present content; whoever emptied the file meanwhile did not wait, and comes first.

        Raises ``DiskFull`` before anything is fetched that has no room here.
        """
        self.staging.demand_room(entry.node.size)
        file = self.staging.create(sealed=entry.node.encrypted)
        try:
            await self._fill(file, entry)
        except BaseException:
            self._scrap(file)
            raise
        emptied = self._drafts.get(entry.inode)
        if emptied is not None:
            self._scrap(file)
            return emptied
        draft = Draft(entry.inode, file, entry.node.mtime_ns)
        draft.sealed = draft.generation
        draft.base = draft.roomy = entry.node.size
        return self._begin(draft)

    def _scrap(self, file: StagedFile) -> None:
        file.close()
        self.staging.remove(file.name)

    async def _fill(self, file: StagedFile, entry: Entry) -> None:
        reader = self.library.reader(entry.node)
        try:
            for offset in range(0, entry.node.size, _PIECE):
                file.pwrite(await reader.read(offset, _PIECE), offset)
        finally:
            await reader.aclose()
        if file.size != entry.node.size:
            raise Corrupt(f"{entry.file_name!r} came with {file.size} bytes instead of {entry.node.size}")

    def let_go(self, inode: Inode) -> str | None:
        """No program needs the draft any more; its file name, whose bytes may still be owed."""
        draft = self._drafts.pop(inode, None)
        if draft is None:
            return None
        draft.file.close()
        return draft.file.name

    def holds(self, staged: str) -> bool:
        """True while a program may have the draft of that file name open."""
        return any(draft.file.name == staged for draft in self._drafts.values())

    @property
    def pinned(self) -> set[Inode]:
        """What is being written, or about to be: its base must not change under it."""
        return {*self._drafts, *self._opening}

    @property
    def all(self) -> list[Draft]:
        """Every draft."""
        return list(self._drafts.values())
