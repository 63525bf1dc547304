"""The daemon under a manager: what systemd hears from it, and what becomes of owed work at the end and at a kill."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.mount.fixture import PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import new_home
from tests.sandbox.account import fresh
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount
WITHIN_S = 90
WATCHDOG_S = 2.0
PICTURE = bytes(200_000)


@dataclass
class Manager:
    """Plays systemd for one unit: the notification socket, the watchdog's interval, signals, restarts."""

    mount: Mount
    listener: socket.socket
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        environment = self.mount.environment | {"WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
        environment["NOTIFY_SOCKET"] = str(self.mount.home / "manager")
        command = [sys.executable, "-m", "mountcloud", "mount", "test", str(self.mount.mountpoint)]
        with self.mount.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd="/")

    def hear(self, wanted: str) -> list[str]:
        """All states until one begins so, that one included."""
        heard: list[str] = []
        deadline = time.monotonic() + WITHIN_S
        while not any(each.startswith(wanted) for each in heard):
            assert time.monotonic() < deadline, f"{wanted} was never said, only {heard}"
            assert self.process, "start it first"
            assert self.process.poll() is None, self.mount.log.read_text()[-3000:]
            try:
                heard += self.listener.recv(4096).decode().split("\n")
            except TimeoutError:
                continue
        return heard

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(WITHIN_S)


@pytest.fixture
def manager(fuse: None, account: Account, request: pytest.FixtureRequest) -> Iterator[Manager]:
    general = getattr(request, "param", "")
    with new_home(None) as home, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        mount = Mount(home, replace(account, general=general))
        listener.bind(str(home / "manager"))
        listener.settimeout(0.2)
        manager = Manager(mount, listener)
        try:
            yield manager
        finally:
            if manager.process is not None and manager.process.poll() is None:
                manager.process.kill()
                manager.process.wait(WITHIN_S)
            mount.destroy()


def test_it_is_ready_when_it_can_be_listed_and_stays_awake(manager: Manager) -> None:
    manager.start()
    heard = manager.hear("READY=1")
    with Caller(limit_s=60) as caller:
        assert PLAIN_ROOM in caller(os.listdir, manager.mount.mountpoint)
    assert heard[-1] == f"STATUS=mounted on {manager.mount.mountpoint}"
    began = time.monotonic()
    for _ in range(3):
        manager.hear("WATCHDOG=1")
    assert time.monotonic() - began < 10 * WATCHDOG_S
    assert manager.end() == 0
    assert not os.path.ismount(manager.mount.mountpoint)


@pytest.mark.semantics("close-stop")
def test_a_stop_sends_the_last_changes_and_says_so(
    manager: Manager, service: Service, troubled: RunningSandbox
) -> None:
    manager.start()
    manager.hear("READY=1")
    name = fresh("last")
    troubled.control.fault(".*/nodes/files/uploads.*", status=503, count=-1)
    with Caller() as caller:
        caller((manager.mount.mountpoint / PLAIN_ROOM / name).write_bytes, b"the last words")
    assert manager.process
    manager.process.terminate()
    heard = manager.hear("STATUS=sending 1 changes")
    assert "STOPPING=1" in heard
    manager.hear("EXTEND_TIMEOUT_USEC=")
    troubled.control.clear_faults()
    assert manager.process.wait(WITHIN_S) == 0
    assert service.download(f"/{PLAIN_ROOM}/{name}") == b"the last words"


@pytest.mark.semantics("close-stop")
@pytest.mark.parametrize("manager", ["stop_grace_s = 0.5"], indirect=True)
def test_what_a_stop_cannot_send_goes_on_after_the_next_start(
    manager: Manager, service: Service, troubled: RunningSandbox
) -> None:
    manager.start()
    manager.hear("READY=1")
    name = fresh("kept")
    troubled.control.fault(".*/nodes/files/uploads.*", status=503, count=-1)
    with Caller() as caller:
        caller((manager.mount.mountpoint / PLAIN_ROOM / name).write_bytes, b"not lost")
    assert manager.end() == 0
    assert "1 changes are still owed" in manager.mount.log.read_text()
    assert service.find(f"/{PLAIN_ROOM}/{name}") is None
    troubled.control.clear_faults()
    manager.start()
    manager.hear("READY=1")
    manager.mount.call("sync")
    assert service.download(f"/{PLAIN_ROOM}/{name}") == b"not lost"
    assert manager.end() == 0


