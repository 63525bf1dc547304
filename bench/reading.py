"""``./run bench reading``: how fast a mount reads, compared on the same server and the same bytes."""

import shutil
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from bench.rig.command import Rig, Task, take
from bench.rig.dracoon import ENCRYPTED_ROOM, PLAIN_ROOM
from bench.rig.peers import CRYPT_DIRECTORY, Davfs, Login, Mountcloud, Native, Peer, Rclone, write_rclone_settings
from bench.rig.running import program, read_whole, run, together

STREAMS = 8
"""As many as mountcloud uses at once by default."""
PARTS = 4
FIRSTS = 5
SMALL_FILES = 1000
SMALL_SIZE = 100 << 10
RANDOM = {"4 KiB": (4 << 10, 100), "256 KiB": (256 << 10, 50)}
PLAIN, ENCRYPTED = "plain", "encrypted"


class Library:
    """The files that everybody reads: names relative to the tree, and how many."""

    def __init__(self, rig: Rig) -> None:
        self.size = rig.options.size
        self.small = [f"small/{number:04}" for number in range(rig.options.scaled(SMALL_FILES))]
        self.parts = [f"part{number}.bin" for number in range(PARTS)]
        self.firsts = [f"first/{number}" for number in range(FIRSTS)]

    def write(self, tree: Path) -> None:
        """Make them, of bytes that cannot be compressed."""
        sizes = {"big.bin": self.size} | dict.fromkeys(self.parts, self.size // PARTS)
        sizes |= dict.fromkeys([f"random {words}.bin" for words in RANDOM], max(self.size // 8, 1 << 20))
        sizes |= dict.fromkeys(self.firsts, self.size // 64) | dict.fromkeys(self.small, SMALL_SIZE)
        for name, size in sizes.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            run("dd", "if=/dev/urandom", f"of={tree / name}", "bs=1M", f"count={size}", "iflag=count_bytes,fullblock")


class Reads(Protocol):
    """One way of reading the library."""

    def first_bytes(self, names: Sequence[str]) -> None: ...
    def at_random(self, name: str, count: int, size: int) -> float: ...
    def small(self, names: Sequence[str]) -> None: ...
    def whole(self, names: Sequence[str]) -> None: ...


class ThroughDirectory:
    """Programs read files."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree

    def first_bytes(self, names: Sequence[str]) -> None:
        for name in names:
            run("head", "-c", "1", self._tree / name)

    def at_random(self, name: str, count: int, size: int) -> float:
        return program("read_at_random", self._tree / name, count, size)

    def small(self, names: Sequence[str]) -> None:
        together([["cat", *names[number::PARTS]] for number in range(PARTS)], self._tree)

    def whole(self, names: Sequence[str]) -> None:
        together([read_whole(self._tree / name) for name in names])


class ThroughCurl:
    """The same objects without a file system, each in ``streams`` ranges at once."""

    def __init__(self, url: str, size: int, streams: int, scratch: Path) -> None:
        self._url, self._size, self._streams, self._scratch = url, size, streams, scratch

    def first_bytes(self, names: Sequence[str]) -> None:
        for name in names:
            run(*self._command(name, 0, 1))

    def at_random(self, name: str, count: int, size: int) -> float:
        ranges = [(number * 7919 * 4096) % (self._size // 16) for number in range(count)]
        places = [f"{start}-{start + size - 1}" for start in ranges]
        return self._listed([f'url = "{self._address(name)}"\nrange = {place}' for place in places])

    def small(self, names: Sequence[str]) -> None:
        parts = [[f'url = "{self._address(name)}"' for name in names[number::PARTS]] for number in range(PARTS)]
        together([self._list(part, number) for number, part in enumerate(parts)])

    def whole(self, names: Sequence[str]) -> None:
        size = self._size if len(names) == 1 else self._size // PARTS
        piece = size // self._streams
        together([self._command(name, n * piece, (n + 1) * piece) for name in names for n in range(self._streams)])

    def _address(self, name: str) -> str:
        return f"{self._url}/{name}".replace(" ", "%20")

    def _command(self, name: str, start: int, end: int) -> Sequence[str]:
        return ["curl", "-sf", "-o", "/dev/null", "-r", f"{start}-{end - 1}", self._address(name)]

    def _list(self, items: Sequence[str], number: int = 0) -> Sequence[str]:
        file = self._scratch / f"curl{number}"
        file.write_text("\nnext\n".join(f"silent\nfail\noutput = /dev/null\n{item}" for item in items))
        return ["curl", "-K", str(file)]

    def _listed(self, items: Sequence[str]) -> float:
        began = time.monotonic()
        together([self._list(items)])
        return time.monotonic() - began


class Reading:
    """One run over all peers, at every distance, so many times."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._library = Library(rig)
        self._dracoon = rig.dracoon()
        self._set_up()

    def _set_up(self) -> None:
        rig, root = self._rig, self._rig.server.root
        rig.say("making the files")
        self._library.write(root / PLAIN)
        (rig.home / "native").mkdir()
        (rig.home / "native/mount").symlink_to(root / PLAIN)
        if shutil.which("rclone"):
            self._encrypt_for_rclone(root)
        self._dracoon.downloads_at(f"{rig.server.url}/blobs")
        uploader = Mountcloud("set up", rig.home / "upload", self._dracoon.login(self._dracoon.port))
        with rig.running(uploader):
            for room in (PLAIN_ROOM, ENCRYPTED_ROOM):
                if rig.wanted(f"mountcloud DRACOON {room}"):
                    run("cp", "-r", f"{root}/{PLAIN}/.", uploader.tree / room)
            uploader.settle()

    def _encrypt_for_rclone(self, root: Path) -> None:
        settings = self._rig.home / "rclone.conf"
        write_rclone_settings(settings, "http://127.0.0.1:1")
        text = settings.read_text().replace(f"server:{CRYPT_DIRECTORY}", f"{root}/{CRYPT_DIRECTORY}")
        settings.write_text(text)
        run("rclone", "--config", settings, "copy", root / PLAIN, "secret:")

    def peers(self, rtt_ms: float, url: str, api: int) -> Iterator[tuple[str, Peer]]:
        """Group and mount; the first of a group is what the others are compared with."""
        rig, full = self._rig, ["--vfs-cache-mode", "full"]
        home = rig.home / "peer"
        webdav = Login("webdav", {"url": url, "username": "bench"}, {"password": "bench"})
        yield PLAIN, Mountcloud("mountcloud WebDAV", home, webdav, PLAIN)
        yield PLAIN, Mountcloud("mountcloud DRACOON Plain", home, self._dracoon.login(api), PLAIN_ROOM)
        yield PLAIN, Rclone("rclone mount", home, url, below=PLAIN)
        yield PLAIN, Rclone("rclone mount, vfs full", home, url, full, below=PLAIN)
        yield PLAIN, Davfs("davfs2", home, url, PLAIN)
        yield ENCRYPTED, Mountcloud("mountcloud DRACOON Encrypted", home, self._dracoon.login(api), ENCRYPTED_ROOM)
        yield ENCRYPTED, Rclone("rclone crypt", home, url, crypt=True)
        yield ENCRYPTED, Rclone("rclone crypt, vfs full", home, url, full, crypt=True)

    def round(self, rtt_ms: float, port: int, api: int) -> None:
        """Everybody once."""
        rig, url = self._rig, f"http://127.0.0.1:{port}"
        self._dracoon.downloads_at(f"{url}/blobs")
        for group, peer in self.peers(rtt_ms, url, api):
            with rig.taking_part(peer, rtt_ms) as part:
                if part:
                    self._cold(group, peer, rtt_ms, ThroughDirectory(peer.tree))
                    self._warm(group, peer, rtt_ms)
        for streams in (1, STREAMS):
            label = f"curl, {streams} stream{'s' * (streams > 1)}"
            if rig.wanted(label) and shutil.which("curl"):
                curl = ThroughCurl(f"{url}/{PLAIN}", self._library.size, streams, rig.home)
                rig.say(f"{label}, {rtt_ms:g} ms")
                self._cold(PLAIN, Native(label, rig.home), rtt_ms, curl)
        if rig.wanted("local file system"):
            local = Native("local file system", rig.home / "native")
            for group in (PLAIN, ENCRYPTED):
                self._warm(group, local, rtt_ms)

    def _cold(self, group: str, peer: Peer, rtt_ms: float, reads: Reads) -> None:
        """What nobody on this side of the line has seen."""
        for task in self._tasks(reads):
            self._rig.measure(group, peer, rtt_ms, task)

    def _tasks(self, reads: Reads) -> Iterator[Task]:
        library = self._library
        firsts, small, mib = library.firsts, library.small, library.size / (1 << 20)
        yield Task(f"first byte of {len(firsts)} files", len(firsts), "files", partial(reads.first_bytes, firsts))
        for words, (size, most) in RANDOM.items():
            count, name = self._rig.options.scaled(most), f"random {words}.bin"
            title = f"{count} reads of {words} at random"
            yield Task(title, count, "reads", partial(reads.at_random, name, count, size))
        yield Task(f"{len(small)} files of 100 KiB, 4 programs", len(small), "files", partial(reads.small, small))
        yield Task(f"cold, 4 files of {mib / PARTS:g} MiB at once", mib, "MiB", partial(reads.whole, library.parts))
        yield Task(f"cold, {mib:g} MiB", mib, "MiB", partial(reads.whole, ["big.bin"]))

    def _warm(self, group: str, peer: Peer, rtt_ms: float) -> None:
        """What was read just now."""
        mib, reads = self._library.size / (1 << 20), ThroughDirectory(peer.tree)
        self._rig.measure(
            group, peer, rtt_ms, Task(f"warm, {mib:g} MiB", mib, "MiB", partial(reads.whole, ["big.bin"]))
        )


def measure(rig: Rig) -> None:
    """Every peer in turn, at every distance, again and again."""
    reading = Reading(rig)
    ports = {rtt: (rig.far(rig.server.port, rtt), rig.far(rig.dracoon().port, rtt)) for rtt in rig.options.rtts_ms}
    for _ in rig.rounds():
        for rtt_ms, (port, api) in ports.items():
            reading.round(rtt_ms, port, api)


if __name__ == "__main__":
    take("reading", measure, "nginx")
