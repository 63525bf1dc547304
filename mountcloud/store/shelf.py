"""Room on the disk for cells on their way, so that threads may write them while the loop does the counting."""

from dataclasses import dataclass

from mountcloud.policy.cells import CELL
from mountcloud.store.sparse import SparseFile


@dataclass(slots=True)
class Shelf:
    """``cells`` of one version, of which ``left`` are not counted as being here. Made by ``ChunkStore.reserve``."""

    cells: range
    left: int
    _file: SparseFile

    def write(self, cells: range, data: memoryview) -> bool:
        """In any thread: put whole cells where they belong; False if the disk did not take them."""
        try:
            self._file.pwrite(data, cells.start * CELL)
        except OSError:
            return False
        return True
