"""System calls of programs that know their trade: they work, or are refused so that the program takes the usual way."""

import ctypes
import errno
import fcntl
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.filesystem.steps import content, make_many, names, read_file, write_file
from tests.filesystem.tree import Tree

_libc = ctypes.CDLL(None, use_errno=True)
REFUSALS = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
"""After which programs do it the old way."""
DATA = content(3, 300_001)


@contextmanager
def opened(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    fd = os.open(path, flags, 0o644)
    try:
        yield fd
    finally:
        os.close(fd)


def copy_by_the_kernel(source: Path, target: Path) -> None:
    """As cp and shutil do, in pieces of odd length, at first from the middle."""
    with opened(source) as come, opened(target, os.O_RDWR | os.O_CREAT) as go:
        for position, end in ((100_000, len(DATA)), (0, 100_000)):
            done = position
            while done < end:
                try:
                    count = os.copy_file_range(come, go, min(77_777, end - done), done, done)
                except OSError:  # some kernels know it between certain disks only, and programs copy by themselves
                    count = os.pwrite(go, os.pread(come, end - done, done), done)
                assert count
                done += count


def send_by_the_kernel(source: Path, target: Path) -> None:
    with opened(source) as come, opened(target, os.O_WRONLY | os.O_CREAT) as go:
        start = 0
        while count := os.sendfile(go, come, start, 99_999):
            start += count


@pytest.mark.semantics("file-calls")
def test_the_kernel_copies(tree: Tree) -> None:
    tree.do(write_file, tree.path / "source", DATA)
    tree.do(copy_by_the_kernel, tree.path / "source", tree.path / "ranges")
    tree.do(send_by_the_kernel, tree.path / "source", tree.path / "sent")
    for settled in (False, True):
        if settled:
            tree.fresh_view()
        assert tree.do(read_file, tree.path / "ranges") == DATA
        assert tree.do(read_file, tree.path / "sent") == DATA


def reserve(path: Path) -> None:
    """The C library makes the bytes itself where the file system does not know how."""
    with opened(path, os.O_RDWR | os.O_CREAT) as fd:
        os.write(fd, b"before")
        os.posix_fallocate(fd, 0, 100_000)
        os.pwrite(fd, b"after", 99_995)


def punch(path: Path) -> int:
    """0, or the number of the refusal."""
    with opened(path, os.O_RDWR) as fd:
        done = _libc.fallocate(fd, 3, ctypes.c_long(4096), ctypes.c_long(4096))
        return ctypes.get_errno() if done else 0


@pytest.mark.semantics("file-calls")
def test_room_is_made_ahead(tree: Tree) -> None:
    tree.do(reserve, tree.path / "file")
    expected = b"before".ljust(99_995, b"\0") + b"after"
    assert tree.do(read_file, tree.path / "file") == expected
    assert tree.do(punch, tree.path / "file") in {0, *REFUSALS}
    tree.fresh_view()
    assert tree.do(read_file, tree.path / "file") == expected


def nameless(directory: Path) -> bytes:
    """Python takes O_TMPFILE, and where that is refused a name that it removes at once."""
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"for nobody")
        file.seek(0)
        assert list(directory.iterdir()) == []
        return file.read()


@pytest.mark.semantics("file-calls")
def test_a_file_without_a_name(tree: Tree) -> None:
    assert tree.do(nameless, tree.path) == b"for nobody"
    assert tree.do(names, tree.path) == []


def exchange(one: Path, other: Path) -> int:
    done = _libc.renameat2(-100, bytes(one), -100, bytes(other), 2)
    return ctypes.get_errno() if done else 0


@pytest.mark.semantics("file-calls")
def test_two_names_are_exchanged_or_stay_as_they_are(tree: Tree) -> None:
    for name in ("one", "two"):
        tree.do(write_file, tree.path / name, name.encode())
    refusal = tree.do(exchange, tree.path / "one", tree.path / "two")
    found = [tree.do(read_file, tree.path / name) for name in ("one", "two")]
    assert found == ([b"one", b"two"] if refusal else [b"two", b"one"])
    assert refusal in {0, *REFUSALS}


def lock(path: Path, how: str) -> int:
    """A descriptor that holds the lock. Raises ``BlockingIOError``."""
    fd = os.open(path, os.O_RDWR)
    if how == "flock":
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)
    return fd


@pytest.mark.semantics("file-calls")
@pytest.mark.parametrize("how", ["flock", "lockf"])
def test_locks_hold_between_programs(tree: Tree, how: str) -> None:
    tree.do(write_file, tree.path / "file", bytes(100))
    other = tree.caller()
    held = tree.do(lock, tree.path / "file", how)
    with pytest.raises(BlockingIOError):
        other(lock, tree.path / "file", how)
    tree.settle()
    with pytest.raises(BlockingIOError):
        other(lock, tree.path / "file", how)
    tree.do(os.close, held)
    other(os.close, other(lock, tree.path / "file", how))


