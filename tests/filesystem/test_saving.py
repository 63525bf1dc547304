"""How editors save: each in its own way, and each must leave exactly the new text and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.filesystem.steps import names, read_file, write_all, write_and_sync, write_file
from tests.filesystem.tree import Tree

NEW_ONLY = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def vim(file: Path, text: bytes) -> None:
    """Test that the directory is writable, move the old file aside, write a new one, sync it, drop the old one."""
    probe, backup = file.with_name("4913"), file.with_name(file.name + "~")
    write_file(probe, b"", NEW_ONLY)
    probe.unlink()
    file.rename(backup)
    write_and_sync(file, text, NEW_ONLY)
    file.chmod(backup.stat().st_mode & 0o777)
    backup.unlink()


def libre_office(file: Path, text: bytes) -> None:
    """Lock file beside it, temporary file, sync, rename over, unlock."""
    lock, temporary = file.with_name(f".~lock.{file.name}#"), file.with_name("lu12345abcd.tmp")
    write_file(lock, b",somebody,host,20.11.2026 12:00,file:///;", NEW_ONLY)
    write_and_sync(temporary, text, NEW_ONLY)
    temporary.rename(file)
    lock.unlink()


def gedit(file: Path, text: bytes) -> None:
    """GLib: temporary file with the old mode, sync, rename over."""
    temporary = file.with_name(".goutputstream-X1Y2Z3")
    write_file(temporary, b"", NEW_ONLY)
    temporary.chmod(file.stat().st_mode & 0o777)
    write_and_sync(temporary, text, os.O_WRONLY)
    temporary.rename(file)


def keepassxc(file: Path, text: bytes) -> None:
    """Qt's QSaveFile: temporary file in the same directory, read back while open, sync, rename over while open."""
    temporary = file.with_name(file.name + ".Qhlzvx")
    fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(fd, text)
        assert os.pread(fd, len(text) + 1, 0) == text
        os.fsync(fd)
        temporary.rename(file)
    finally:
        os.close(fd)


def emacs(file: Path, text: bytes) -> None:
    """Move the old file to the backup name of last time, and keep it; here it is removed to compare the rest."""
    backup = file.with_name(file.name + "~")
    file.rename(backup)
    write_and_sync(file, text, NEW_ONLY)
    backup.unlink()


