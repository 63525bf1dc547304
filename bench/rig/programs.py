"""Small programs that use a mount from a process of their own; each prints the seconds that it took."""

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

SEED = 7


def read_at_random(file: str, count: str, size: str) -> None:
    """So many reads of so many bytes at places that are the same for everybody."""
    places, length = random.Random(SEED), Path(file).stat().st_size
    source = os.open(file, os.O_RDONLY)
    for _ in range(int(count)):
        offset = places.randrange(0, length - int(size)) & ~4095
        if len(os.pread(source, int(size), offset)) != int(size):
            raise OSError("a short read")


def stat_all(tree: str, rounds: str) -> None:
    """Ask for the attributes of every file so many times."""
    paths = [f"{place}/{name}" for place, _, names in os.walk(tree) for name in names]
    began = time.monotonic()
    for _ in range(int(rounds)):
        for path in paths:
            os.stat(path)
    raise Took(time.monotonic() - began)


def make_files(tree: str, count: str, size: str) -> None:
    """New files in one directory."""
    data = bytes(int(size))
    Path(tree).mkdir()
    for number in range(int(count)):
        with open(f"{tree}/{number:05}", "wb", buffering=0) as file:
            file.write(data)


def make_directories(tree: str, count: str) -> None:
    """New directories in one."""
    Path(tree).mkdir()
    for number in range(int(count)):
        os.mkdir(f"{tree}/{number:05}")


def rename_all(tree: str) -> None:
    """Give every entry another name."""
    for name in sorted(os.listdir(tree)):
        os.rename(f"{tree}/{name}", f"{tree}/new-{name}")


def unlink_all(tree: str) -> None:
    """Remove all files of a directory."""
    for name in sorted(os.listdir(tree)):
        os.unlink(f"{tree}/{name}")


class Took(Exception):
    """Only a part of the program counts: this many seconds."""


PROGRAMS: dict[str, Callable[..., None]] = {
    each.__name__: each for each in (read_at_random, stat_all, make_files, make_directories, rename_all, unlink_all)
}


def main(name: str, *words: str) -> float:
    """Run it; the seconds."""
    began = time.monotonic()
    try:
        PROGRAMS[name](*words)
    except Took as took:
        return float(took.args[0])
    return time.monotonic() - began


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