def holes(path: Path) -> list[tuple[int, int]]:
    """Where data begins and ends, as cp and tar ask; the file ends with a hole."""
    with opened(path) as fd:
        found: list[tuple[int, int]] = []
        position = 0
        while True:
            try:
                start = os.lseek(fd, position, os.SEEK_DATA)
            except OSError:  # ENXIO: nothing but a hole follows
                return found
            position = os.lseek(fd, start, os.SEEK_HOLE)
            found.append((start, position))


def make_sparse(path: Path) -> None:
    with opened(path, os.O_WRONLY | os.O_CREAT) as fd:
        os.pwrite(fd, b"x" * 5000, 1 << 20)
        os.ftruncate(fd, 3 << 20)


def test_data_is_found_in_a_file_with_holes(tree: Tree) -> None:
    tree.do(make_sparse, tree.path / "sparse")
    expected = bytes(1 << 20) + b"x" * 5000 + bytes((2 << 20) - 5000)
    for settled in (False, True):
        if settled:
            tree.fresh_view()
        found = tree.do(holes, tree.path / "sparse")
        assert any(start <= 1 << 20 and end >= (1 << 20) + 5000 for start, end in found)
        tree.run("cp", "--sparse=always", tree.path / "sparse", tree.scratch / f"copy-{settled}")
        assert (tree.scratch / f"copy-{settled}").read_bytes() == expected


def write_in_parts(path: Path) -> bytes:
    with opened(path, os.O_RDWR | os.O_CREAT) as fd:
        assert os.writev(fd, [b"one ", b"two ", b"three"]) == 13
        assert os.pwritev(fd, [b"ON", b"E "], 0) == 4
        parts = [bytearray(4), bytearray(9)]
        assert os.preadv(fd, parts, 0) == 13
        return b"".join(parts)


@pytest.mark.semantics("file-calls")
def test_vectors(tree: Tree) -> None:
    assert tree.do(write_in_parts, tree.path / "file") == b"ONE two three"


def read_past_the_cache(path: Path, size: int, direct: int) -> bytes:
    """O_DIRECT wants memory and places in whole blocks."""
    with opened(path, os.O_RDONLY | direct) as fd, mmap.mmap(-1, size) as room:
        count = os.preadv(fd, [room], 0)
        return room[:count]


def write_past_the_cache(path: Path, data: bytes, direct: int) -> None:
    with opened(path, os.O_WRONLY | os.O_CREAT | direct) as fd, mmap.mmap(-1, len(data)) as room:
        room[:] = data
        assert os.pwritev(fd, [room], 0) == len(data)


@pytest.mark.semantics("file-calls")
def test_past_the_cache_of_the_kernel(tree: Tree) -> None:
    data = content(4, 64 * 4096)
    direct = os.O_DIRECT if tree.is_mount else 0  # not every disk of a test machine has it
    tree.do(write_past_the_cache, tree.path / "file", data, direct)
    assert tree.do(read_file, tree.path / "file") == data
    tree.fresh_view()
    assert tree.do(read_past_the_cache, tree.path / "file", 128 * 4096, direct) == data


def share_a_mapping(path: Path) -> bytes:
    """A child writes into the mapping; the parent sees it there, by reading, and after msync."""
    with opened(path, os.O_RDWR) as fd, mmap.mmap(fd, 8192) as shared:
        if not (child := os.fork()):
            shared[4090:4100] = b"from child"
            os._exit(0)
        os.waitpid(child, 0)
        assert shared[4090:4100] == b"from child"
        shared.flush()
        return os.pread(fd, 10, 4090)


def map_and_close(path: Path) -> None:
    """What is written into a mapping after the descriptor was closed arrives too."""
    with opened(path, os.O_RDWR) as fd:
        shared = mmap.mmap(fd, 8192)
    shared[:5] = b"later"
    shared.close()


@pytest.mark.semantics("file-mmap")
def test_mappings_are_shared_and_outlive_the_descriptor(tree: Tree) -> None:
    tree.do(write_file, tree.path / "file", bytes(8192))
    tree.fresh_view()
    assert tree.do(share_a_mapping, tree.path / "file") == b"from child"
    tree.do(map_and_close, tree.path / "file")
    expected = b"later".ljust(4090, b"\0") + b"from child".ljust(4102, b"\0")
    assert tree.do(read_file, tree.path / "file") == expected
    tree.fresh_view()
    assert tree.do(read_file, tree.path / "file") == expected


def truncate_by_name(path: Path, size: int) -> None:
    os.truncate(path, size)


