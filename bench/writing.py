"""``./run bench writing``: what a program waits for when it writes, and when the server has it."""

import os
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.rig.command import Rig, Task, take
from bench.rig.peers import Davfs, Login, Mountcloud, Native, Peer, Rclone
from bench.rig.running import program, run

WORK = "work"
FILES = 2000
FILE_SIZE = 4 << 10
OPERATIONS = 200
LOOK_EVERY_S = 0.1
ARRIVES_WITHIN_S = 300.0
QUICK_ARRIVES_WITHIN_S = 60.0
GROUP = "plain"
PROPERTIES = ".DAV"
"""Where Apache keeps what clients want remembered of files; it does not show it."""


class Sources:
    """What is written: a large file, the tar of a source tree, a repository; all on the local disk."""

    def __init__(self, rig: Rig) -> None:
        home = rig.home / "sources"
        self.big, self.tar, self.repository = home / "big.bin", home / "tree.tar", home / "repository"
        self.mib = rig.options.size >> 20
        self.repository.mkdir(parents=True)
        run("dd", "if=/dev/urandom", f"of={self.big}", "bs=1M", f"count={self.mib}")
        library = Path(sysconfig.get_paths()["stdlib"])
        folders = ["json"] if rig.options.quick else sorted(each.name for each in library.iterdir() if each.is_dir())
        folders = [each for each in folders if each not in ("site-packages", "dist-packages", "test", "__pycache__")]
        run("tar", "cf", self.tar, "--exclude=__pycache__", "--exclude=*.so", "-C", library, *folders)
        self._commit()
        listed = subprocess.run(["tar", "tf", self.tar], capture_output=True, text=True, timeout=60)
        self.entries = sum(not line.endswith("/") for line in listed.stdout.splitlines())

    def _commit(self) -> None:
        run("tar", "xf", self.tar, "-C", self.repository)
        git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "everything"]):
            run(*git, *words, cwd=self.repository)


def sizes(tree: Path) -> dict[str, int]:
    """All files below, and directories with -1."""
    found: dict[str, int] = {}
    for place, folders, names in os.walk(tree):
        if PROPERTIES in folders:
            folders.remove(PROPERTIES)
        below = os.path.relpath(place, tree)
        found |= {f"{below}/{name}": -1 for name in folders}
        for name in names:
            try:
                found[f"{below}/{name}"] = os.lstat(f"{place}/{name}").st_size
            except FileNotFoundError:
                continue
    return found


def wait_until_there(expected: dict[str, int], served: Path, within_s: float) -> None:
    """Return when the server's disk holds exactly this; raises ``RuntimeError`` after a while."""
    deadline = time.monotonic() + within_s
    while sizes(served) != expected:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not on the server after {within_s:g} s")
        time.sleep(LOOK_EVERY_S)


@dataclass(frozen=True, slots=True)
class Work:
    """Something that fills the directory ``place``; ``run`` may tell the seconds itself."""

    place: str
    title: str
    amount: float
    unit: str
    run: Callable[[Path], float | None]

    def task(self, suffix: str, run: Callable[[], float | None]) -> Task:
        """It as a measurement."""
        return Task(self.title + suffix, self.amount, self.unit, run)


