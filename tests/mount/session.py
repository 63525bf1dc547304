"""A real mount for tests: settings and secrets in directories of its own, the daemon in a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path

from mountcloud.daemon.control import ControlError, call
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import FileSecrets
from tests.filesystem.caller import Caller, User
from tests.preloaded import Forked, daemons

NAME = "test"
READY_WITHIN_S = 90.0
STOP_WITHIN_S = 60.0
SYNC_WITHIN_S = 150.0
LAUNCHER = Path(__file__).with_name("launcher.py")
CHECKOUT = Path(__file__).parents[2]
"""The daemon under test is the one beside these tests, whatever is installed."""

SETTINGS = """\
[accounts.{name}]
provider = "{provider}"
poll_interval_s = {poll_interval_s}
{general}

[accounts.{name}.upload]
settle_s = {settle_s}
delete_limit = {delete_limit}

[accounts.{name}.cache]
{cache}

[accounts.{name}.{provider}]
url = "{url}"
{options}
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the daemon works for (``user`` is the service's number), how eagerly, and more settings as TOML.

    Without ``username`` the provider's table gets ``options``. ``secrets`` are instead of the passwords.
    """

    url: str
    user: int
    username: str
    password: str
    encryption_password: str
    poll_interval_s: float = 1.0
    settle_s: float = 0.2
    delete_limit: int = 200
    cache: str = ""
    provider: str = "dracoon"
    general: str = ""
    options: str = ""
    secrets: tuple[tuple[str, str], ...] = ()


class Mount:
    """One account at one mount point. ``home`` is a new directory that the user owns; everything is below it."""

    def __init__(self, home: Path, account: Account, user: User | None = None) -> None:
        self.mountpoint = home / "mount"
        self.user = user
        self.log = home / "daemon.log"
        self._home = home
        self._environment = _environment(home)
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._read = 0
        with Caller(user) as caller:
            caller(_prepare, home, self._environment, account)

    @property
    def paths(self) -> AccountPaths:
        """Where the daemon keeps its things."""
        return AccountPaths.of(NAME, self._environment)

    @property
    def pid(self) -> int:
        """The running daemon."""
        assert self._process, "no daemon runs"
        return self._process.pid

    @property
    def home(self) -> Path:
        """Everything is below it."""
        return self._home

    @property
    def environment(self) -> dict[str, str]:
        """That of the daemon and of ``run``."""
        return dict(self._environment)

    def add_to_environment(self, **variables: str) -> None:
        """For daemons and commands that are started from now on."""
        self._environment |= variables

    def start(self, *options: str) -> None:
        """Start the daemon, and return when it says that it is ready.

        It is forked from a process that has imported everything, unless it gets ``options`` before its command: then
        it is a process as users start it.
        """
        address = self._home / "notify"
        address.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications, self.log.open("ab") as log:
            notifications.bind(str(address))
            address.chmod(0o666)
            self._process = self._daemon(options, {**self._environment, "NOTIFY_SOCKET": str(address)}, log)
            self._wait_until_ready(notifications)

    def stop(self) -> None:
        """Unmount as a user does, and wait for the daemon's end; what it still owes is kept for the next start."""
        process, self._process = self._process, None
        if process is None:
            return
        done = subprocess.run(["fusermount3", "-u", str(self.mountpoint)], capture_output=True, text=True, timeout=60)
        try:
            assert done.returncode == 0, f"unmounting: {done.stderr}"
            code = process.wait(STOP_WITHIN_S)
            assert code == 0, f"the daemon ended with {code}\n{self.log.read_text()[-3000:]}"
        finally:
            self._bury(process)

    def kill(self) -> None:
        """End the daemon without any warning; its mount point stays behind, dead."""
        process, self._process = self._process, None
        assert process
        process.kill()
        process.wait(STOP_WITHIN_S)

    def destroy(self) -> None:
        """End everything, in whatever state it is."""
        process, self._process = self._process, None
        if process is not None:
            self._bury(process)
        _detach(self.mountpoint)

    def call(self, command: str, **arguments: object) -> object:
        """Ask the daemon over its control socket."""
        with Caller(self.user, limit_s=SYNC_WITHIN_S + 10) as caller:
            return caller(call, self.paths.control, command, timeout_s=SYNC_WITHIN_S, **arguments)

    def settle(self) -> None:
        """Return when nothing is owed to the service."""
        try:
            self.call("sync")
        except ControlError as error:
            raise AssertionError(f"{error}\n--- the daemon's log:\n{self.log.read_text()[-8000:]}") from error

    def fresh_view(self) -> None:
        """Settle, unmount, delete every cache, mount again."""
        self.settle()
        self.stop()
        shutil.rmtree(self.paths.cache)
        self.start()

    def run(self, *words: str, entered: str = "") -> subprocess.CompletedProcess[str]:
        """Another ``mountcloud`` command with the same settings; ``entered`` is its standard input."""
        return subprocess.run(
            self.command(*words),
            env=self._environment,
            input=entered,
            capture_output=True,
            text=True,
            timeout=60,
            cwd="/",
        )

    def is_alive(self) -> bool:
        """True if the daemon runs."""
        return self._process is not None and self._process.poll() is None

    def new_log(self) -> str:
        """What the daemon wrote since the last call."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        new, self._read = text[self._read :], len(text)
        return new

    def command(self, *words: str) -> Sequence[str]:
        """How ``run`` calls it."""
        if self.user is None:
            return [sys.executable, "-m", "mountcloud", *words]
        return [sys.executable, str(LAUNCHER), str(self.user.uid), str(self.user.gid), *words]

    def _daemon(
        self, options: Sequence[str], environment: dict[str, str], log: BufferedWriter
    ) -> subprocess.Popen[bytes] | Forked:
        words = (*options, "mount", NAME, str(self.mountpoint))
        if not options:
            user = (self.user.uid, self.user.gid) if self.user else None
            return daemons.start(words, environment, log.fileno(), log.fileno(), user=user)
        return subprocess.Popen(
            self.command(*words), env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
        )

    def _wait_until_ready(self, notifications: socket.socket) -> None:
        assert self._process
        deadline = time.monotonic() + READY_WITHIN_S
        notifications.settimeout(0.1)
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if b"READY=1" in notifications.recv(4096).split(b"\n"):
                    return
            except TimeoutError:
                continue
        ended = self._process.poll()
        self.destroy()
        how = f"ended with {ended}" if ended is not None else f"was not ready within {READY_WITHIN_S} s"
        raise AssertionError(f"the daemon {how}\n{self.log.read_text()[-5000:]}")

    def _bury(self, process: subprocess.Popen[bytes] | Forked) -> None:
        """Make sure that neither process nor mount stays; a daemon that hangs tells where (faulthandler)."""
        if process.poll() is None:
            process.send_signal(signal.SIGABRT)
            _detach(self.mountpoint)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        _detach(self.mountpoint)


def _environment(home: Path) -> dict[str, str]:
    directories = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE", "DATA")}
    return {
        **directories,
        "XDG_RUNTIME_DIR": str(home / "run"),
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONPATH": str(CHECKOUT),
    }


def _prepare(home: Path, environment: dict[str, str], account: Account) -> None:
    """Runs as the user that will mount."""
    (home / "mount").mkdir()
    (home / "run").mkdir(mode=0o700)
    settings = home / "config/mountcloud/config.toml"
    settings.parent.mkdir(parents=True)
    eagerness = {"poll_interval_s": account.poll_interval_s, "settle_s": account.settle_s}
    options = f'username = "{account.username}"' if account.username else account.options
    place = {"provider": account.provider, "url": account.url, "options": options}
    more = {"cache": account.cache, "general": account.general, "delete_limit": account.delete_limit}
    settings.write_text(SETTINGS.format(name=NAME, **place, **eagerness, **more))
    paths = AccountPaths.of(NAME, environment)
    paths.create()
    secrets = FileSecrets(paths.secrets)
    passwords = (("password", account.password), ("encryption_password", account.encryption_password))
    for secret, value in account.secrets or passwords:
        secrets.put(secret, value)


def _detach(mountpoint: Path) -> None:
    """Unmount lazily if anything is mounted there, dead or alive."""
    if f" {mountpoint} " in Path("/proc/self/mountinfo").read_text():
        subprocess.run(["fusermount3", "-u", "-z", str(mountpoint)], capture_output=True, timeout=60, check=True)
