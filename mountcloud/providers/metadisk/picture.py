"""What one list of a bucket means: a tree of names, each with the content that it stands for. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mountcloud.providers.metadisk.names import Kind, Path, meaning_of
from mountcloud.providers.metadisk.wire import Entry


@dataclass(frozen=True, slots=True)
class Held:
    """One name of one content. ``note`` is the hash of the note that gives it the name, empty where the entry does."""

    path: Path
    hash: str
    size: int
    note: str = ""


class Picture:
    """A bucket at one moment; ``moment`` is the count of changes made here when it was asked for."""

    def __init__(self, entries: Iterable[Entry], moment: int = 0) -> None:
        self.moment = moment
        self.objects = {each.hash: each for each in entries}
        self._names: dict[Path, list[Held]] = {}
        self._of_content: dict[str, list[Held]] = {}
        self._directories: dict[Path, set[str]] = {(): set()}
        self._files: dict[Path, set[str]] = {}
        self._noted: set[Path] = set()
        self._idle: dict[str, list[str]] = {}
        aliases = [held for entry in self.objects.values() for held in self._read(entry)]
        for held in aliases:
            self._add_alias(held)

    def _read(self, entry: Entry) -> Iterator[Held]:
        """Take in an entry; a second name is given back, for when all contents are known."""
        meaning = meaning_of(entry.name, entry.hash)
        if meaning.kind is Kind.ALIAS:
            yield Held(meaning.path, meaning.target, 0, note=entry.hash)
        elif meaning.kind is Kind.DIRECTORY:
            self._noted.add(meaning.path)
            self._add_directory(meaning.path)
        else:
            self._add(Held(meaning.path, entry.hash, entry.size))

    def _add_alias(self, held: Held) -> None:
        """A name of what is gone, or one that the content has anyhow, says nothing."""
        target = self.objects.get(held.hash)
        if target is not None and all(each.path != held.path for each in self.names_of(held.hash)):
            self._add(Held(held.path, held.hash, target.size, held.note))
        else:
            self._idle.setdefault(held.hash, []).append(held.note)

    def _add(self, held: Held) -> None:
        self._add_directory(held.path[:-1])
        self._names.setdefault(held.path, []).append(held)
        self._of_content.setdefault(held.hash, []).append(held)
        self._files.setdefault(held.path[:-1], set()).add(held.path[-1])

    def _add_directory(self, path: Path) -> None:
        fresh: list[Path] = []
        while path not in self._directories:
            fresh.append(path)
            self._directories[path] = set()
            path = path[:-1]
        for each in fresh:
            self._directories[each[:-1]].add(each[-1])

    def at(self, path: Path) -> Sequence[Held]:
        """All files of this name: others may have given several contents the same."""
        return self._names.get(path, ())

    def names_of(self, content: str) -> Sequence[Held]:
        """All names of a content; the first is the entry's own, unless that is a note."""
        return self._of_content.get(content, ())

    def idle_notes(self, content: str) -> Sequence[str]:
        """Notes that give a content no name now, and would do so again if it came back, or lost the one it has."""
        return self._idle.get(content, ())

    def is_directory(self, path: Path) -> bool:
        """True if the directory is noted, or anything is in it."""
        return path in self._directories

    def is_noted(self, path: Path) -> bool:
        """True if the directory is there even with nothing in it; the bucket itself always is."""
        return not path or path in self._noted

    def is_taken(self, path: Path) -> bool:
        """True if a file or directory has the name."""
        return bool(self.at(path)) or self.is_directory(path)

    def files(self, path: Path) -> Iterator[Held]:
        """The files right in a directory."""
        for name in self._files.get(path, ()):
            yield from self.at((*path, name))

    def directories(self, path: Path) -> Sequence[str]:
        """The names of the directories right in a directory."""
        return sorted(self._directories.get(path, ()))

    def below(self, path: Path) -> tuple[list[Held], list[Path]]:
        """All files below a directory, and all directories, itself first and each before what is in it."""
        directories = [path]
        for each in directories:
            directories += [(*each, name) for name in self.directories(each)]
        return [held for each in directories for held in self.files(each)], directories
