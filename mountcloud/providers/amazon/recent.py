"""What is known better than listings, which lag behind by seconds (Amazon facts, 6).

The version of a node rises with every change, so of two pictures of it the one with the higher version is the newer.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mountcloud.providers.amazon.wire import RemoteNode

LAG_S = 120.0
"""Listings are never further behind than this."""

_MOST_NODES = 20_000


@dataclass(frozen=True, slots=True)
class _Seen:
    node: RemoteNode
    at: float


class Recent:
    """Nodes as our own calls and the feed told them lately. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def note(self, node: RemoteNode) -> None:
        """The service itself said so of this node."""
        known = self._seen.pop(node.id, None)
        newer = node if known is None or node.version >= known.node.version else known.node
        self._seen[node.id] = _Seen(newer, self._clock())
        self._prune()

    def forget(self, id: str) -> None:
        """The service does not know it any more."""
        self._seen.pop(id, None)

    def newest(self, listed: Iterable[RemoteNode]) -> list[RemoteNode]:
        """The listed nodes as they are known by now."""
        self._prune()
        found: list[RemoteNode] = []
        for node in listed:
            seen = self._seen.get(node.id)
            found.append(seen.node if seen is not None and seen.node.version > node.version else node)
        return found

    def missing(self, folder: str, listed: Iterable[RemoteNode]) -> Sequence[RemoteNode]:
        """What should be in this folder, but is not in its listing: it is late, or somebody else was quicker."""
        there = {node.id for node in listed}
        seen = [each.node for each in self._seen.values() if each.node.id not in there]
        return [node for node in seen if folder in node.parents and node.is_there]

    def _prune(self) -> None:
        limit = self._clock() - LAG_S
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest].at >= limit and len(self._seen) <= _MOST_NODES:
                return
            del self._seen[oldest]
