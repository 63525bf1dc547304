"""Where nodes went that other clients moved, as far as the service shows it.

Each path object has a number, and nobody knows whether a move changes it (SmartFile facts, 4 and 17): our own moves
tell. A number alone proves nothing, for it may be given again; with the time and the size of the content it does.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mountcloud.model.ids import NodeId
from mountcloud.model.places import Place, Places
from mountcloud.policy.renames import Sighting, renames
from mountcloud.providers.smartfile.facts import Binding, facts_of, fresh_version
from mountcloud.providers.smartfile.wire import Entry, parsed

NUMBERS = "numbers"
"""The note in the book of places that tells what a move does to a number: "kept", "changed"."""
_MOST = 4096
"""Nodes that are remembered although no list shows them any more."""


def mark_of(entry: Entry) -> str:
    """What the service shows of a node wherever it is."""
    return f"{entry.number} {entry.token.text}"


def _sure(mark: str) -> str:
    """The mark, if it has a number."""
    return "" if mark.startswith(" ") else mark


def _likely(mark: str, *, is_directory: bool) -> str:
    """The content's time and size alone, which tell something unless that is empty."""
    content = mark.partition(" ")[2]
    return "" if is_directory or content.endswith(";0") else content


class Trails:
    """The moves of one account."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._left: OrderedDict[str, Place] = OrderedDict()

    def learn(self, before: Entry, now: Entry) -> None:
        """A move of our own."""
        if before.number and now.number:
            seen = "kept" if before.number == now.number else "changed"
            if self._places.note(NUMBERS) != seen:
                self._places.set_note(NUMBERS, seen)

    def is_sure(self, mark: str) -> bool:
        """True if what has this mark has it wherever it is moved."""
        return bool(_sure(mark)) and self._places.note(NUMBERS) != "changed"

    def bearer(self, mark: str) -> NodeId | None:
        """The one node in the book that has this mark."""
        found = self._places.marked(_sure(mark))
        return found[0].id if len(found) == 1 else None

    def candidate(self, entry: Entry) -> Place | None:
        """The one node in the book that is what is shown here, wherever it was."""
        found = self._places.marked(_sure(mark_of(entry)))
        return found[0] if len(found) == 1 and found[0].is_directory == entry.is_directory else None

    def within(self, known: Mapping[str, Place], entries: Sequence[Entry]) -> dict[str, Place]:
        """New name -> the node that had another one in this directory.

        Without numbers it is likely and no more: such a node keeps its id, but not its version.
        """
        still = {name: place for name, place in known.items() if place.aim is None}
        before = [Sighting(name, each.is_directory, _sure(each.mark)) for name, each in known.items()]
        after = [Sighting(each.name, each.is_directory, _sure(mark_of(each))) for each in entries]
        found = {new: still[old] for new, old in renames(before, after).items() if old in still}
        if self._places.note(NUMBERS) != "kept":
            taken = {each.name for each in found.values()}
            guessed = {new: still[old] for new, old in _guessed(known, entries).items() if old in still}
            found |= {
                new: _in_doubt(each) for new, each in guessed.items() if new not in found and each.name not in taken
            }
        return found

    def lost(self, gone: Iterable[Place]) -> None:
        """No list shows these any more; they may come back elsewhere, with all that is below them."""
        for place in gone:
            if _sure(place.mark):
                self._left[place.mark] = place
            self.lost(self._places.below(place.id))
        while len(self._left) > _MOST:
            self._left.popitem(last=False)

    def returned(self, entry: Entry) -> Place | None:
        """A node that was lost, and is what is shown here."""
        place = self._left.get(_sure(mark_of(entry)))
        if place is None or place.is_directory != entry.is_directory or self._places.get(place.id) is not None:
            return None
        return self._left.pop(place.mark)


def _guessed(known: Mapping[str, Place], entries: Sequence[Entry]) -> Mapping[str, str]:
    before = [
        Sighting(name, each.is_directory, _likely(each.mark, is_directory=each.is_directory))
        for name, each in known.items()
    ]
    after = [
        Sighting(each.name, each.is_directory, _likely(mark_of(each), is_directory=each.is_directory))
        for each in entries
    ]
    return renames(before, after)


def _in_doubt(place: Place) -> Place:
    """No content that was seen before is taken for what it has now."""
    token = parsed(place.mark.partition(" ")[2])
    assert token is not None  # the mark was likely
    facts = facts_of(place.facts)
    binding = facts.binding(token)
    doubtful = Binding(token, fresh_version(token), None if binding is None else binding.mtime_ns)
    return replace(place, facts=facts.bound(doubtful).text)