def nano(file: Path, text: bytes) -> None:
    """Truncate and write in place."""
    write_file(file, text, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


def shrinking_last(file: Path, text: bytes) -> None:
    """Write over the old bytes, then cut the rest off."""
    fd = os.open(file, os.O_RDWR)
    try:
        os.pwrite(fd, text, 0)
        os.ftruncate(fd, len(text))
        os.fsync(fd)
    finally:
        os.close(fd)


SAVES: list[Callable[[Path, bytes], None]] = [vim, libre_office, gedit, keepassxc, emacs, nano, shrinking_last]


@pytest.fixture
def desks(tree: Tree) -> dict[Path, Callable[[Path, bytes], None]]:
    """For each way to save a directory with a file that is known to the service."""
    made = {tree.path / save.__name__: save for save in SAVES}
    for desk in made:
        tree.do(os.mkdir, desk)
        tree.do(write_file, desk / "letter.txt", b"the first text, longer than the others\n" * 500)
    tree.settle()
    return made


def test_saving(tree: Tree, desks: dict[Path, Callable[[Path, bytes], None]]) -> None:
    for number in range(3):
        text = f"text number {number}\n".encode() * (300 - 50 * number)
        for desk, save in desks.items():
            tree.do(save, desk / "letter.txt", text)
            assert tree.do(read_file, desk / "letter.txt") == text, desk.name
            assert tree.do(names, desk) == ["letter.txt"]
    tree.fresh_view()
    assert [tree.do(names, desk) for desk in desks] == [["letter.txt"]] * len(desks)
    assert {desk.name: tree.do(read_file, desk / "letter.txt") for desk in desks} == {desk.name: text for desk in desks}


def test_saving_again_after_it_arrived(tree: Tree, desks: dict[Path, Callable[[Path, bytes], None]]) -> None:
    for number in range(2):
        tree.fresh_view()
        text = f"save {number}\n".encode() * 20
        for desk, save in desks.items():
            tree.do(save, desk / "letter.txt", text)
        tree.settle()
        assert [tree.do(read_file, desk / "letter.txt") for desk in desks] == [text] * len(desks)
    tree.fresh_view()
    assert [tree.do(names, desk) for desk in desks] == [["letter.txt"]] * len(desks)
    assert {desk.name: tree.do(read_file, desk / "letter.txt") for desk in desks} == {desk.name: text for desk in desks}


VIM = ["nobackup nowritebackup", "backup", "writebackup backupcopy=yes", "backupcopy=no"]


def test_vim_itself(tree: Tree) -> None:
    for settings in VIM:
        tree.do(os.mkdir, tree.path / settings)
        tree.do(write_file, tree.path / settings / "letter.txt", b"old words\n" * 1000)
        commands = [f"set {settings} backupskip= directory=. swapfile", "edit letter.txt", "%s/old/new/", "wq"]
        words = [word for command in commands for word in ("-c", command)]
        tree.run("vim.tiny", "-es", "-N", "-u", "NONE", "-i", "NONE", *words, cwd=tree.path / settings)
    tree.fresh_view()
    for settings in VIM:
        kept = ["letter.txt", "letter.txt~"] if settings == "backup" else ["letter.txt"]
        assert tree.do(names, tree.path / settings) == kept
        assert tree.do(read_file, tree.path / settings / "letter.txt") == b"new words\n" * 1000


def test_appending_lines(tree: Tree) -> None:
    file, script = tree.path / "log.txt", 'for i in 1 2 3 4 5 6 7 8; do echo "$1 $i" >> log.txt; done'
    tree.run("sh", "-c", script, "sh", "first", cwd=tree.path)
    tree.fresh_view()
    tree.run("sh", "-c", script, "sh", "second", cwd=tree.path)
    tree.fresh_view()
    lines = [f"{turn} {number}" for turn in ("first", "second") for number in range(1, 9)]
    assert tree.do(read_file, file).decode().splitlines() == lines


def test_redirections_and_tee(tree: Tree) -> None:
    script = "cat > a.txt && tee b.txt c.txt < a.txt | tee -a d.txt > e.txt && cat c.txt >> a.txt"
    tree.run("sh", "-c", script, cwd=tree.path, stdin="line\n")
    tree.fresh_view()
    assert tree.do(read_file, tree.path / "a.txt") == b"line\nline\n"
    for name in "bcde":
        assert tree.do(read_file, tree.path / f"{name}.txt") == b"line\n"


def test_dd_in_the_middle_and_at_the_end(tree: Tree) -> None:
    file = tree.path / "disk.img"
    tree.run("dd", "if=/dev/zero", f"of={file}", "bs=4096", "count=300", "status=none")
    tree.fresh_view()
    tree.run("dd", f"of={file}", "bs=1", "seek=5000", "conv=notrunc", "status=none", stdin="in the middle")
    tree.run("dd", f"of={file}", "oflag=append", "conv=notrunc", "status=none", stdin="at the end")
    expected = bytearray(4096 * 300)
    expected[5000:5013] = b"in the middle"
    tree.fresh_view()
    assert tree.do(read_file, file) == bytes(expected) + b"at the end"
    assert tree.run("dd", f"if={file}", "bs=1", "skip=5003", "count=10", "status=none") == "the middle"


def test_sed_in_place_and_sort_onto_itself(tree: Tree) -> None:
    file = tree.path / "words.txt"
    tree.do(write_file, file, b"pear\napple\nplum\n")
    tree.run("sed", "-i", "s/plum/cherry/", file)
    tree.run("sort", "-o", file, file)
    tree.fresh_view()
    assert tree.do(read_file, file) == b"apple\ncherry\npear\n"
    assert tree.do(names, tree.path) == ["words.txt"]
