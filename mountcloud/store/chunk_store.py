"""Cached bytes on disk, exactly as the service stores them: a copy of this directory reveals nothing of an encrypted
room. Sparse, by (node, version), under a hard limit that is checked before anything is added. Rebuildable.
"""

import hashlib
import shutil
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mountcloud.model.errors import Corrupt, DiskFull, TooLarge
from mountcloud.model.ids import Ref
from mountcloud.model.span import StoredSpan
from mountcloud.policy.cells import CELL, CellMap, indices, span_of
from mountcloud.store.chunk_rows import MIGRATIONS
from mountcloud.store.keepsakes import KeepsakeBox
from mountcloud.store.reserve import Reserve
from mountcloud.store.shelf import Shelf
from mountcloud.store.sparse import SparseFile, sync_file_system
from mountcloud.store.sqlite import Database

EXTENT = 32
"""Cells that are evicted together: 4 MiB."""
_LARGEST = 1 << 46
"""Bytes of a file whose cells can be told apart in memory: 64 MiB are needed for that."""


@dataclass(slots=True)
class Cached:
    """One version of one file, as far as it is here. Made by ``ChunkStore.version`` only."""

    key: str
    ref: Ref
    stored_size: int
    cells: CellMap
    verdict: bool | None = None
    check_state: bytes = b""
    evictions: int = 0
    changed: bool = False
    users: int = 0
    file: SparseFile | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """``most`` bytes in all; ``keep_free`` bytes of the disk are never touched."""

    most: int
    keep_free: int

    @classmethod
    def usual(cls, directory: Path) -> "Limits":
        """min(10 GiB, a fifth of what is free), and a tenth of the disk kept free."""
        disk = shutil.disk_usage(directory)
        return cls(min(10 << 30, disk.free // 5), disk.total // 10)


class ChunkStore:
    """All cached versions of an account. ``boot`` names this boot of the machine, ``free`` tells the disk's free bytes.

    The list of what is here is written now and then; after a power cut it may claim bytes that never reached the disk,
    so everything is dropped when the last use did not end well and the machine was booted since.
    """

    def __init__(
        self,
        directory: Path,
        limits: Limits,
        boot: str,
        free: Callable[[], int],
        reserve: Reserve | None = None,
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._limits = limits
        self._free = free
        self._reserve = reserve
        self._db = self._open(boot)
        self.keepsakes = KeepsakeBox(self._db)
        self._versions: dict[str, Cached] = {}
        self._recent: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._kept: dict[tuple[str, int], int] = {}
        self._pinned = {str(row[0]) for row in self._db.rows("SELECT key FROM pinned")}
        self._reserved = 0
        self._busy: Counter[tuple[str, int]] = Counter()
        self.used = 0
        for row in self._db.rows("SELECT key, node, version, stored_size, cells FROM version ORDER BY used"):
            self._count_in(row[0], CellMap(row[3], row[4]))

    def _open(self, boot: str) -> Database:
        path = self._directory / "chunks.db"
        db = self._usable(path, boot)
        if db is None:
            shutil.rmtree(self._directory)
            self._directory.mkdir(mode=0o700)
            db = Database(path, MIGRATIONS, self._reserve)
        db.run("INSERT OR REPLACE INTO note VALUES ('open', ?)", (boot,))
        return db

    def _usable(self, path: Path, boot: str) -> Database | None:
        try:
            db = Database(path, MIGRATIONS, self._reserve)
        except Corrupt:
            return None
        row = db.row("SELECT value FROM note WHERE key = 'open'")
        if row is None or row[0] == boot:
            return db
        db.close()
        return None

    def _count_in(self, key: str, cells: CellMap) -> None:
        for first in range(0, cells.count, EXTENT):
            extent = range(first, min(first + EXTENT, cells.count))
            here = len(extent) - len(cells.missing(extent))
            if here:
                self._extents(key)[key, first // EXTENT] = here
                self.used += here * CELL

    def _extents(self, key: str) -> dict[tuple[str, int], int]:
        """How many cells of each extent are here: of what may be evicted the longest unused first, or of the pinned."""
        return self._kept if key in self._pinned else self._recent

    def version(self, ref: Ref, stored_size: int) -> Cached:
        """What is here of this version. Give it back by ``release``. Raises ``TooLarge``."""
        if stored_size > _LARGEST:
            raise TooLarge(f"a file of {stored_size} bytes cannot be read from here")
        key = _key(ref)
        cached = self._versions.get(key)
        if cached is None:
            cached = self._versions[key] = self._load(key, ref, stored_size)
        cached.users += 1
        return cached

    def _load(self, key: str, ref: Ref, stored_size: int) -> Cached:
        row = self._db.row("SELECT stored_size, cells, verdict, check_state FROM version WHERE key = ?", (key,))
        if row is None or row[0] != stored_size:
            return Cached(key, ref, stored_size, CellMap(stored_size))
        verdict = None if row[2] is None else bool(row[2])
        cached = Cached(key, ref, stored_size, CellMap(stored_size, row[1]), verdict, row[3])
        return cached if self._stands(cached) else self._begun_anew(cached)

    def _stands(self, cached: Cached) -> bool:
        """False if somebody else, who clears caches away, has taken the file: new cells would make zeros of the old."""
        end = cached.cells.end
        path = self._path(cached)
        return not end or (path.exists() and path.stat().st_size >= min(end * CELL, cached.stored_size))

    def _begun_anew(self, cached: Cached) -> Cached:
        for extent in range(-(-cached.cells.count // EXTENT)):
            self.used -= self._extents(cached.key).pop((cached.key, extent), 0) * CELL
        verdict = False if cached.verdict is False else None
        return Cached(cached.key, cached.ref, cached.stored_size, CellMap(cached.stored_size), verdict, changed=True)

    def release(self, cached: Cached) -> None:
        """One user less. What cannot be written down on a full disk is fetched again."""
        cached.users -= 1
        if cached.users == 0:
            with suppress(DiskFull):
                self._save(cached)
            del self._versions[cached.key]
            if cached.file is not None:
                cached.file.close()
                if not cached.cells.present:
                    cached.file.path.unlink(missing_ok=True)

    def missing(self, cached: Cached, span: StoredSpan) -> list[int]:
        """The cells of the span that are not here."""
        return cached.cells.missing(indices(span))

    def read(self, cached: Cached, span: StoredSpan) -> bytes:
        """Bytes that are all here. Raises ``Unavailable`` if the disk does not give them, ``Corrupt``."""
        cells = indices(span)
        for extent in range(cells.start // EXTENT, -(-cells.stop // EXTENT)):
            if (cached.key, extent) in self._recent:
                self._recent.move_to_end((cached.key, extent))
        data = self._file(cached).pread(span.length, span.start)
        if len(data) != span.length:
            raise _short(cached)
        return data

    def peeker(self, cached: Cached, span: StoredSpan) -> Callable[[memoryview], bool]:
        """For a thread: fills memory of the span's length with bytes that are here; False if any made way meanwhile.

        Evictions are counted before the bytes go, so unchanged after reading they say that the bytes were still there.
        Raises ``Corrupt`` if the file is too short, ``Unavailable``. It is no use that keeps the bytes here for longer.
        """
        file, evictions = self._file(cached), cached.evictions

        def peek(room: memoryview) -> bool:
            is_full = file.fill(room, span.start)
            if is_full or cached.evictions != evictions:
                return cached.evictions == evictions
            raise _short(cached)

        return peek

    def _file(self, cached: Cached) -> SparseFile:
        if cached.file is None:
            cached.file = SparseFile(self._path(cached))
        return cached.file

    def _path(self, cached: Cached) -> Path:
        return self._directory / cached.key[:2] / cached.key

    def write(self, cached: Cached, cells: range, data: bytes | memoryview) -> bool:
        """Keep whole cells; False if there is no room for them, and then nothing was kept."""
        span = span_of(cells, cached.stored_size)
        try:
            if not self._make_room(len(cells) * CELL, cached, cells):
                return False
            self._file(cached).pwrite(data, span.start)
        except (OSError, DiskFull):
            return False
        self._add(cached, cells)
        return True

    def reserve(self, cached: Cached, cells: range) -> Shelf | None:
        """Room for whole cells that are on their way; None if there is none. Give it back by ``unreserve``.

        Until then none of the extents is evicted: their bytes may be just being written.
        """
        try:
            if not self._make_room(len(cells) * CELL, cached, cells):
                return None
            shelf = Shelf(cells, len(cells), self._file(cached))
        except (OSError, DiskFull):
            return None
        self._reserved += len(cells) * CELL
        self._busy.update(_places(cached, cells))
        return shelf

    def admit(self, cached: Cached, shelf: Shelf, cells: range) -> None:
        """Cells that stand on the shelf are here now."""
        self._reserved -= len(cells) * CELL
        shelf.left -= len(cells)
        self._add(cached, cells)

    def unreserve(self, cached: Cached, shelf: Shelf) -> None:
        """Nothing more will come; what may have been written and was not admitted is given back to the disk."""
        self._reserved -= shelf.left * CELL
        self._busy.subtract(_places(cached, shelf.cells))
        self._busy = +self._busy
        if not shelf.left:
            return
        for key, extent in _places(cached, shelf.cells):
            if (key, extent) not in self._busy and (key, extent) not in self._extents(key):
                with suppress(OSError):  # then they go with the file
                    self._file(cached).punch(extent * EXTENT * CELL, EXTENT * CELL)

    def _add(self, cached: Cached, cells: range) -> None:
        for cell in cells:
            if cached.cells.add(range(cell, cell + 1)):
                self._count(cached.key, cell // EXTENT)
        cached.changed = True

    def _count(self, key: str, extent: int) -> None:
        extents, place = self._extents(key), (key, extent)
        extents[place] = extents.get(place, 0) + 1
        if extents is self._recent:
            self._recent.move_to_end(place)
        self.used += CELL

    def _make_room(self, size: int, cached: Cached, cells: range) -> bool:
        """Evict the longest unused, but not the neighbours of what is to be written."""
        spared, size = _places(cached, cells), size + self._reserved
        while self.used + size > self._limits.most or self._free() - size < self._limits.keep_free:
            victim = next((place for place in self._recent if place not in spared and place not in self._busy), None)
            if victim is None:
                return False
            self._evict(*victim)
        return True

    def _evict(self, key: str, extent: int) -> None:
        cached = self._versions.get(key)
        loaded = cached or self._row(key)
        if loaded is None:
            self.used -= self._extents(key).pop((key, extent)) * CELL
            return
        cells = range(extent * EXTENT, (extent + 1) * EXTENT)
        loaded.cells.discard(cells)
        loaded.check_state = b""
        loaded.evictions += 1
        loaded.changed = True
        self._save(loaded)  # before the bytes go: a list that claims too much would serve zeros
        self.used -= self._extents(key).pop((key, extent), 0) * CELL
        if (key, extent) not in self._busy:
            self._file(loaded).punch(cells.start * CELL, len(cells) * CELL)
        if cached is None and loaded.file is not None:
            loaded.file.close()
            if not loaded.cells.present:
                loaded.file.path.unlink(missing_ok=True)

    def _row(self, key: str) -> Cached | None:
        row = self._db.row("SELECT node, version, stored_size FROM version WHERE key = ?", (key,))
        return None if row is None else self._load(key, Ref(row[0], row[1]), row[2])

    def drop(self, cached: Cached, *, quarantine: bool) -> None:
        """Forget the bytes; a quarantined version is remembered as such."""
        for extent in range(-(-cached.cells.count // EXTENT)):
            if (cached.key, extent) in self._extents(cached.key):
                self._evict(cached.key, extent)
        cached.verdict = False if quarantine else None
        cached.changed = True
        self._save(cached)

    def pin(self, refs: Iterable[Ref], *, release_others: bool) -> None:
        """These versions are never evicted from now on; survives a restart. Others that were pinned may be released."""
        pinned = {_key(ref) for ref in refs} | (set() if release_others else self._pinned)
        with self._db.transaction():
            for key in pinned - self._pinned:
                self._db.run("INSERT INTO pinned VALUES (?)", (key,))
            for key in self._pinned - pinned:
                self._db.run("DELETE FROM pinned WHERE key = ?", (key,))
        freed = [place for place in self._kept if place[0] not in pinned]
        fixed = [place for place in self._recent if place[0] in pinned]
        self._recent |= {place: self._kept.pop(place) for place in freed}
        self._kept |= {place: self._recent.pop(place) for place in fixed}
        self._pinned = pinned

    def can_hold(self, size: int, more: int) -> bool:
        """True if so many bytes fit into the limit, and ``more``, what is not here of them, onto the disk."""
        evictable = sum(self._recent.values()) * CELL
        return size <= self._limits.most and self._free() + evictable - more >= self._limits.keep_free

    @property
    def most(self) -> int:
        """Bytes that it may take at most."""
        return self._limits.most

    def here(self, ref: Ref) -> int:
        """Bytes of this version that are here, in whole cells."""
        cached = self._versions.get(_key(ref)) or self._row(_key(ref))
        return 0 if cached is None else cached.cells.present * CELL

    def forget(self, ref: Ref) -> int:
        """Give the bytes of a version back, and what was found out about it; tells how many bytes."""
        known = self._versions.get(_key(ref)) or self._row(_key(ref))
        if known is None:
            return 0
        cached = self.version(ref, known.stored_size)
        size = cached.cells.present * CELL
        self.drop(cached, quarantine=False)
        self.release(cached)
        return size

    @property
    def quarantined(self) -> list[Ref]:
        """Versions that were found to be altered."""
        return [Ref(*row) for row in self._db.rows("SELECT node, version FROM version WHERE verdict = 0")]

    def save(self) -> None:
        """Write down what is here; cheap when nothing changed."""
        with self._db.transaction():
            for cached in self._versions.values():
                self._save(cached)

    def _save(self, cached: Cached) -> None:
        if not cached.changed:
            return
        if not cached.cells.present and cached.verdict is None:
            self._db.run("DELETE FROM version WHERE key = ?", (cached.key,))
        else:
            statement = """INSERT OR REPLACE INTO version
                SELECT ?, ?, ?, ?, ?, ?, ?, 1 + coalesce(max(used), 0) FROM version"""
            ref = cached.ref
            values = (cached.key, ref.id, ref.version, cached.stored_size, bytes(cached.cells), cached.verdict)
            self._db.run(statement, (*values, cached.check_state))
        cached.changed = False

    def close(self) -> None:
        """All is written down and on the disk."""
        self.save()
        for cached in self._versions.values():
            if cached.file is not None:
                cached.file.close()
        sync_file_system(self._directory)
        self._db.run("DELETE FROM note WHERE key = 'open'")
        self._db.close()


def _short(cached: Cached) -> Corrupt:
    return Corrupt(f"the cached file {cached.key} is shorter than it must be")


def _places(cached: Cached, cells: range) -> set[tuple[str, int]]:
    return {(cached.key, cell // EXTENT) for cell in cells}


def _key(ref: Ref) -> str:
    return hashlib.sha256(f"{ref.id}\0{ref.version}".encode()).hexdigest()[:40]
