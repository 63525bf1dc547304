"""Another client with a view of directories: it reads names and notes as ``docs/PROVIDERS.md`` describes them."""

import hashlib
import re
from dataclasses import dataclass, field

from Cryptodome.Hash import RIPEMD160

from tests.metadisk.service import Service


def hash_of(data: bytes) -> str:
    """The name of a content (Metadisk facts, 2)."""
    return RIPEMD160.new(hashlib.sha256(data).hexdigest().encode()).hexdigest()


def note(name: str) -> bytes:
    """What is in the note of this name."""
    return f"A note of mountcloud: {name}\n".encode()


@dataclass(slots=True)
class Outsider:
    """Works in one bucket; ``place`` is a directory in it. Names are plain ones."""

    service: Service
    bucket: str
    place: str = "walk"
    seen: dict[str, bytes] = field(default_factory=dict)

    def _paths(self) -> tuple[dict[str, tuple[str, str]], set[str]]:
        """Of all files in the place the content and the entry that gives the name; and all directories."""
        entries = [(each["filename"], each["hash"]) for each in self._entries()]
        contents, top = {content for _, content in entries}, f"{self.place}/"
        files: dict[str, tuple[str, str]] = {}
        directories: set[str] = set()
        for name, content in entries:
            path = name.replace("%2F", "/")
            alias = re.fullmatch(r"(.+)=([0-9a-f]{40})", path)
            if name.endswith("%2F") and content == hash_of(note(name)):
                directories.add(path.rstrip("/"))
            elif alias is not None and content == hash_of(note(name)):
                files |= {alias[1]: (alias[2], content)} if alias[2] in contents else {}
            else:
                files[path] = (content, content)
        for path in (*files, *tuple(directories)):
            above = path.rpartition("/")[0]
            while above:
                directories.add(above)
                above = above.rpartition("/")[0]
        below = {path.removeprefix(top): found for path, found in files.items() if path.startswith(top)}
        return below, {path.removeprefix(top) for path in directories if path.startswith(top)}

    def _entries(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.service.ok("GET", f"/buckets/{self.bucket}/files")
        return found

    def _content(self, content: str) -> bytes:
        """What has a hash never changes."""
        if content not in self.seen:
            self.seen[content] = self.service.get(self.bucket, content)
            assert hash_of(self.seen[content]) == content
        return self.seen[content]

    def _name(self, path: str) -> str:
        return f"{self.place}/{path}".replace("/", "%2F")

    def _note(self, name: str) -> None:
        self.service.put(self.bucket, name, note(name))

    def files(self) -> dict[str, bytes]:
        """As ``SecondClient.files``; what goes away between two requests makes the look begin again."""
        for _ in range(50):
            try:
                return {path: self._content(content) for path, (content, _) in self._paths()[0].items()}
            except AssertionError as refusal:
                if ": 404 " not in str(refusal):
                    raise
        raise AssertionError("the bucket never holds still")

    def directories(self) -> list[str]:
        """As ``SecondClient.directories``."""
        return ["", *self._paths()[1]]

    def write(self, path: str, data: bytes) -> None:
        """As ``SecondClient.write``: the new content comes, then the old one goes."""
        old = self._paths()[0].get(path)
        self.service.put(self.bucket, self._name(path), data)
        if old is not None and old[1] != hash_of(data):
            self.service.remove(self.bucket, old[1])

    def make_directory(self, path: str) -> None:
        """As ``SecondClient.make_directory``."""
        self._note(self._name(path) + "%2F")

    def move(self, path: str, target: str) -> None:
        """As ``SecondClient.move``."""
        files, directories = self._paths()
        for each in sorted(directories):
            if f"{each}/".startswith(f"{path}/"):
                self.make_directory(target + each.removeprefix(path))
        for each, (content, entry) in files.items():
            if f"{each}/".startswith(f"{path}/"):
                self._move_file(self._name(target + each.removeprefix(path)), content, entry)
        self._forget(path, directories)

    def _move_file(self, name: str, content: str, entry: str) -> None:
        if content == entry:
            self.service.put(self.bucket, name, self._content(content))
        else:
            self._note(f"{name}={content}")
            self.service.remove(self.bucket, entry)

    def _forget(self, path: str, directories: set[str]) -> None:
        known = {each["hash"] for each in self._entries()}
        notes = {hash_of(note(self._name(each) + "%2F")) for each in directories if f"{each}/".startswith(f"{path}/")}
        for each in notes & known:
            self.service.remove(self.bucket, each)

    def remove(self, path: str) -> None:
        """As ``SecondClient.remove``."""
        files, directories = self._paths()
        for each, (_, entry) in files.items():
            if f"{each}/".startswith(f"{path}/"):
                self.service.remove(self.bucket, entry)
        self._forget(path, directories)
