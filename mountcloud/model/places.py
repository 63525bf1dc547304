"""Where nodes live on a service that addresses them by path, so that their ids outlive a rename.

Such a service has no name for a node but its path. The book gives each an id and remembers one row a node: a rename
of a directory changes one row, and what is below it moves along. It is neither rebuildable nor owed: without it every
node would get another id, and what is owed would name nodes that nobody knows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mountcloud.model.ids import NodeId
from mountcloud.model.operation import Slot


@dataclass(frozen=True, slots=True)
class Place:
    """Where one node is. ``parent`` is None for the root, whose name is empty.

    ``facts`` is the provider's own text about the node. ``aim`` is the slot to which the node is on its way: a move
    was sent and nobody knows yet whether it happened. ``mark`` is what the service shows of the node wherever another
    client moves it, empty where that is nothing.
    """

    id: NodeId
    parent: NodeId | None
    name: str
    is_directory: bool
    facts: str = ""
    aim: Slot | None = None
    mark: str = ""


class Places(Protocol):
    """The book of one account. Every change is one transaction and survives the death of the process."""

    def get(self, node: NodeId) -> Place | None:
        """Where the node is, None if it is unknown."""

    def find(self, parent: NodeId, name: str) -> Place | None:
        """Who holds this name."""

    def below(self, parent: NodeId) -> Sequence[Place]:
        """All that is directly in this directory."""

    def aimed_at(self, parent: NodeId) -> Sequence[Place]:
        """All that may have been moved into this directory."""

    def marked(self, mark: str) -> Sequence[Place]:
        """All of which the service showed this; none for an empty mark."""

    def change(self, put: Iterable[Place] = (), remove: Iterable[NodeId] = ()) -> None:
        """Forget some nodes with all that is below them, then put others; who holds their name is forgotten."""

    def note(self, key: str) -> str | None:
        """What the provider wrote down about the account itself."""

    def set_note(self, key: str, value: str) -> None:
        """Write it down."""


def path_of(places: Places, node: NodeId) -> tuple[str, ...] | None:
    """The names from the root down to the node, None if the book does not know how to get there."""
    names: list[str] = []
    place = places.get(node)
    while place is not None and place.parent is not None:
        names.append(place.name)
        place = places.get(place.parent)
    return None if place is None else tuple(reversed(names))


def way_to(places: Places, node: NodeId) -> list[Place]:
    """All places from the top down to the node, as far as the book knows them."""
    place = places.get(node)
    above: list[Place] = []
    while place is not None:
        above.append(place)
        place = None if place.parent is None else places.get(place.parent)
    return above[::-1]


def is_within(places: Places, node: NodeId, directory: NodeId) -> bool:
    """True if the node is the directory, or below it."""
    place = places.get(node)
    while place is not None and place.id != directory:
        place = None if place.parent is None else places.get(place.parent)
    return place is not None