def test_a_second_signal_ends_the_waiting(manager: Manager, troubled: RunningSandbox) -> None:
    manager.start()
    manager.hear("READY=1")
    troubled.control.fault(".*/nodes/files/uploads.*", status=503, count=-1)
    with Caller() as caller:
        caller((manager.mount.mountpoint / PLAIN_ROOM / fresh("impatient")).write_bytes, b"x")
    assert manager.process
    manager.process.terminate()
    manager.hear("STOPPING=1")
    assert manager.end(signal.SIGINT) == 0
    assert "ending now on a second SIGINT" in manager.mount.log.read_text()


def test_after_a_kill_the_restart_finds_a_usable_mount_and_the_work(
    manager: Manager, service: Service, troubled: RunningSandbox
) -> None:
    manager.start()
    manager.hear("READY=1")
    name = fresh("killed")
    troubled.control.fault(".*/nodes/files/uploads.*", status=503, count=-1)
    with Caller() as caller:
        caller((manager.mount.mountpoint / PLAIN_ROOM / name).write_bytes, b"survives")
        assert manager.end(signal.SIGKILL) == -signal.SIGKILL
    troubled.control.clear_faults()
    manager.start()
    manager.hear("READY=1")
    with Caller() as caller:
        assert caller((manager.mount.mountpoint / PLAIN_ROOM / name).read_bytes) == b"survives"
    manager.mount.call("sync")
    assert service.download(f"/{PLAIN_ROOM}/{name}") == b"survives"
    assert manager.end() == 0


def test_unmounting_waits_and_tells_what_is_left(manager: Manager, service: Service, troubled: RunningSandbox) -> None:
    manager.start()
    manager.hear("READY=1")
    name = fresh("unmounted")
    troubled.control.fault(".*/nodes/files/uploads.*", status=503, count=-1)
    with Caller() as caller:
        caller((manager.mount.mountpoint / PLAIN_ROOM / name).write_bytes, b"in time")
    command = [sys.executable, "-m", "mountcloud", "umount", str(manager.mount.mountpoint)]
    environment = manager.mount.environment
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd="/") as unmounting:
        assert unmounting.stderr
        told = ""
        while "Sending the last changes: 1 left" not in told:
            piece = unmounting.stderr.readline()
            assert piece, told
            told += piece
        troubled.control.clear_faults()
        told += unmounting.stderr.read()
    assert unmounting.returncode == 0, told
    assert service.download(f"/{PLAIN_ROOM}/{name}") == b"in time"
    assert manager.process
    assert manager.process.wait(WITHIN_S) == 0


def drawn(directory: Path) -> tuple[int, int]:
    """How many files a file manager would show, and of how many it would draw a picture."""
    files, read = list(directory.iterdir()), 0
    for file in files:
        try:
            read += file.read_bytes() == PICTURE
        except PermissionError:
            continue
    return len(files), read


@pytest.mark.semantics("read-thumbnails")
def test_thumbnails_fetch_nothing(manager: Manager, service: Service, server: RunningSandbox) -> None:
    """A folder of 1,000 cold photos costs its listing; also with the type that file managers take for remote."""
    folder = f"{PLAIN_ROOM}/{fresh('photos')}"
    service.make_folder(f"/{folder}")
    server.control.populate(service.id(f"/{folder}"), 1000, prefix="photo", suffix=".jpg", size=len(PICTURE))
    settings = manager.mount.home / "config/mountcloud/config.toml"
    settings.write_text(settings.read_text() + '\n[accounts.test.desktop]\nsubtype = "sshfs"\n')
    manager.start()
    manager.hear("READY=1")
    photos = manager.mount.mountpoint / folder
    with Caller() as thumbnailer, Caller() as viewer:
        thumbnailer(Path("/proc/self/comm").write_text, "tumblerd")
        server.control.forget_requests()
        assert thumbnailer(drawn, photos) == (1000, 0)
        assert server.control.requests().count("", "downloads") == 0
        first = next(iter(viewer(os.listdir, photos)))
        assert viewer((photos / first).read_bytes) == PICTURE
        assert thumbnailer(drawn, photos) == (1000, 1)
    (shown,) = [
        line
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if f" {manager.mount.mountpoint} " in line
    ]
    assert " - fuse.sshfs mountcloud:test " in shown
    assert manager.end() == 0
