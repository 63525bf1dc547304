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
from mountcloud.providers.webdav import tokens, wire
from mountcloud.providers.webdav.facts import Binding, facts_of, in_doubt
from mountcloud.providers.webdav.wire import Entry

_MOST = 20_000
"""Names that are remembered, some 5 MB of them. After a restart there are none."""


_Told = tuple[str, str, str]
"""The tag of a file, its size and its date, in the server's words."""


class Sightings:
    """The lists of one account, those seen last."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lists: OrderedDict[NodeId, dict[str, _Told]] = OrderedDict()
        self._count = 0

    def renamed(self, directory: NodeId, known: Mapping[str, Place], entries: Sequence[Entry]) -> dict[str, Place]:
        """New name -> the place of the file that had another one; ``known`` is what the book has there, by name."""
        by_name = {each.path[-1]: each for each in entries}
        if known.keys() <= by_name.keys():
            return {}  # nothing vanished
        seen = self._lists.get(directory, {})
        before = [Sighting(name, each.is_directory, _mark(seen.get(name), each)) for name, each in known.items()]
        after = [Sighting(name, each.is_directory, _mark(_told(each))) for name, each in by_name.items()]
        found = {new: known[old] for new, old in renames(before, after).items() if _is_settled(known[old])}
        return {name: _again(place, by_name[name]) for name, place in found.items()}

    def remember(self, directory: NodeId, entries: Sequence[Entry]) -> None:
        """This is what is in the directory now."""
        self._count -= len(self._lists.pop(directory, ()))
        if len(entries) > self._most:
            return
        self._lists[directory] = {each.path[-1]: told for each in entries if (told := _told(each))}
        self._count += len(self._lists[directory])
        while self._count > self._most:
            self._count -= len(self._lists.popitem(last=False)[1])


def _told(entry: Entry) -> _Told | None:
    """None where it tells nothing: empty files are all alike."""
    tag, size = entry.text(wire.ETAG), entry.text(wire.LENGTH)
    if not tag or size in {"", "0"} or entry.is_directory:
        return None
    return tag, size, entry.text(wire.MODIFIED)


def _mark(told: _Told | None, place: Place | None = None) -> str:
    """What was told, or what we know of a file of ours that no list has shown yet."""
    if told is not None:
        return f"{tokens.etag(told[0])};{told[1]};{wire.seconds(told[2])}"
    bindings = facts_of(place.facts).bindings if place is not None else ()
    last = bindings[-1].token if bindings else None
    return last.text if last is not None and last.etag and last.size else ""


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
