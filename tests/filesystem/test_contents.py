"""The bytes of one file, whatever is written where and through which handle."""

import os
import random
from pathlib import Path

import pytest

from tests.filesystem.steps import content, mapped, read_file, write_file, write_mapped
from tests.filesystem.tree import Tree


@pytest.mark.semantics("file-truncate")
def test_truncating_to_a_smaller_size(tree: Tree) -> None:
    data, sizes = content(1, (1 << 20) + 17), [0, 1, 4095, 5000, 131_072, 1 << 20]
    for size in sizes:
        tree.do(write_file, tree.path / f"{size}", data)
    tree.fresh_view()
    for size in sizes:
        tree.do(os.truncate, tree.path / f"{size}", size)
        assert tree.do(os.stat, tree.path / f"{size}").st_size == size
    for _ in range(2):
        assert [tree.do(read_file, tree.path / f"{size}") for size in sizes] == [data[:size] for size in sizes]
        tree.fresh_view()


@pytest.mark.semantics("file-truncate")
def test_truncating_to_a_larger_size_adds_zeros(tree: Tree) -> None:
    sizes = [6, 4096, 300_000]
    for size in sizes:
        tree.do(write_file, tree.path / f"{size}", b"short")
    tree.fresh_view()
    for size in sizes:
        tree.run("truncate", "-s", str(size), tree.path / f"{size}")
    for _ in range(2):
        for size in sizes:
            assert tree.do(read_file, tree.path / f"{size}") == b"short" + bytes(size - 5)
        tree.fresh_view()


def test_what_was_cut_off_does_not_come_back(tree: Tree) -> None:
    file = tree.path / "file"
    fd = tree.do(os.open, file, os.O_RDWR | os.O_CREAT, 0o644)
    tree.do(os.pwrite, fd, b"S" * 10_000, 0)
    tree.do(os.ftruncate, fd, 100)
    tree.do(os.ftruncate, fd, 10_000)
    assert tree.do(os.pread, fd, 20_000, 0) == b"S" * 100 + bytes(9_900)
    tree.do(os.close, fd)
    tree.fresh_view()
    assert tree.do(read_file, file) == b"S" * 100 + bytes(9_900)


def test_holes_read_as_zeros(tree: Tree) -> None:
    file = tree.path / "sparse"
    fd = tree.do(os.open, file, os.O_RDWR | os.O_CREAT, 0o644)
    tree.do(os.pwrite, fd, b"far", 5_000_001)
    tree.do(os.pwrite, fd, b"near", 70_001)
    assert tree.do(os.fstat, fd).st_size == 5_000_004
    assert tree.do(os.pread, fd, 10, 70_000) == b"\0near" + bytes(5)
    tree.do(os.close, fd)
    expected = bytearray(5_000_004)
    expected[70_001:70_005], expected[5_000_001:] = b"near", b"far"
    tree.fresh_view()
    assert tree.do(read_file, file) == bytes(expected)


def play(path: Path, seed: int, rounds: int, model: bytearray) -> bytearray:
    """Random positioned writes, reads and truncations through one handle, each compared with a model."""
    chance = random.Random(seed)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        for _ in range(rounds):
            _move(chance, fd, model)
            assert os.fstat(fd).st_size == len(model)
    finally:
        os.close(fd)
    return model


def _move(chance: random.Random, fd: int, model: bytearray) -> None:
    offset, size = chance.randrange(400_000), chance.choice([1, 7, 4095, 4097, 50_001])
    kind = chance.choice(["write", "write", "read", "read", "read", "truncate", "sync"])
    if kind == "write":
        data = chance.randbytes(size)
        assert os.pwrite(fd, data, offset) == size
        model.extend(bytes(max(0, offset - len(model))))
        model[offset : offset + size] = data
    elif kind == "read":
        assert os.pread(fd, size, offset) == model[offset : offset + size], f"{size} bytes at {offset}"
    elif kind == "truncate":
        os.ftruncate(fd, offset)
        del model[offset:]
        model.extend(bytes(offset - len(model)))
    else:
        os.fsync(fd)


@pytest.mark.semantics("file-modes")
def test_odd_offsets_against_a_model(tree: Tree) -> None:
    models = {seed: bytearray() for seed in (1, 2, 3)}
    for turn in range(3):
        for seed, before in models.items():
            models[seed] = after = tree.do(play, tree.path / f"{seed}", 10 * seed + turn, 120, before)
            assert tree.do(read_file, tree.path / f"{seed}") == bytes(after)
        tree.fresh_view()
    for seed, model in models.items():
        assert tree.do(read_file, tree.path / f"{seed}") == bytes(model)


def test_reading_at_and_behind_the_end(tree: Tree) -> None:
    files = {tree.path / f"{size}": content(4, size) for size in (1, 4096, 4097, (1 << 20) + 5)}
    for file, data in files.items():
        tree.do(write_file, file, data)
    tree.fresh_view()
    for file, data in files.items():
        fd, size = tree.do(os.open, file, os.O_RDONLY), len(data)
        assert tree.do(os.pread, fd, 100, size - 1) == data[-1:]
        assert tree.do(os.pread, fd, 100, size) == b""
        assert tree.do(os.pread, fd, 100, size + 10_000) == b""
        assert tree.do(os.pread, fd, size + 1, 0) == data
        tree.do(os.close, fd)


