"""The three actors: a program on the mount, a second client of the service, and the network between."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar

from mountcloud.providers.webdav.tree import HIDDEN
from tests.filesystem.steps import read_file, write_file
from tests.mount.service import Refused, Service
from tests.nextcloud.dav import Dav
from tests.webdav.client import Outsider

T = TypeVar("T")


class SecondClient(Protocol):
    """Another program that talks to the service directly. Paths are relative to the place of the walk."""

    def files(self) -> dict[str, bytes]:
        """Everything that is there: contents by path."""

    def directories(self) -> list[str]:
        """All directories, the place itself ("") first."""

    def write(self, path: str, data: bytes) -> None:
        """Create or overwrite a file in one go."""

    def make_directory(self, path: str) -> None:
        """Make a directory."""

    def move(self, path: str, target: str) -> None:
        """Rename and move; ``target`` is free."""

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with everything in it."""


@dataclass(slots=True)
class DracoonClient:
    """Works in one folder of a plain room; looks by node ids, because names change while it looks."""

    service: Service
    room: str
    folder: str

    @property
    def place(self) -> str:
        """Where it works, from the top of the account."""
        return f"/{self.room}/{self.folder}"

    def files(self) -> dict[str, bytes]:
        """As ``SecondClient.files``."""
        return self._patiently(
            lambda: {path: self._content(node) for path, node in self._walk() if node["type"] == "file"}
        )

    def directories(self) -> list[str]:
        """As ``SecondClient.directories``."""
        return self._patiently(lambda: ["", *(path for path, node in self._walk() if node["type"] != "file")])

    def _patiently(self, look: Callable[[], T]) -> T:
        """What goes away between two requests makes the look begin again."""
        for _ in range(50):
            try:
                return look()
            except Refused as refusal:
                if refusal.status != 404:
                    raise
        raise AssertionError("the tree never holds still")

    def _walk(self) -> list[tuple[str, dict[str, Any]]]:
        top = self.service.find(self.place)
        assert top is not None, f"{self.place} is gone"
        found: list[tuple[str, dict[str, Any]]] = []
        queue = [("", top)]
        while queue:
            path, node = queue.pop(0)
            below = [(f"{path}/{child['name']}".lstrip("/"), child) for child in self.service.children(node["id"])]
            found += below
            queue += [(name, child) for name, child in below if child["type"] != "file"]
        return found

    def _content(self, node: dict[str, Any]) -> bytes:
        return self.service.content(node["id"])

    def write(self, path: str, data: bytes) -> None:
        """As ``SecondClient.write``."""
        self.service.upload(f"{self.place}/{path}", data)

    def make_directory(self, path: str) -> None:
        """As ``SecondClient.make_directory``."""
        self.service.make_folder(f"{self.place}/{path}")

    def move(self, path: str, target: str) -> None:
        """As ``SecondClient.move``; renames and moves are two calls, and the new name may be taken in the old place."""
        old, new = PurePosixPath(path), PurePosixPath(target)
        if old.parent == new.parent:
            self.service.rename(f"{self.place}/{old}", new.name)
            return
        passing = f"passing-{new.name}"
        self.service.rename(f"{self.place}/{old}", passing)
        self.service.move(f"{self.place}/{old.parent / passing}", f"{self.place}/{new.parent}")
        self.service.rename(f"{self.place}/{new.parent / passing}", new.name)

    def remove(self, path: str) -> None:
        """As ``SecondClient.remove``."""
        self.service.delete(f"{self.place}/{path}")


@dataclass(slots=True)
class DavClient:
    """Works in one collection of an account of the Nextcloud sandbox."""

    dav: Dav
    place: str

    def files(self) -> dict[str, bytes]:
        """As ``SecondClient.files``."""
        return {path: self.dav.get(f"{self.place}/{path}") for path, is_directory in self._walk("") if not is_directory}

    def directories(self) -> list[str]:
        """As ``SecondClient.directories``."""
        return ["", *(path for path, is_directory in self._walk("") if is_directory)]

    def _walk(self, path: str) -> Iterator[tuple[str, bool]]:
        for each in self.dav.list(f"{self.place}/{path}")[1:]:
            below = f"{path}/{each.name}".lstrip("/")
            yield below, each.directory
            yield from self._walk(below) if each.directory else ()

    def write(self, path: str, data: bytes) -> None:
        """As ``SecondClient.write``."""
        self.dav.put(f"{self.place}/{path}", data)

    def make_directory(self, path: str) -> None:
        """As ``SecondClient.make_directory``."""
        self.dav.ok("MKCOL", f"{self.place}/{path}")

    def move(self, path: str, target: str) -> None:
        """As ``SecondClient.move``."""
        assert self.dav.move(f"{self.place}/{path}", f"{self.place}/{target}", Overwrite="F").is_success

    def remove(self, path: str) -> None:
        """As ``SecondClient.remove``."""
        self.dav.ok("DELETE", f"{self.place}/{path}")


