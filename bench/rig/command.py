"""What all measurements share: options, the server with its two distances, the loop over peers, the report."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.rig import dracoon, machine, table
from bench.rig.dracoon import Dracoon
from bench.rig.meter import Meter
from bench.rig.peers import Davfs, Peer, Rclone
from bench.rig.server import SERVERS, Traffic
from bench.rig.table import Sample

ROOT = Path(__file__).parents[2]
LONG_S = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """``size`` in bytes scales everything; every peer is measured ``repeat`` times at each of ``rtts_ms``, as far as
    that fits into ``minutes``.
    """

    size: int
    repeat: int
    minutes: float
    rtts_ms: Sequence[float]
    peers: str
    cases: str
    server: str
    json: Path | None
    directory: Path
    quick: bool

    def scaled(self, count: int) -> int:
        """So many at full size, in proportion less otherwise."""
        return max(4, count // 64) if self.quick else count


def options(name: str, server: str, words: Sequence[str] | None = None) -> Options:
    """From the command line."""
    parser = argparse.ArgumentParser(prog=f"./run bench {name}", description=f"Compare {name} with other mounts.")
    parser.add_argument("--quick", action="store_true", help="a try of some seconds; its numbers mean nothing")
    parser.add_argument("--size", type=int, help="MiB of the large file (1024)")
    parser.add_argument("--repeat", type=int, help="runs of each peer, of which the median counts (3)")
    parser.add_argument("--minutes", type=float, default=9.0, help="begin no run that would end after so many (9)")
    parser.add_argument("--rtt", default="0,30", help="added round trips in ms (0,30)")
    parser.add_argument("--peers", default="", help="only peers with one of these words, separated by commas")
    parser.add_argument("--cases", default="", help="only cases with one of these words, separated by commas")
    parser.add_argument("--server", choices=SERVERS, default=server, help=f"which serves WebDAV ({server})")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()), help="where it may work")
    given = parser.parse_args(words)
    return Options(
        size=(given.size or (8 if given.quick else 1024)) << 20,
        repeat=given.repeat or (1 if given.quick else 3),
        rtts_ms=[float(word) for word in given.rtt.split(",")],
        minutes=given.minutes,
        peers=given.peers,
        cases=given.cases,
        server=given.server,
        json=given.json,
        directory=given.directory,
        quick=given.quick,
    )


@dataclass(frozen=True, slots=True)
class Task:
    """``amount`` of ``unit`` that ``run`` does; it may tell the seconds itself."""

    title: str
    amount: float
    unit: str
    run: Callable[[], float | None]


class Rig:
    """The server, the lines to it, and what was measured so far."""

    def __init__(self, chosen: Options, home: Path, stack: ExitStack) -> None:
        self.options, self.home = chosen, home
        self.samples: list[Sample] = []
        self.failures: list[str] = []
        self._stack = stack
        self._began = time.monotonic()
        self._dracoon: Dracoon | None = None
        self.server = SERVERS[chosen.server](home / "server", dracoon.blobs(home))
        self.server.start()
        stack.callback(self.server.stop)

    def far(self, port: int, rtt_ms: float) -> int:
        """A port of 127.0.0.1 that leads to this one over a round trip of so many ms."""
        if not rtt_ms:
            return port
        command = [sys.executable, "-m", "bench.rig.delay", "--port", str(port), "--rtt-ms", str(rtt_ms)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self._stack.callback(process.wait, 20)
        self._stack.callback(process.terminate)
        assert process.stdout
        with process.stdout as first:
            return int(first.readline())

    def wanted(self, label: str) -> bool:
        """True if ``--peers`` does not leave it out."""
        return has_word(label, self.options.peers)

    def say(self, words: str) -> None:
        """Progress, which is no result."""
        print(words, file=sys.stderr, flush=True)

    def dracoon(self) -> Dracoon:
        """The other service, made when it is needed first."""
        if self._dracoon is None:
            self._dracoon = Dracoon(self.home, self._stack)
        return self._dracoon

    @contextmanager
    def taking_part(self, peer: Peer, rtt_ms: float) -> Iterator[bool]:
        """The peer, mounted; false if it is missing, not wanted, or cannot mount here."""
        if not self.wanted(peer.label) or not peer.available():
            yield False
            return
        self.say(f"{peer.label}, {rtt_ms:g} ms")
        with ExitStack() as stack:
            try:
                stack.enter_context(self.running(peer))
            except RuntimeError as problem:
                self.say(f"  left out: {problem}")
                yield False
                return
            yield True

    @contextmanager
    def running(self, peer: Peer) -> Iterator[Peer]:
        """The peer, mounted with empty caches; gone at the end."""
        try:
            peer.start()
            yield peer
        finally:
            peer.stop()

    def rounds(self) -> Iterator[int]:
        """So many as are wanted and as there is time for, what was spent on making the files included."""
        return rounds(self.options.repeat, self._began + self.options.minutes * 60, time.monotonic)

    def measure(self, group: str, peer: Peer, rtt_ms: float, task: Task) -> bool:
        """Do it and note what it took; false if it failed or is not wanted.

        What takes long is not repeated: its scatter is small in proportion.
        """
        if not has_word(task.title, self.options.cases):
            return False
        if self._longest(peer.label, rtt_ms, task.title) > LONG_S:
            return False
        self._seen()
        meter, began = Meter(peer.pid), time.monotonic()
        try:
            told = task.run()
        except (RuntimeError, OSError, subprocess.SubprocessError) as problem:
            self.failures.append(f"{peer.label}, {task.title}, {rtt_ms:g} ms: {problem}")
            self.say(f"  {task.title}: failed: {problem}")
            return False
        seconds, cost = time.monotonic() - began if told is None else told, meter.read()
        spent = (seconds, task.amount, task.unit, *self._seen(), cost.cpu_s, cost.peak)
        self.samples.append(Sample(task.title, rtt_ms, group, peer.label, *spent))
        self.say(f"  {task.title}: {seconds:.3f} s")
        return True

    def _longest(self, label: str, rtt_ms: float, title: str) -> float:
        mine = (each for each in self.samples if (each.peer, each.rtt_ms, each.case) == (label, rtt_ms, title))
        return max((each.seconds for each in mine), default=0)

    def _seen(self) -> tuple[int, int, int]:
        """Requests to both servers, and bytes that the WebDAV server sent and got, since the last call."""
        seen: Traffic = self.server.traffic()
        asked = sum(self._dracoon.requests().counts.values()) if self._dracoon else 0
        return seen.total + asked, seen.sent, seen.got


def take(name: str, measurement: Callable[[Rig], None], server: str, words: Sequence[str] | None = None) -> None:
    """Run a measurement from the command line and print its table. ``server`` is the one that suits it."""
    chosen = options(name, server, words)
    if missing := SERVERS[chosen.server].missing():
        sys.exit(f"the server of this measurement is {chosen.server}; install it with: {missing}")
    # Ended from outside it must not leave servers and mounts behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    about = machine.facts([name, *(sys.argv[1:] if words is None else words)])
    about["server"] = SERVERS[chosen.server].version()
    with tempfile.TemporaryDirectory(prefix="mountcloud-bench-", dir=chosen.directory) as home, ExitStack() as stack:
        rig = Rig(chosen, Path(home), stack)
        name_missing(rig)
        measurement(rig)
        found = table.rows(rig.samples)
    print("\n".join(f"{key}: {value}" for key, value in about.items()))
    print()
    print(table.text(found))
    print("".join(f"\nFAILED {words}" for words in dict.fromkeys(rig.failures)))
    if chosen.json:
        chosen.json.write_text(
            json.dumps({"about": about, "rows": table.as_json(found), "failures": rig.failures}, indent=1)
        )


def rounds(most: int, end: float, clock: Callable[[], float]) -> Iterator[int]:
    """Count from 0; after the first only if another that takes as long as the last one would be over before ``end``."""
    for number in range(most):
        began = clock()
        yield number
        if 2 * clock() - began > end:
            return


def has_word(text: str, words: str) -> bool:
    """True if one of the words, separated by commas, is in the text; no words mean all texts."""
    return not words or any(word in text for word in words.split(","))


def name_missing(rig: Rig) -> None:
    """Tell which peers cannot take part, and what would help."""
    for program, install in (
        ("rclone", Rclone.INSTALL),
        ("mount.davfs", Davfs.INSTALL),
        ("curl", "apt-get install curl"),
    ):
        if not shutil.which(program):
            rig.say(f"{program} is missing and left out; to have it: {install}")
