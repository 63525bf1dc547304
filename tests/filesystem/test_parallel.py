"""Several processes at once, and large files."""

import hashlib
import os
from pathlib import Path

from tests.filesystem.steps import content, digest, mapped, names, read_file, write_file, write_large, write_then_append
from tests.filesystem.tree import Tree


def read_again_and_again(path: Path, times: int) -> set[bytes]:
    """Every content that was seen."""
    return {read_file(path) for _ in range(times)}


def write_many(directory: Path, writer: int, count: int) -> None:
    """Files of all lengths, each written in several openings."""
    for number in range(count):
        write_then_append(directory / f"{writer}-{number}", 100 * writer + number, 1 + 70_001 * (number % 4))


def test_five_readers_and_five_writers(tree: Tree) -> None:
    shared = content(7, (2 << 20) + 3)
    tree.do(write_file, tree.path / "shared", shared)
    tree.fresh_view()
    readers, writers = [tree.caller() for _ in range(5)], [tree.caller() for _ in range(5)]
    for number, writer in enumerate(writers):
        writer.start(write_many, tree.path, number, 12)
    for reader in readers:
        reader.start(read_again_and_again, tree.path / "shared", 8)
    assert [reader.result() for reader in readers] == [{shared}] * 5
    for writer in writers:
        writer.result()
    assert_written(tree)
    tree.fresh_view()
    assert_written(tree)


def assert_written(tree: Tree) -> None:
    """Every file of every writer, byte for byte."""
    expected = [(writer, number) for writer in range(5) for number in range(12)]
    assert tree.do(names, tree.path) == sorted([f"{writer}-{number}" for writer, number in expected] + ["shared"])
    for writer, number in expected:
        data = content(100 * writer + number, 1 + 70_001 * (number % 4))
        assert tree.do(read_file, tree.path / f"{writer}-{number}") == data, f"file {writer}-{number}"


def append_records(path: Path, writer: int, count: int) -> None:
    """One open handle, many appended records of one write each."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for number in range(count):
        os.write(fd, f"{writer}:{number:04};".encode())
    os.close(fd)


def test_appending_processes_lose_no_record(tree: Tree) -> None:
    file = tree.path / "log"
    tree.do(write_file, file, b"")
    callers = [tree.caller() for _ in range(4)]
    for number, caller in enumerate(callers):
        caller.start(append_records, file, number, 150)
    for caller in callers:
        caller.result()
    tree.fresh_view()
    records = tree.do(read_file, file).decode().split(";")[:-1]
    assert sorted(records) == sorted(f"{writer}:{number:04}" for writer in range(4) for number in range(150))


def rename_back_and_forth(directory: Path, rounds: int) -> None:
    """Replace a file by rename, again and again."""
    for number in range(rounds):
        write_file(directory / "new", f"{number:06}".encode() * 1000)
        (directory / "new").rename(directory / "file")


def test_readers_see_whole_versions_only(tree: Tree) -> None:
    tree.do(write_file, tree.path / "file", b"000000" * 1000)
    writer, reader = tree.caller(), tree.caller()
    writer.start(rename_back_and_forth, tree.path, 120)
    seen: set[bytes] = set()
    while not writer.finished() or not seen:
        seen |= reader(read_again_and_again, tree.path / "file", 5)
    writer.result()
    assert all(len(data) == 6000 and data == data[:6] * 1000 for data in seen)
    tree.fresh_view()
    assert tree.do(read_file, tree.path / "file") == b"000119" * 1000
    assert tree.do(names, tree.path) == ["file"]


def test_a_large_file_comes_back_whole(tree: Tree) -> None:
    file = tree.path / "large.bin"
    expected = tree.do(write_large, file, 1, 100)
    assert tree.run("sha256sum", file).split()[0] == expected
    tree.fresh_view()
    assert tree.do(os.stat, file).st_size == 100 << 20
    assert tree.run("sha256sum", file).split()[0] == expected


def sampled(path: Path, offsets: list[int], size: int) -> list[bytes]:
    """Short reads at the given places, in the given order, before anything else was read."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return [os.pread(fd, size, offset) for offset in offsets]
    finally:
        os.close(fd)


def test_random_reads_of_a_large_file(tree: Tree) -> None:
    file, size = tree.path / "large.bin", 24 << 20
    data = content(3, size)
    tree.do(write_file, file, data)
    tree.fresh_view()
    offsets = [(number * 7_919_003) % size for number in range(200)]
    expected = [data[offset : offset + 5_000] for offset in offsets]
    assert tree.do(sampled, file, offsets, 5_000) == expected
    assert tree.do(digest, file) == hashlib.sha256(data).hexdigest()


def test_several_processes_read_a_large_file_at_once(tree: Tree) -> None:
    file, data = tree.path / "large.bin", content(5, 16 << 20)
    tree.do(write_file, file, data)
    tree.fresh_view()
    callers = [tree.caller() for _ in range(5)]
    for number, caller in enumerate(callers):
        caller.start(mapped if number % 2 else read_file, file)
    assert all(caller.result() == data for caller in callers)
