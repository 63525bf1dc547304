"""Which file had which tag when its directory was last listed: so a file is known again that others renamed there.

A tag that is equal says that size and date are, which is no proof of equal bytes (archives are unpacked with the date
of their making): a file that is known again keeps its id, and no content that was seen under its old name.
"""

import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mountcloud.model.ids import NodeId, Version
from mountcloud.model.places import Place
from mountcloud.policy.renames import Sighting, renames
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.facts import Binding, facts_of, in_doubt
from mountcloud.providers.webdav.wire import Entry

_MOST = 20_000
"""Names that are remembered, some 5 MB of them. After a restart there are none."""


class Sightings:
    """The lists of one account, those seen last."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lists: OrderedDict[NodeId, dict[str, str]] = OrderedDict()
        self._count = 0

    def renamed(self, directory: NodeId, known: Mapping[str, Place], entries: Sequence[Entry]) -> dict[str, Place]:
        """New name -> the place of the file that had another one; ``known`` is what the book has there, by name."""
        seen = self._lists.get(directory, {})
        if seen.keys() <= {each.path[-1] for each in entries}:
            return {}  # nothing vanished
        before = [Sighting(name, each.is_directory, seen.get(name, "")) for name, each in known.items()]
        after = [Sighting(each.path[-1], each.is_directory, _mark(each)) for each in entries]
        by_name = {each.path[-1]: each for each in entries}
        found = {new: known[old] for new, old in renames(before, after).items() if _is_settled(known[old])}
        return {name: _again(place, by_name[name]) for name, place in found.items()}

    def remember(self, directory: NodeId, entries: Sequence[Entry]) -> None:
        """This is what is in the directory now."""
        self._count -= len(self._lists.pop(directory, ()))
        if len(entries) > self._most:
            return
        self._lists[directory] = {each.path[-1]: mark for each in entries if (mark := _mark(each))}
        self._count += len(self._lists[directory])
        while self._count > self._most:
            self._count -= len(self._lists.popitem(last=False)[1])


def _mark(entry: Entry) -> str:
    """The tag with size and date as they were told, empty where they tell nothing: empty files are all alike."""
    tag, size = entry.text(wire.ETAG), entry.text(wire.LENGTH)
    if not tag or size in {"", "0"} or entry.is_directory:
        return ""
    return f"{tag.removeprefix('W/')} {size} {entry.text(wire.MODIFIED)}"


def _is_settled(place: Place) -> bool:
    return place.aim is None and not in_doubt(place.facts)


def _again(place: Place, entry: Entry) -> Place:
    """The file under its new name, at a version that nothing had before."""
    facts, token = facts_of(place.facts), entry.token
    binding = facts.binding(token)
    unseen = Binding(
        token, Version(f"{token.text}#{secrets.token_hex(4)}"), None if binding is None else binding.mtime_ns
    )
    return replace(place, name=entry.path[-1], facts=facts.bound(unseen).text)
