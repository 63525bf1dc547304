"""What looking costs: requests to the service and to the daemon, counted; and what is seen is always the present."""

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import names, write_file
from tests.mount.fixture import PLAIN_ROOM, new_account
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.sandbox.fixture import RunningSandbox, start_sandbox

pytestmark = pytest.mark.mount

FILES, FOLDERS = 20, 4


@dataclass
class Counted:
    """A mount whose service serves nobody else. It polls only when it is told to."""

    mount: Mount
    caller: Caller
    server: RunningSandbox
    service: Service

    @property
    def place(self) -> Path:
        return self.mount.mountpoint / PLAIN_ROOM

    def requests(self) -> int:
        """Requests to the service since the last look, but for log-ins."""
        found = self.server.control.requests()
        self.server.control.forget_requests()
        return found.count() - found.count(template="oauth")

    def kernel_requests(self) -> int:
        """Requests of the kernel to the daemon in its life."""
        status = self.mount.call("status")
        assert isinstance(status, dict)
        return int(status["kernel_requests"])


@pytest.fixture(scope="module")
def alone(fuse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mount, RunningSandbox, Account]]:
    server = start_sandbox(tmp_path_factory.mktemp("counted") / "data")
    try:
        user = new_account(server)
        with mounted(replace(user, poll_interval_s=3600.0)) as mount:
            yield mount, server, user
    finally:
        server.stop()


@pytest.fixture
def counted(alone: tuple[Mount, RunningSandbox, Account]) -> Iterator[Counted]:
    mount, server, user = alone
    with Caller() as caller, Service(user.url, user.username, user.password) as service:
        found = Counted(mount, caller, server, service)
        if not caller(names, found.place):
            caller(make_tree, found.place)
            mount.settle()
        yield found


def make_tree(top: Path) -> None:
    """Some folders with small files."""
    for folder in range(FOLDERS):
        (top / f"folder {folder}").mkdir()
        for number in range(FILES):
            write_file(top / f"folder {folder}/file {number}", b"content")


def look_at_all(top: Path) -> int:
    """As ``ls -lR``."""
    seen = 0
    for directory, folders, files in os.walk(top):
        for name in (*folders, *files):
            os.lstat(Path(directory) / name)
            seen += 1
    return seen


def storm(top: Path, rounds: int) -> int:
    """``stat`` of every file again and again."""
    paths = [Path(directory) / name for directory, _, files in os.walk(top) for name in files]
    for _ in range(rounds):
        for path in paths:
            path.stat()
    return rounds * len(paths)


def absent(top: Path, count: int) -> int:
    """Look for files that are not there."""
    return sum(not (top / f"absent {number}").exists() for number in range(count))


def test_an_unchanged_tenant_costs_one_request_a_poll(counted: Counted) -> None:
    counted.caller(look_at_all, counted.place)
    counted.mount.settle()
    counted.mount.stop()
    counted.mount.start()
    counted.mount.call("refresh")
    counted.requests()
    for _ in range(3):
        counted.mount.call("refresh")
        assert counted.requests() == 1


def test_a_change_costs_its_path_and_not_the_tree(counted: Counted) -> None:
    counted.caller(look_at_all, counted.place)
    counted.mount.stop()
    counted.mount.start()
    for _ in range(2):
        counted.mount.call("refresh")
    counted.service.upload(f"/{PLAIN_ROOM}/folder 3/file 7", b"changed content")
    counted.requests()
    counted.mount.call("refresh")
    assert counted.requests() <= 3
    assert counted.caller(os.stat, counted.place / "folder 3/file 7").st_size == len(b"changed content")
    assert counted.requests() == 0


def test_the_kernel_answers_for_what_it_has_seen(counted: Counted) -> None:
    seen = counted.caller(look_at_all, counted.place)
    counted.requests()
    before = counted.kernel_requests()
    asked = counted.caller(storm, counted.place, 10)
    assert asked == 10 * FILES * FOLDERS
    walking = 6 * (FOLDERS + 1)
    assert counted.kernel_requests() - before <= walking + asked // 50
    assert counted.caller(look_at_all, counted.place) == seen
    assert counted.requests() == 0


def test_names_that_are_not_there_cost_no_request(counted: Counted) -> None:
    counted.caller(look_at_all, counted.place)
    counted.requests()
    assert counted.caller(absent, counted.place / "folder 1", 200) == 200
    assert counted.requests() == 0


