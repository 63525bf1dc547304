"""Random operations on two directories in step: what one answers, the other must answer too."""

import errno
import os
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SAME = {errno.EEXIST: errno.ENOTEMPTY}
"""rename(2) allows either number for a full directory; elsewhere the two cannot be confused with one another."""

DIRECTORIES = ["", "a/", "b/", "a/c/"]
NAMES = ["a", "b", "c", "d", "e"]
HANDLES = ["h1", "h2", "h3"]


@dataclass(frozen=True, slots=True)
class Step:
    """One operation; ``path`` and ``other`` are relative, ``handle`` names an open file."""

    kind: str
    path: str = ""
    other: str = ""
    handle: str = ""
    offset: int = 0
    data: bytes = b""

    def __repr__(self) -> str:
        words = [f"{self.kind} {self.handle or self.path!r}", self.other and f"to {self.other!r}"]
        return " ".join([*filter(None, words), f"at {self.offset}", f"{len(self.data)} bytes"])


def steps(seed: int, count: int) -> list[Step]:
    """That many random steps; the same ones for the same seed."""
    chance = random.Random(seed)
    kinds = [
        *["create", "create", "write", "append", "truncate", "rename", "rename", "rename", "unlink", "mkdir", "mkdir"],
        *["rmdir", "read", "read", "list", "size", "open", "open", "handle write", "handle read", "handle close"],
        *["handle truncate", "handle sync"],
    ]
    return [_step(chance, chance.choice(kinds)) for _ in range(count)]


def _step(chance: random.Random, kind: str) -> Step:
    return Step(
        kind,
        path=_path(chance),
        other=_path(chance) if kind == "rename" else "",
        handle=chance.choice(HANDLES) if kind == "open" or kind.startswith("handle") else "",
        offset=chance.choice([0, 0, 1, 4095, 4096, 10_001, 200_000]),
        data=chance.randbytes(chance.choice([0, 1, 10, 4096, 20_000])),
    )


def _path(chance: random.Random) -> str:
    return chance.choice(DIRECTORIES) + chance.choice(NAMES)


class Walker:
    """Performs steps below one directory, in the process that it lives in."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[str, int] = {}

    def perform(self, step: Step) -> object:
        """What the step gave: a value, or an error number by name."""
        try:
            return self._perform(step)
        except OSError as error:
            number = error.errno or 0
            return errno.errorcode[SAME.get(number, number) if step.kind in {"rename", "rmdir"} else number]

    def close(self) -> None:
        """Close every handle."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _perform(self, step: Step) -> object:
        if step.handle:
            return self._with_handle(step)
        path = self._root / step.path
        match step.kind:
            case "create":
                return self._write(path, os.O_CREAT | os.O_EXCL, 0, step.data)
            case "write":
                return self._write(path, 0, step.offset, step.data)
            case "append":
                return self._write(path, os.O_APPEND | os.O_CREAT, 0, step.data)
            case "truncate":
                os.truncate(path, step.offset)
            case "rename":
                path.rename(self._root / step.other)
            case "read":
                return path.read_bytes()
            case "list":
                return sorted(entry.name for entry in path.iterdir())
            case "size":
                return path.is_dir() or path.stat().st_size
            case _:
                getattr(os, step.kind)(path)
        return None

    def _write(self, path: Path, flags: int, offset: int, data: bytes) -> int:
        fd = os.open(path, flags | os.O_WRONLY, 0o644)
        try:
            return os.pwrite(fd, data, offset)
        finally:
            os.close(fd)

    def _with_handle(self, step: Step) -> object:
        if step.kind == "open":
            fd = os.open(self._root / step.path, os.O_RDWR | (os.O_CREAT if step.offset else 0), 0o644)
            os.close(self._open.pop(step.handle)) if step.handle in self._open else None
            self._open[step.handle] = fd
            return os.fstat(fd).st_size
        if step.handle not in self._open:
            return "not open"
        fd = self._open[step.handle]
        match step.kind:
            case "handle write":
                return os.pwrite(fd, step.data, step.offset), os.fstat(fd).st_size
            case "handle read":
                return os.pread(fd, 30_000, step.offset)
            case "handle truncate":
                os.ftruncate(fd, step.offset)
            case "handle sync":
                os.fsync(fd)
            case _:
                os.close(self._open.pop(step.handle))
        return os.fstat(fd).st_size if step.handle in self._open else None


def snapshot(root: Path) -> dict[str, bytes | None]:
    """Everything below: the content of each file, None for each directory."""
    found = sorted(root.rglob("*"))
    return {str(entry.relative_to(root)): None if entry.is_dir() else entry.read_bytes() for entry in found}


def tally(walk: list[tuple[Step, object]]) -> Counter[str]:
    """How often each kind of step had which kind of outcome."""
    return Counter(f"{step.kind}: {answer if isinstance(answer, str) else 'done'}" for step, answer in walk)