def test_what_is_cut_while_it_is_sent_arrives_cut(tree: Tree) -> None:
    data = content(5, 9 << 20)
    tree.do(write_file, tree.path / "file", data)
    for size in (8 << 20, 5_000_001, 10_000_000):
        tree.do(truncate_by_name, tree.path / "file", size)
    tree.fresh_view()
    assert tree.do(read_file, tree.path / "file") == data[:5_000_001].ljust(10_000_000, b"\0")


def synchronise(directory: Path) -> None:
    with opened(directory / "file") as fd:
        os.fsync(fd)
        os.fdatasync(fd)
    with opened(directory) as fd:
        os.fsync(fd)


def test_descriptors_that_only_read_can_be_synchronised(tree: Tree) -> None:
    tree.do(write_file, tree.path / "file", b"1")
    tree.do(synchronise, tree.path)


def below_descriptors(directory: Path) -> str:
    """All names relative to descriptors, the path itself by O_PATH."""
    with opened(directory, os.O_PATH | os.O_DIRECTORY) as here:
        os.mkdir("a", dir_fd=here)
        with opened(directory / "a", os.O_PATH | os.O_DIRECTORY) as below:
            fd = os.open("file", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=below)
            os.write(fd, b"1")
            os.close(fd)
            os.symlink("file", "link", dir_fd=below)
            os.rename("a", "b", src_dir_fd=here, dst_dir_fd=here)
            assert os.stat("file", dir_fd=below).st_size == 1
            os.unlink("link", dir_fd=below)
            return " ".join(each.name for each in Path(f"/proc/self/fd/{below}").iterdir())


def test_names_relative_to_descriptors(tree: Tree) -> None:
    assert tree.do(below_descriptors, tree.path) == "file"
    assert tree.do(names, tree.path) == ["b"]


def test_a_binary_runs(tree: Tree) -> None:
    tree.run("cp", shutil.which("true") or "/bin/true", tree.path / "program")
    tree.fresh_view()
    tree.run("chmod", "755", tree.path / "program")
    tree.run(tree.path / "program")


class _Dirent(ctypes.Structure):
    _fields_ = (
        *(("d_ino", ctypes.c_uint64), ("d_off", ctypes.c_int64), ("d_reclen", ctypes.c_ushort)),
        *(("d_type", ctypes.c_ubyte), ("d_name", ctypes.c_char * 256)),
    )


def come_back(directory: Path) -> tuple[list[bytes], list[bytes]]:
    """The rest of a directory from a place in its middle, twice."""
    _libc.opendir.restype = ctypes.c_void_p
    _libc.readdir.restype = ctypes.POINTER(_Dirent)
    stream = ctypes.c_void_p(_libc.opendir(bytes(directory)))

    def rest(most: int = 1 << 30) -> list[bytes]:
        found: list[bytes] = []
        while len(found) < most and (entry := _libc.readdir(stream)):
            found.append(entry.contents.d_name)
        return found

    _libc.telldir.restype = ctypes.c_long
    rest(60)
    place = _libc.telldir(stream)
    first = rest()
    _libc.seekdir(stream, ctypes.c_long(place))
    again = rest()
    _libc.closedir(stream)
    return first, again


@pytest.mark.semantics("dir-list")
def test_a_place_in_a_directory_is_found_again(tree: Tree) -> None:
    tree.do(make_many, tree.path, 100)
    first, again = tree.do(come_back, tree.path)
    assert len(first) == 100 + 2 - 60
    assert again == first


NAMES = (
    *(" leading", "it's", "$(touch x)", "`y`", "a b  c", "#&%;=+@!,", ".hidden", "~tilde", "[1]{2}", "ünïcödé"),
    *("e\u0301", "写真", "👩\u200d👧", "\u202eright", "\u00a0nbsp", "x" * 140, "name.tar.gz", "100%", "%2e%2e", "a^b"),
)


def is_taken(path: Path) -> bool:
    """Make a file that holds its own name; False if the service cannot hold that."""
    try:
        write_file(path, path.name.encode())
    except OSError as error:
        return error.errno != errno.EINVAL
    return True


def test_names_that_tempt_programs(tree: Tree) -> None:
    taken = [name for name in NAMES if tree.do(is_taken, tree.path / name)]
    if tree.kind in {"native", "mount-plain", "mount-encrypted"}:
        assert taken == list(NAMES)
    for settled in (False, True):
        if settled:
            tree.fresh_view()
        assert len(tree.do(names, tree.path)) == len(taken)
        for name in taken:
            assert tree.do(read_file, tree.path / name) == name.encode()
    tree.run("sh", "-c", 'for each in * .hidden; do mv -- "$each" "$each.moved"; done', cwd=tree.path)
    assert len(tree.do(names, tree.path)) == len(taken)
    assert list(tree.scratch.iterdir()) == [], "a name was taken for a command"