def test_a_signal_makes_it_look(counted: Counted) -> None:
    counted.caller(look_at_all, counted.place)
    counted.service.upload(f"/{PLAIN_ROOM}/folder 2/signalled", b"now")
    assert not counted.caller((counted.place / "folder 2/signalled").exists)
    os.kill(counted.mount.pid, signal.SIGHUP)
    deadline = time.monotonic() + 60
    while not counted.caller((counted.place / "folder 2/signalled").exists):
        assert time.monotonic() < deadline, "the signal was not heard"
        time.sleep(0.05)


def snapshot(top: Path) -> dict[str, int]:
    """Every path with its size, -1 for a directory; each looked up by itself, not only listed."""
    found: dict[str, int] = {}
    for directory, folders, files in os.walk(top):
        for name in folders:
            path = Path(directory) / name
            path.stat()
            found[str(path.relative_to(top))] = -1
        for name in files:
            path = Path(directory) / name
            found[str(path.relative_to(top))] = path.stat().st_size
    return found


def sizes(top: Path, paths: list[str]) -> list[int | None]:
    """What look-ups of these paths tell, None for an absent one."""
    return [(top / path).stat().st_size if (top / path).exists() else None for path in paths]


def expected(tree: dict[str, int | None]) -> dict[str, int]:
    """The service's tree in the terms of ``snapshot``."""
    return {path: -1 if size is None else size for path, size in tree.items()}


@pytest.mark.parametrize("rounds", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_nothing_is_stale_after_a_change_was_taken_in(counted: Counted, rounds: int) -> None:
    """The kernel may believe names and attributes for minutes; another client changes them all the time."""
    chance, remote = random.Random(rounds), f"/{PLAIN_ROOM}"
    top = counted.place
    for turn in range(rounds):
        tree = counted.service.tree(remote)
        files = [path for path, size in tree.items() if size is not None]
        folders = [path for path, size in tree.items() if size is None]
        before = counted.caller(snapshot, top)
        assert before == expected(tree)
        for number in range(chance.randint(1, 4)):
            change(counted.service, remote, chance, files, folders, f"{turn}-{number}")
        counted.mount.call("refresh")
        present = expected(counted.service.tree(remote))
        looked_up = counted.caller(sizes, top, [path for path, size in before.items() if size >= 0])
        assert looked_up == [present.get(path) for path, size in before.items() if size >= 0]
        assert counted.caller(snapshot, top) == present


def change(
    service: Service, remote: str, chance: random.Random, files: list[str], folders: list[str], mark: str
) -> None:
    """One change by another client; ``files`` and ``folders`` are kept up."""
    kind = chance.choice(["write", "create", "rename", "move", "delete", "folder"])
    file = files.pop(chance.randrange(len(files)))
    parent, _, name = file.rpartition("/")
    if kind == "write":
        service.upload(f"{remote}/{file}", b"x" * chance.randint(0, 5000))
    elif kind == "rename":
        service.rename(f"{remote}/{file}", f"renamed {mark}")
    elif kind == "move":
        target = chance.choice(folders)
        if target != parent:
            service.rename(f"{remote}/{file}", f"moved {mark}")
            service.move(f"{remote}/{parent}/moved {mark}", f"{remote}/{target}")
    elif kind == "delete":
        service.delete(f"{remote}/{file}")
    elif kind == "folder":
        service.make_folder(f"{remote}/{chance.choice(folders)}/folder {mark}")
    else:
        service.upload(f"{remote}/{chance.choice(folders)}/{name} {mark}", b"new")


@pytest.mark.semantics("inode-stable")
def test_an_inode_outlives_what_another_client_does_and_a_restart(counted: Counted) -> None:
    """On this service another id stands for a file that was overwritten."""
    folder, remote = counted.place / "folder 0", f"/{PLAIN_ROOM}/folder 0"
    counted.service.upload(f"{remote}/lasting", b"one")
    counted.mount.call("refresh")
    inode, id = counted.caller(os.stat, folder / "lasting").st_ino, counted.service.id(f"{remote}/lasting")
    counted.service.upload(f"{remote}/lasting", b"overwritten")
    assert counted.service.id(f"{remote}/lasting") != id
    counted.mount.call("refresh")
    found = counted.caller(os.stat, folder / "lasting")
    assert (found.st_ino, found.st_size) == (inode, len(b"overwritten"))
    counted.service.rename(f"{remote}/lasting", "renamed")
    counted.mount.call("refresh")
    assert counted.caller(os.stat, folder / "renamed").st_ino == inode
    counted.mount.stop()
    counted.mount.start()
    assert counted.caller(os.stat, folder / "renamed").st_ino == inode
