"""Stored cells for which the disk cache has no room, in memory, under one bound for all files."""

from dataclasses import dataclass

from cachetools import LRUCache

from mountcloud.model.ids import NodeId, Version


@dataclass(frozen=True, slots=True)
class ChunkKey:
    """The version is part of the key: nothing is ever invalidated, only evicted."""

    node: NodeId
    version: Version
    index: int


class ChunkMemory:
    """The most recently used chunks; ``budget`` in stored bytes."""

    def __init__(self, budget: int) -> None:
        self._chunks: LRUCache[ChunkKey, bytes] = LRUCache(budget, getsizeof=len)

    def get(self, key: ChunkKey) -> bytes | None:
        """The chunk, if it is here."""
        found: bytes | None = self._chunks.get(key)
        return found

    def put(self, key: ChunkKey, data: bytes) -> None:
        """Keep it as long as there is room; a chunk larger than the budget is not kept."""
        if len(data) <= self._chunks.maxsize:
            self._chunks[key] = data
