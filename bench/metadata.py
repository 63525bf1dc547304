"""``./run bench metadata``: listing, looking up, and doing nothing, compared on the same server and the same tree."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from bench.rig.command import Rig, Task, take
from bench.rig.dracoon import PLAIN_ROOM
from bench.rig.peers import Davfs, Login, Mountcloud, Native, Peer, Rclone
from bench.rig.running import program, run

DIRECTORIES = 200
A_DIRECTORY = 100
FLAT = 10_000
WORK_TREE = 10_000
STATS = 100_000
IDLE_S = 30.0
TREE = "metadata"
LONG_AGO = 1_500_000_000
"""A whole second, as WebDAV shows it: what git noted of a file is what it sees again."""
GROUP = "plain"
GIT = ("git", "-c", "safe.directory=*")


class Metadata:
    """One run over all peers, at every distance, so many times."""

    def __init__(self, rig: Rig) -> None:
        self._rig, scaled = rig, rig.options.scaled
        rig.say("making the files")
        self._root = rig.server.root / TREE
        self._directories, self._flat, folders = scaled(DIRECTORIES), scaled(FLAT), scaled(WORK_TREE // A_DIRECTORY)
        self._work = folders * A_DIRECTORY
        fill(self._root / "tree", self._directories, A_DIRECTORY)
        fill(self._root / "flat", 1, self._flat)
        fill(self._root / "work", folders, A_DIRECTORY)
        commit(self._root / "work")
        self._local = Native("local file system", rig.home / "native")
        shutil.copytree(self._root, self._local.tree)

    @property
    def _files(self) -> int:
        return self._directories * A_DIRECTORY

    def peers(self, port: int) -> Iterator[Peer]:
        """The first is what the others are compared with."""
        home, url = self._rig.home / "peer", f"http://127.0.0.1:{port}"
        webdav = Login("webdav", {"url": url, "username": "bench"}, {"password": "bench"})
        yield Mountcloud("mountcloud WebDAV", home, webdav, TREE)
        yield Rclone("rclone mount", home, url, below=TREE)
        yield Davfs("davfs2", home, url, TREE)
        yield self._local

    def round(self, rtt_ms: float, port: int) -> None:
        """Everybody once."""
        for peer in self.peers(port):
            with self._rig.taking_part(peer, rtt_ms) as part:
                if part:
                    self._all(peer, rtt_ms)

    def _all(self, peer: Peer, rtt_ms: float) -> None:
        tree, files, rounds = peer.tree / "tree", self._files, max(1, self._rig.options.scaled(STATS) // self._files)
        flat, work = peer.tree / "flat/00000", peer.tree / "work"
        tasks = [
            Task("ls -lR, cold", files, "files", lambda: run("ls", "-lR", tree)),
            Task("ls -lR, warm", files, "files", lambda: run("ls", "-lR", tree)),
            Task("find -size, warm", files, "files", lambda: run("find", tree, "-size", "+1k")),
            Task("stat, warm", files * rounds, "files", lambda: program("stat_all", tree, rounds)),
            Task(f"ls -l of {self._flat} entries, cold", self._flat, "files", lambda: run("ls", "-l", flat)),
            Task(f"ls -l of {self._flat} entries, warm", self._flat, "files", lambda: run("ls", "-l", flat)),
            Task("git status, cold", self._work, "files", lambda: status(work)),
            Task("git status, warm", self._work, "files", lambda: status(work)),
        ]
        for task in tasks + [Task("idle", 1, "times", self._idle)] * bool(peer.pid):
            self._rig.measure(GROUP, peer, rtt_ms, task)

    def _idle(self) -> None:
        """Requests and processor time of a mount that nobody uses."""
        time.sleep(1 if self._rig.options.quick else IDLE_S)

    def idle_dracoon(self) -> None:
        """A service that tells in one answer that nothing has changed."""
        service = self._rig.dracoon()
        peer = Mountcloud("mountcloud DRACOON", self._rig.home / "peer", service.login(service.port), PLAIN_ROOM)
        with self._rig.taking_part(peer, 0) as part:
            if part:
                run("cp", "-r", self._root / "tree/00000", peer.tree)
                assert isinstance(peer, Mountcloud)
                peer.settle()
                run("ls", "-lR", peer.tree)
                self._rig.measure("DRACOON", peer, 0, Task("idle", 1, "times", self._idle))


def fill(place: Path, directories: int, files: int) -> None:
    """Directories of small files that are old."""
    for directory in range(directories):
        folder = place / f"{directory:05}"
        folder.mkdir(parents=True)
        for number in range(files):
            file = folder / f"a file with a name of some length {number:05}.txt"
            file.write_bytes(b"some words\n")
            os.utime(file, (LONG_AGO, LONG_AGO))


def commit(place: Path) -> None:
    """A repository whose index fits what a mount can show: whole seconds, sizes, no inode numbers or modes."""
    person = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    run(*GIT, "init", "-q", cwd=place)
    for key, value in (("core.checkStat", "minimal"), ("core.trustctime", "false"), ("core.fileMode", "false")):
        run(*GIT, "config", key, value, cwd=place)
    run(*GIT, "add", "-A", cwd=place)
    run(*GIT, *person, "commit", "-q", "-m", "everything", cwd=place)
    status(place)


def status(place: Path) -> None:
    """Without a change to the repository."""
    run(*GIT, "--no-optional-locks", "status", "--porcelain", cwd=place)


def measure(rig: Rig) -> None:
    """Every peer in turn, at every distance, again and again."""
    metadata = Metadata(rig)
    ports = {rtt: rig.far(rig.server.port, rtt) for rtt in rig.options.rtts_ms}
    for _ in rig.rounds():
        for rtt_ms, port in ports.items():
            metadata.round(rtt_ms, port)
    metadata.idle_dracoon()


if __name__ == "__main__":
    take("metadata", measure, "apache")