class Writing:
    """One run over all peers, at every distance, so many times."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        rig.say("making the files")
        self._sources = Sources(rig)
        self._served = rig.server.root / WORK
        rig.server.writable(self._served)

    def peers(self, port: int) -> Iterator[Peer]:
        """The first is what the others are compared with."""
        home, url = self._rig.home / "peer", f"http://127.0.0.1:{port}"
        webdav = Login("webdav", {"url": url, "username": "bench"}, {"password": "bench"})
        yield Mountcloud("mountcloud WebDAV", home, webdav, WORK)
        at_once = ["--vfs-cache-mode", "full", "--vfs-write-back", "0s"]
        yield Rclone("rclone mount, vfs full, write back 0", home, url, at_once, below=WORK)
        yield Davfs("davfs2", home, url, WORK)

    def round(self, rtt_ms: float, port: int) -> None:
        """Everybody once."""
        for peer in self.peers(port):
            with self._rig.taking_part(peer, rtt_ms) as part:
                if part:
                    self._all(peer, rtt_ms, self._served)
            run("find", self._served, "-mindepth", "1", "-delete")
        local = Native("local file system", self._rig.home / "native", WORK)
        if self._rig.wanted(local.label):
            local.start()
            self._all(local, rtt_ms, None)
            run("find", local.tree, "-mindepth", "1", "-delete")

    def _all(self, peer: Peer, rtt_ms: float, served: Path | None) -> None:
        sources, count = self._sources, self._rig.options.scaled(FILES)
        few = self._rig.options.scaled(OPERATIONS)
        some = peer.tree / "some"
        for work in (
            Work("big", f"{sources.mib} MiB", sources.mib, "MiB", lambda place: copy(sources.big, place)),
            Work("files", f"{count} files of 4 KiB", count, "files", lambda place: make_files(place, count)),
            Work("tar", "untar", sources.entries, "files", lambda place: untar(sources.tar, place)),
            Work("clone", "git clone", sources.entries, "files", lambda place: clone(sources.repository, place)),
            Work("folders", f"{few} mkdir", few, "calls", lambda place: program("make_directories", place, few)),
            Work("some", "", few, "files", lambda place: make_files(place, few)),
            Work("some", f"{few} rename", few, "calls", lambda place: program("rename_all", some)),
            Work("some", f"{few} unlink", few, "calls", lambda place: program("unlink_all", some)),
        ):
            self._one(peer, rtt_ms, work, served)

    def _one(self, peer: Peer, rtt_ms: float, work: Work, served: Path | None) -> None:
        """Without a title it is preparation: what is renamed and removed must have been sent before."""
        place, began, measure = peer.tree / work.place, time.monotonic(), self._rig.measure
        if not work.title:
            work.run(place)
        elif not measure(GROUP, peer, rtt_ms, work.task(" (program)", lambda: work.run(place))):
            return
        if served is None:
            return
        looked = time.monotonic()
        expected, target = sizes(place), served / work.place
        within_s = QUICK_ARRIVES_WITHIN_S if self._rig.options.quick else ARRIVES_WITHIN_S
        began += time.monotonic() - looked
        if work.title:
            measure(GROUP, peer, rtt_ms, work.task(" (server)", lambda: since(began, expected, target, within_s)))
        else:
            since(began, expected, target, within_s)


def since(began: float, expected: dict[str, int], served: Path, within_s: float) -> float:
    """Seconds from then until the server has it."""
    wait_until_there(expected, served, within_s)
    return time.monotonic() - began


def copy(source: Path, place: Path) -> float:
    """One large file in pieces of 1 MiB, from ``open`` to ``close``: the directory is there before."""
    place.mkdir()
    began = time.monotonic()
    run("dd", f"if={source}", f"of={place}/big.bin", "bs=1M", "status=none")
    return time.monotonic() - began


def make_files(place: Path, count: int) -> float:
    """Small files, one after the other."""
    return program("make_files", place, count, FILE_SIZE)


def untar(source: Path, place: Path) -> None:
    """A source tree."""
    place.mkdir()
    run("tar", "xf", source, "-C", place)


def clone(source: Path, target: Path) -> None:
    """As a stranger would: through the transport, without hard links."""
    run("git", "-c", "safe.directory=*", "clone", "-q", "--no-local", source, target)


def measure(rig: Rig) -> None:
    """Every peer in turn, at every distance, again and again."""
    writing = Writing(rig)
    ports = {rtt: rig.far(rig.server.port, rtt) for rtt in rig.options.rtts_ms}
    for _ in rig.rounds():
        for rtt_ms, port in ports.items():
            writing.round(rtt_ms, port)


if __name__ == "__main__":
    take("writing", measure, "apache")