@pytest.mark.semantics("file-coherent")
def test_two_handles_see_each_others_writes(tree: Tree) -> None:
    file, other = tree.path / "file", tree.caller()
    tree.do(write_file, file, b"0123456789")
    tree.settle()
    mine, theirs = tree.do(os.open, file, os.O_RDWR), other(os.open, file, os.O_RDWR)
    tree.do(os.pwrite, mine, b"AA", 0)
    assert other(os.pread, theirs, 100, 0) == b"AA23456789"
    other(os.pwrite, theirs, b"ZZZ", 9)
    assert tree.do(os.pread, mine, 100, 0) == b"AA2345678ZZZ"
    assert tree.do(os.fstat, mine).st_size == 12
    other(os.ftruncate, theirs, 4)
    assert tree.do(os.pread, mine, 100, 0) == b"AA23"
    tree.do(os.close, mine)
    other(os.pwrite, theirs, b"!", 4)
    other(os.close, theirs)
    tree.fresh_view()
    assert tree.do(read_file, file) == b"AA23!"


def test_another_process_reads_at_once_what_was_closed(tree: Tree) -> None:
    file, reader = tree.path / "file", tree.caller()
    for number in range(30):
        data = content(number, 1 + 3_001 * (number % 5))
        tree.do(write_file, file, data)
        assert reader(read_file, file) == data
    tree.fresh_view()
    assert tree.do(read_file, file) == data


def test_an_open_reader_sees_the_same_file_grow(tree: Tree) -> None:
    file, reader = tree.path / "log", tree.caller()
    tree.do(write_file, file, b"")
    fd = reader(os.open, file, os.O_RDONLY)
    for line in (b"one\n", b"two\n", b"three\n"):
        tree.do(write_file, file, line, os.O_WRONLY | os.O_APPEND)
        assert reader(os.read, fd, 100) == line
    reader(os.close, fd)


@pytest.mark.semantics("file-coherent")
def test_readers_see_what_a_program_that_only_writes_has_written(tree: Tree) -> None:
    file, reader, data = tree.path / "file", tree.caller(), bytearray()
    writing = tree.do(os.open, file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    tree.do(os.write, writing, b"begun ")
    data += b"begun "
    early = reader(os.open, file, os.O_RDONLY)
    for number in range(12):
        line = content(number, 1 + 1_701 * (number % 4))
        assert reader(os.pread, early, 100_000, 0) == bytes(data)
        assert reader(mapped, file) == bytes(data)
        tree.do(os.write, writing, line)
        data += line
    tree.do(os.pwrite, writing, b"again", 3)
    data[3:8] = b"again"
    assert reader(os.pread, early, 100_000, 0) == bytes(data)
    tree.do(write_file, file, b" and more", os.O_WRONLY | os.O_APPEND)
    assert reader(os.pread, early, 100_000, 0) == bytes(data) + b" and more"
    tree.do(os.close, writing)
    assert reader(mapped, file) == bytes(data) + b" and more"
    reader(os.close, early)
    tree.fresh_view()
    assert tree.do(read_file, file) == bytes(data) + b" and more"


def test_duplicated_descriptor_closed_twice(tree: Tree) -> None:
    file = tree.path / "file"
    first = tree.do(os.open, file, os.O_WRONLY | os.O_CREAT, 0o644)
    tree.do(os.write, first, b"before ")
    second = tree.do(os.dup, first)
    tree.do(os.write, second, b"between ")
    tree.do(os.close, first)
    tree.settle()
    tree.do(os.write, second, b"after")
    tree.do(os.close, second)
    assert tree.do(read_file, file) == b"before between after"
    tree.fresh_view()
    assert tree.do(read_file, file) == b"before between after"


def write_with_a_child(path: Path) -> None:
    """A child inherits the descriptor, writes and exits; then the parent writes on."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, b"parent ")
    if not (child := os.fork()):
        os.write(fd, b"child ")
        os._exit(0)
    os.waitpid(child, 0)
    os.write(fd, b"parent again")
    os.close(fd)


def test_a_child_process_shares_the_handle(tree: Tree) -> None:
    tree.do(write_with_a_child, tree.path / "file")
    tree.fresh_view()
    assert tree.do(read_file, tree.path / "file") == b"parent child parent again"


@pytest.mark.semantics("file-mmap")
def test_mapped_reading(tree: Tree) -> None:
    file, data = tree.path / "file", content(9, (3 << 20) + 77)
    tree.do(write_file, file, data)
    assert tree.do(mapped, file) == data
    tree.fresh_view()
    assert tree.do(mapped, file) == data


@pytest.mark.semantics("file-mmap")
def test_mapped_writing(tree: Tree) -> None:
    file, data = tree.path / "file", bytearray(content(8, 200_000))
    tree.do(write_file, file, bytes(data))
    tree.fresh_view()
    tree.do(write_mapped, file, 100_001, b"through the mapping")
    data[100_001:100_020] = b"through the mapping"
    assert tree.do(read_file, file) == bytes(data)
    tree.fresh_view()
    assert tree.do(read_file, file) == bytes(data)
