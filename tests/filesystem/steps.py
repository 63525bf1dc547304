"""What a ``Caller`` does in one go; every function here runs in a process of its own."""

import hashlib
import mmap
import os
import random
from pathlib import Path

PIECE = 1 << 20


def content(seed: int, size: int) -> bytes:
    """Bytes that differ for every seed and do not repeat, so that misplaced ones are noticed."""
    return random.Random(seed).randbytes(size)


def write_file(path: Path, data: bytes, flags: int = os.O_WRONLY | os.O_CREAT | os.O_TRUNC) -> None:
    """Open, write everything, close."""
    fd = os.open(path, flags, 0o644)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)


def write_and_sync(path: Path, data: bytes, flags: int = os.O_WRONLY | os.O_CREAT | os.O_TRUNC) -> None:
    """Open, write everything, fsync, close."""
    fd = os.open(path, flags, 0o644)
    try:
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)


def write_and_date(path: Path, data: bytes, mtime_s: int) -> None:
    """Open, write everything, set a time (seconds since the epoch) through the descriptor, close."""
    with path.open("wb", buffering=0) as file:
        write_all(file.fileno(), data)
        os.utime(file.fileno(), (mtime_s, mtime_s))


def write_all(fd: int, data: bytes) -> None:
    """Write at the descriptor's position."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def read_file(path: Path) -> bytes:
    """Open, read everything, close."""
    return path.read_bytes()


def names(path: Path) -> list[str]:
    """The sorted names in a directory, repeated ones too."""
    return sorted(entry.name for entry in path.iterdir())


def digest(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    sha = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            sha.update(piece)
    return sha.hexdigest()


def write_large(path: Path, seed: int, pieces: int) -> str:
    """Write that many MiB; the SHA-256 of them."""
    source = random.Random(seed)
    sha = hashlib.sha256()
    with path.open("wb", buffering=0) as file:
        for _ in range(pieces):
            piece = source.randbytes(PIECE)
            sha.update(piece)
            file.write(piece)
    return sha.hexdigest()


def write_then_append(path: Path, seed: int, size: int) -> None:
    """Write a file in three openings of uneven length."""
    data = content(seed, size)
    first, second = size // 3, size // 2 + 1
    write_file(path, data[:first])
    write_file(path, data[first:second], os.O_WRONLY | os.O_APPEND)
    write_file(path, data[second:], os.O_WRONLY | os.O_APPEND)


def mapped(path: Path) -> bytes:
    """The content, read through a shared read-only mapping from its end to its start."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        starts = reversed(range(0, len(memory), PIECE))
        return b"".join(reversed([memory[start : start + PIECE] for start in starts]))


def write_mapped(path: Path, offset: int, data: bytes) -> None:
    """Change bytes through a shared mapping."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[offset : offset + len(data)] = data
        memory.flush()


def make_many(directory: Path, count: int) -> None:
    """Make small files; each holds its own name."""
    for number in range(count):
        write_file(directory / f"file-{number:04}", f"I am file-{number:04}\n".encode())


def wrong_ones(directory: Path, count: int) -> list[str]:
    """The names of ``make_many`` whose content is not what was written."""
    expected = {f"file-{number:04}": f"I am file-{number:04}\n".encode() for number in range(count)}
    return [name for name, data in expected.items() if read_file(directory / name) != data]


def come_and_go(directory: Path, rounds: int) -> None:
    """Add and remove files beside others."""
    for number in range(rounds):
        write_file(directory / f"passing-{number}", b"x")
        if number >= 10:
            (directory / f"passing-{number - 10}").unlink()


def make_deep(directory: Path, levels: int, data: bytes) -> Path:
    """Make directories in one another and a file in the last."""
    for level in range(levels):
        directory = directory / f"level-{level}"
        directory.mkdir()
    write_file(directory / "bottom", data)
    return directory / "bottom"
