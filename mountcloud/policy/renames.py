"""Two lists of one directory: what vanished under one name and appeared under another was renamed, if it is sure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sighting:
    """One name in a list. ``mark`` is what the service shows of the node that outlives a rename, empty for nothing."""

    name: str
    is_directory: bool
    mark: str


def renames(before: Iterable[Sighting], after: Iterable[Sighting]) -> Mapping[str, str]:
    """New name -> old name, of two lists of the same directory.

    A mark counts only if one node had it before and one has it now: of several that look the same nobody can tell
    which became which. A name that stayed, with a node of the same kind, is never the old or the new name of another.
    """
    old = {each.name: each for each in before}
    new = {each.name: each for each in after}
    stayed = {name for name, each in new.items() if name in old and old[name].is_directory == each.is_directory}
    left = _only(old.values())
    came = _only(new.values())
    found = {mark: (name, left[mark]) for mark, name in came.items() if mark in left}
    return {name: was for name, was in found.values() if name not in stayed and was not in stayed}


def _only(sightings: Iterable[Sighting]) -> dict[tuple[bool, str], str]:
    """The names of nodes whose mark no other has."""
    marked = {each.name: (each.is_directory, each.mark) for each in sightings if each.mark}
    count = Counter(marked.values())
    return {mark: name for name, mark in marked.items() if count[mark] == 1}
