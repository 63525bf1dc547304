"""A directory with a bit of everything, made on the native disk."""

import os
from pathlib import Path

from tests.filesystem.steps import content, write_file

SIZES = {"empty": 0, "one": 1, "page-1": 4095, "page": 4096, "mebibyte+1": (1 << 20) + 1, "nine-mebibytes": 9 << 20}
UNICODE = [
    "Übergrößen",
    "naïve café.txt",
    "日本語.txt",
    "Ελληνικά",
    "emoji 🎈.txt",
    "with  two spaces",
    "ünder_score-x.tar.gz",
]
ODD = [".hidden", "a'quote", "percent%20", "hash#tag", "tilde~", "semi;colon", "(round) [square] {curly}", "&amp"]
FIRST_MTIME_NS = 915_148_800_123_000_000  # 1999, with the milliseconds that services keep


def make_sample(directory: Path, *, odd_names: bool = True) -> None:
    """Files of all sizes, names of many kinds, nested and empty directories, and times of their own."""
    _files(directory, list(SIZES.items()))
    for name in UNICODE + (ODD if odd_names else []):
        _files(directory / "names", [(name, len(name))])
    for depth, parent in enumerate(["deep", "deep/er", "deep/er/ünd", "deep/er/ünd/tiefer"]):
        _files(directory / parent, [(f"leaf {depth}", 100 * depth)])
    (directory / "empty directory").mkdir()
    (directory / "one").chmod(0o755)
    _set_times(directory)


def _files(directory: Path, sizes: list[tuple[str, int]]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, size in sizes:
        write_file(directory / name, content(size + 1, size))


def _set_times(directory: Path) -> None:
    entries = sorted(directory.rglob("*"), reverse=True)
    for number, entry in enumerate([*entries, directory]):
        mtime = FIRST_MTIME_NS + number * 86_461_017_000_000
        os.utime(entry, ns=(mtime, mtime))


def times(directory: Path) -> dict[str, int]:
    """Modification times (ns) of everything below, by relative path."""
    return {str(entry.relative_to(directory)): entry.stat().st_mtime_ns for entry in directory.rglob("*")}


def modes(directory: Path) -> dict[str, int]:
    """Permission bits of everything below, by relative path."""
    return {str(entry.relative_to(directory)): entry.stat().st_mode & 0o777 for entry in directory.rglob("*")}