@dataclass(slots=True)
class ServersDisk:
    """Looks at what a plain server serves, and changes it through the server."""

    data: Path
    outsider: Outsider

    def files(self) -> dict[str, bytes]:
        """As ``SecondClient.files``; uploads under way have hidden names, and properties a directory of their own."""
        return {path: (self.data / path).read_bytes() for path, is_directory in self._walk() if not is_directory}

    def directories(self) -> list[str]:
        """As ``SecondClient.directories``."""
        return ["", *(path for path, is_directory in self._walk() if is_directory)]

    def _walk(self) -> Iterator[tuple[str, bool]]:
        for place, directories, files in os.walk(self.data):
            here = Path(place).relative_to(self.data)
            directories[:] = [name for name in directories if name != ".DAV"]
            yield from ((str(here / name), True) for name in directories)
            yield from ((str(here / name), False) for name in files if not name.startswith(HIDDEN))

    def write(self, path: str, data: bytes) -> None:
        """As ``SecondClient.write``."""
        self.outsider.put(path, data)

    def make_directory(self, path: str) -> None:
        """As ``SecondClient.make_directory``."""
        self.outsider.make_directory(path)

    def move(self, path: str, target: str) -> None:
        """As ``SecondClient.move``."""
        self.outsider.move(path, target)

    def remove(self, path: str) -> None:
        """As ``SecondClient.remove``."""
        self.outsider.remove(path)


@dataclass(slots=True)
class Program:
    """What a program does below one directory of a mount; runs in a ``Caller``. Raises what the system calls raise."""

    root: Path

    def read(self, path: str) -> bytes:
        """The whole file."""
        return read_file(self.root / path)

    def listing(self) -> dict[str, bool]:
        """Everything that can be seen: whether it is a directory, by path."""
        found: dict[str, bool] = {}
        for place, directories, files in os.walk(self.root, onerror=_raise):
            here = Path(place).relative_to(self.root)
            found |= {str(here / name): True for name in directories} | {str(here / name): False for name in files}
        return found

    def write(self, path: str, data: bytes) -> None:
        """Open with O_TRUNC, write, close."""
        write_file(self.root / path, data)

    def write_in_place(self, path: str, data: bytes) -> None:
        """As a database does: write over what is there, cut afterwards, close."""
        fd = os.open(self.root / path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.pwrite(fd, data, 0)
            os.ftruncate(fd, len(data))
        finally:
            os.close(fd)

    def save(self, path: str, data: bytes) -> None:
        """As an editor does: write beside, sync, rename over."""
        beside = self.root / f"{path}.new"
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        beside.rename(self.root / path)

    def make_directory(self, path: str) -> None:
        """mkdir(2)."""
        (self.root / path).mkdir()

    def move(self, path: str, target: str) -> None:
        """rename(2)."""
        (self.root / path).rename(self.root / target)

    def unlink(self, path: str) -> None:
        """unlink(2)."""
        (self.root / path).unlink()

    def remove_directory(self, path: str) -> None:
        """rmdir(2)."""
        (self.root / path).rmdir()

    def touch(self, path: str, seconds: int) -> None:
        """utimensat(2)."""
        os.utime(self.root / path, (seconds, seconds))


def _raise(error: OSError) -> None:
    raise error


HONEST: list[dict[str, object]] = [
    {"kind": "status", "status": 401},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "body": "html"},
    {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}},
    {"kind": "drop"},
    {"kind": "lost_reply"},
    {"kind": "cut", "after": 20},
    {"kind": "reset", "after": 20},
    {"kind": "slow", "after": 2000, "seconds": 0.01},
]
"""What networks and tired servers do. None of it says anything of what exists."""

LYING: list[dict[str, object]] = [{"kind": "status", "status": status} for status in (403, 404, 409, 412)]
"""Answers that mean something, given for nothing: they may cost a name or a place, never a content."""

PATHS = ("/nodes", "/uploads", "/nodes/[0-9]+$", "/nodes/files", "move_to", "downloads", "/", "/", "/")
METHODS = ("GET", "POST", "PUT", "", "")


class Line(Protocol):
    """Where trouble is made and counted, as ``tests/sandbox/control.py`` has it."""

    def fault(self, path: str, **fault: object) -> None:
        """One more fault."""

    def faults(self) -> list[dict[str, Any]]:
        """Those in force, with their hits."""

    def clear_faults(self) -> None:
        """No more trouble."""


@dataclass(slots=True)
class Network:
    """Trouble for the daemon's requests, counted in ``met``; the second client has another line."""

    control: Line
    chance: random.Random
    honest: bool
    met: int = 0
    paths: Sequence[str] = PATHS
    methods: Sequence[str] = METHODS

    def trouble(self) -> None:
        """One more fault, for a few requests."""
        kind = self.chance.choice(HONEST if self.honest else [*HONEST, *LYING])
        few = self.chance.randint(1, 6)
        fault = {"agent": "^mountcloud", "method": self.chance.choice(self.methods), "count": few, **kind}
        self.control.fault(self.chance.choice(self.paths), **fault)

    def break_everything(self, count: int) -> None:
        """The next requests, whatever they are, get no answer; what else was wrong is over."""
        self.rest()
        self.control.fault("/", agent="^mountcloud", kind="drop", count=count)

    def broken(self) -> bool:
        """True while the next request would meet trouble."""
        return any(fault["count"] for fault in self.control.faults())

    def rest(self) -> None:
        """No more trouble; ``met`` counts the requests that had some."""
        self.met += sum(int(fault["hits"]) for fault in self.control.faults())
        self.control.clear_faults()
