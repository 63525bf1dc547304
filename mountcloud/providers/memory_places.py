"""A book of places that ends with the process: for trying out an account before anything of it is stored."""

from collections.abc import Iterable, Sequence

from mountcloud.model.ids import NodeId
from mountcloud.model.places import Place


class MemoryPlaces:
    """Implements ``model/places.py``."""

    def __init__(self) -> None:
        self._places: dict[NodeId, Place] = {}
        self._slots: dict[NodeId, dict[str, NodeId]] = {}
        self._notes: dict[str, str] = {}

    def get(self, node: NodeId) -> Place | None:
        """Where the node is."""
        return self._places.get(node)

    def find(self, parent: NodeId, name: str) -> Place | None:
        """Who holds this name."""
        holder = self._slots.get(parent, {}).get(name)
        return None if holder is None else self._places[holder]

    def below(self, parent: NodeId) -> Sequence[Place]:
        """All that is directly in this directory."""
        return [self._places[each] for each in self._slots.get(parent, {}).values()]

    def aimed_at(self, parent: NodeId) -> Sequence[Place]:
        """All that may have been moved into this directory."""
        return [each for each in self._places.values() if each.aim is not None and each.aim.parent == parent]

    def marked(self, mark: str) -> Sequence[Place]:
        """All of which the service showed this."""
        return [each for each in self._places.values() if mark and each.mark == mark]

    def change(self, put: Iterable[Place] = (), remove: Iterable[NodeId] = ()) -> None:
        """Forget some nodes with all that is below them, then put others."""
        for node in remove:
            self._forget(node)
        for place in put:
            self._put(place)

    def _forget(self, node: NodeId) -> None:
        for each in tuple(self.below(node)):
            self._forget(each.id)
        self._leave_slot(node)
        self._places.pop(node, None)

    def _put(self, place: Place) -> None:
        holder = None if place.parent is None else self.find(place.parent, place.name)
        if holder is not None and holder.id != place.id:
            self._forget(holder.id)
        self._leave_slot(place.id)
        self._places[place.id] = place
        if place.parent is not None:
            self._slots.setdefault(place.parent, {})[place.name] = place.id

    def _leave_slot(self, node: NodeId) -> None:
        old = self._places.get(node)
        if old is not None and old.parent is not None:
            del self._slots[old.parent][old.name]

    def note(self, key: str) -> str | None:
        """What the provider wrote down."""
        return self._notes.get(key)

    def set_note(self, key: str, value: str) -> None:
        """Write it down until the process ends."""
        self._notes[key] = value
