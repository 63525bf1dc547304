"""One node in several folders is shown once in each, under ids of its own (Amazon facts, 9).

A node's own id stands for its first place. Every other place has the id ``NODE~PLACE``, where PLACE is the id of the
directory there; so what is in a folder that is seen through its second place has such ids too, and no inode is in two
directories. What a program was ever shown is written down, since a feed that tells where a node is now does not tell
where it no longer is.
"""

import json
from dataclasses import dataclass

from mountcloud.model.ids import NodeId
from mountcloud.model.places import Places
from mountcloud.providers.amazon.wire import RemoteNode

_MARK = "~"
_ANY = "links"
_MOST_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Spot:
    """A node at one of its places. ``parent`` is None at the top."""

    id: NodeId
    parent: NodeId | None


def real(id: NodeId) -> str:
    """The service's own id."""
    return id.partition(_MARK)[0]


def place_of(id: NodeId) -> NodeId | None:
    """The directory in an id that is not of a node's first place."""
    _, marked, place = id.partition(_MARK)
    return NodeId(place) if marked else None


def chain(id: NodeId) -> list[str]:
    """The folders through which an id leads, itself first."""
    return id.split(_MARK)


class Links:
    """The book of one account; as long as no node has two places, it is empty and costs nothing."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._any = places.note(_ANY) is not None

    def spot(self, directory: NodeId, remote: RemoteNode) -> Spot:
        """The node in this directory, which is one of its folders."""
        if place_of(directory) is None and real(directory) == self._first(remote):
            return Spot(NodeId(remote.id), directory)
        spot = Spot(NodeId(f"{remote.id}{_MARK}{directory}"), directory)
        self._remember(remote.id, spot.id)
        return spot

    def spot_of(self, id: NodeId, remote: RemoteNode) -> Spot | None:
        """What this id is now, None if the node left that place."""
        if remote.is_root:
            return Spot(id, None)
        directory = place_of(id)
        if directory is None:
            first = self._first(remote)
            return None if first is None else Spot(id, NodeId(first))
        return Spot(id, directory) if real(directory) in remote.parents else None

    def spots(self, remote: RemoteNode) -> list[Spot]:
        """All places at which the node may be seen, so far as anybody looked there."""
        if remote.is_root:
            return [Spot(NodeId(remote.id), None)]
        return [self.spot(each, remote) for parent in remote.parents for each in self.shown(parent)]

    def shown(self, id: str) -> list[NodeId]:
        """All ids under which a node was ever shown."""
        return [NodeId(id), *([NodeId(each) for each in self._others(id)] if self._any else [])]

    def _first(self, remote: RemoteNode) -> str | None:
        """The folder in which the node has its own id: as long as it is there, the same one."""
        if len(remote.parents) < 2 and not self._any:
            return remote.parents[0] if remote.parents else None
        key = f"first {remote.id}"
        known = self._places.note(key)
        if known in remote.parents:
            return known
        first = remote.parents[0] if remote.parents else None
        if first is not None and (known is not None or len(remote.parents) > 1):
            self._places.set_note(key, first)
        return first

    def _others(self, id: str) -> list[str]:
        kept = self._places.note(f"shown {id}")
        return json.loads(kept) if kept else []

    def _remember(self, id: str, spot: NodeId) -> None:
        others = self._others(id) if self._any else []
        if spot in others:
            return
        if not self._any:
            self._places.set_note(_ANY, "yes")
            self._any = True
        self._places.set_note(f"shown {id}", json.dumps([*others, spot][-_MOST_SHOWN:]))
