"""kill -9 at random moments while programs work, always followed by a start with an empty cache."""

import errno
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mountcloud.store.journal import Journal
from tests.filesystem.caller import Caller
from tests.filesystem.steps import content, write_file
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Mount

pytestmark = pytest.mark.mount

GONE = {errno.ENOTCONN, errno.ECONNABORTED, errno.EIO, errno.ESTALE}
NAMES = [f"file {number}" for number in range(8)]


@dataclass(frozen=True, slots=True)
class Step:
    """``other`` is the new name of a rename; ``seed`` and ``size`` make the bytes of a write."""

    verb: str
    name: str
    other: str = ""
    seed: int = 0
    size: int = 0

    @property
    def data(self) -> bytes:
        return content(self.seed, self.size)


Files = dict[str, bytes]


def steps(seed: int, names: list[str]) -> Iterator[Step]:
    """Work on a few names for ever, as far as the files are there: new ones, saves beside and over, appends."""
    chance, there = random.Random(seed), set(names)
    for number in range(1_000_000):
        name, size = chance.choice(NAMES), chance.choice([0, 1, 700, 5_000, 70_000, 300_000])
        fresh = seed * 1_000_000 + number
        verb = chance.choice(["write", "save", "save", "append", "rename", "unlink"])
        if verb == "save":
            yield Step("write", f"{name}.tmp", seed=fresh, size=size)
            yield Step("rename", f"{name}.tmp", name)
        elif verb == "rename":
            other = chance.choice(NAMES)
            if name in there and other != name:
                yield Step("rename", name, other)
                there = (there - {name}) | {other}
            continue
        elif verb == "unlink":
            if name in there:
                yield Step("unlink", name)
                there.discard(name)
            continue
        else:
            yield Step(verb, name, seed=fresh, size=size)
        there.add(name)


def perform(place: Path, step: Step) -> None:
    if step.verb == "write":
        write_file(place / step.name, step.data)
    elif step.verb == "append":
        write_file(place / step.name, step.data, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    elif step.verb == "rename":
        (place / step.name).rename(place / step.other)
    else:
        (place / step.name).unlink()


def work(place: Path, seed: int, names: list[str]) -> tuple[list[Step], Step]:
    """Until the daemon dies; the steps that returned, and the one that did not."""
    done: list[Step] = []
    for step in steps(seed, names):
        try:
            perform(place, step)
        except OSError as error:
            if error.errno not in GONE:
                raise
            return done, step
        done.append(step)
    raise AssertionError("nobody killed the daemon")


def after(files: Files, step: Step) -> Files:
    """What a step that returned makes of the files."""
    new = dict(files)
    if step.verb == "write":
        new[step.name] = step.data
    elif step.verb == "append":
        new[step.name] = new.get(step.name, b"") + step.data
    elif step.verb == "rename":
        new[step.other] = new.pop(step.name)
    else:
        del new[step.name]
    return new


def is_allowed(found: Files, before: Files, cut: Step) -> bool:
    """The step that was cut off happened, did not happen, or wrote the first bytes of what it was to write."""
    whole = after(before, cut)
    if found in (before, whole):
        return True
    if cut.verb not in {"write", "append"} or cut.name not in found:
        return False
    wanted, there = whole[cut.name], found[cut.name]
    return found == {**before, cut.name: there} and wanted.startswith(there)


def read_all(place: Path) -> Files:
    return {path.name: path.read_bytes() for path in place.iterdir()}


def _ended(caller: Caller) -> tuple[list[Step], Step]:
    ended: tuple[list[Step], Step] = caller.result()
    return ended


@dataclass
class Worker:
    """One program in one directory, and what must be in it."""

    place: Path
    caller: Caller
    files: Files = field(default_factory=dict)
    steps_done: int = 0

    def begin(self, seed: int) -> None:
        self.caller.start(work, self.place, seed, list(self.files))

    def end(self) -> Step:
        done, cut = _ended(self.caller)
        self.steps_done += len(done)
        for step in done:
            self.files = after(self.files, step)
        return cut

    def _read(self) -> Files:
        found: Files = self.caller(read_all, self.place)
        return found

    def check(self, cut: Step) -> None:
        """The directory holds what it must; from here on it is what is there."""
        found = self._read()
        sizes = {name: len(data) for name, data in found.items()}
        wanted = {name: len(data) for name, data in self.files.items()}
        assert is_allowed(found, self.files, cut), f"{cut} was cut off, {sizes} instead of {wanted}"
        self.files = found


def owed(mount: Mount) -> int:
    """What a dead daemon's journal holds."""
    with tempfile.TemporaryDirectory() as copies:
        for path in mount.paths.journal.parent.glob("journal.db*"):
            shutil.copy(path, copies)
        journal = Journal(Path(copies) / "journal.db")
        count = len(journal.operations)
        journal.close()
    return count


@contextmanager
def workers(mount: Mount) -> Iterator[list[Worker]]:
    with Caller() as one, Caller() as two:
        rooms = [(PLAIN_ROOM, one), (ENCRYPTED_ROOM, two)]
        found = [Worker(mount.mountpoint / room / f"kills-{mount.pid}", caller) for room, caller in rooms]
        for worker in found:
            worker.caller(worker.place.mkdir)
        yield found


def restart_with_empty_cache(mount: Mount) -> None:
    shutil.rmtree(mount.paths.cache)
    mount.start()


def kill_at_random(mount: Mount, busy: list[Worker], chance: random.Random) -> int:
    """Tells how many changes were owed at the kill. Sometimes the daemon is killed again while it recovers."""
    for worker in busy:
        worker.begin(chance.randrange(1 << 30))
    time.sleep(chance.uniform(0.02, 1.0))
    mount.kill()
    cuts = [worker.end() for worker in busy]
    left = owed(mount)
    for _ in range(chance.choice([0, 0, 1])):
        restart_with_empty_cache(mount)
        time.sleep(chance.uniform(0, 0.5))
        mount.kill()
    restart_with_empty_cache(mount)
    mount.settle()
    for worker, cut in zip(busy, cuts, strict=True):
        worker.check(cut)
    return left


@pytest.mark.durability("kill-closed", "kill-steps")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_nothing_is_lost_whenever_the_daemon_dies(own_mount: Mount, service: Service, kills: int) -> None:
    chance = random.Random(kills)
    with workers(own_mount) as busy:
        places = {worker.place: "/".join(("", *worker.place.parts[-2:])) for worker in busy}
        queues = [kill_at_random(own_mount, busy, chance) for _ in range(kills)]
        assert all(queues), f"the queue was empty at a kill, which proves nothing: {queues}"
        own_mount.fresh_view()
        for worker in busy:
            assert worker.caller(read_all, worker.place) == worker.files
            assert service.tree(places[worker.place]) == {name: len(data) for name, data in worker.files.items()}
