"""The mounts that are compared. Each starts with empty caches at a directory of its own."""

import os
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mountcloud.daemon.control import call
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import FileSecrets

READY_WITHIN_S = 30.0
ENDS_WITHIN_S = 120.0
SYNC_WITHIN_S = 600.0
NAME = "bench"
CHECKOUT = os.environ.get("BENCH_CHECKOUT", "") or str(Path(__file__).parents[2])


class Peer(ABC):
    """A directory with the same files as all others. ``pid`` is the process that serves it, if there is one."""

    def __init__(self, label: str, home: Path, below: str = "") -> None:
        self.label = label
        self.home = home
        self._below = below

    @property
    def tree(self) -> Path:
        """Where the files of the measurement are."""
        return self.home / "mount" / self._below

    @property
    def pid(self) -> int | None:
        """Whose processor time and memory count."""
        return None

    def available(self) -> bool:
        """True if this machine has what it needs."""
        return True

    @abstractmethod
    def start(self) -> None:
        """Begin with empty caches."""

    @abstractmethod
    def stop(self) -> None:
        """End, and forget all caches; idempotent."""


class Native(Peer):
    """The local file system."""

    def start(self) -> None:
        """Nothing to do: the files are there."""
        self.tree.mkdir(parents=True, exist_ok=True)

    def stop(self) -> None:
        """Nothing to do."""


class Mounted(Peer):
    """A mount that a process of ours serves in the foreground."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The daemon."""
        return self._process.pid if self._process else None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What serves the mount in the foreground; called when ``home`` is there and empty."""

    def environment(self) -> Mapping[str, str]:
        """Nothing of the user's own settings."""
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

    def start(self) -> None:
        """Make ``home`` anew and mount."""
        shutil.rmtree(self.home, ignore_errors=True)
        (self.home / "mount").mkdir(parents=True)
        command = self.command()
        with (self.home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        self._wait(READY_WITHIN_S)
        self.tree.stat()

    def _wait(self, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while not is_mounted(self.home / "mount"):
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"{self.label} did not mount: {(self.home / 'log').read_text()[-2000:]}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Unmount, wait for the end of the process, delete everything."""
        if is_mounted(self.home / "mount"):
            self._unmount()
        process, self._process = self._process, None
        if process is not None:
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        detach(self.home / "mount")
        shutil.rmtree(self.home, ignore_errors=True)

    def _unmount(self) -> None:
        subprocess.run(["fusermount3", "-u", str(self.home / "mount")], capture_output=True, timeout=60)


@dataclass(frozen=True, slots=True)
class Login:
    """An account of a service as mountcloud's settings name it."""

    provider: str
    options: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class Mountcloud(Mounted):
    """Our own mount of any service, with default settings."""

    def __init__(self, label: str, home: Path, login: Login, below: str = "") -> None:
        super().__init__(label, home, below)
        self._login = login

    @property
    def _paths(self) -> AccountPaths:
        return AccountPaths.of(NAME, self.environment())

    def environment(self) -> Mapping[str, str]:
        """All directories below ``home``; the program of this very checkout."""
        own = {f"XDG_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE", "DATA")}
        return {**super().environment(), **own, "XDG_RUNTIME_DIR": str(self.home / "run"), "PYTHONPATH": CHECKOUT}

    def command(self) -> Sequence[str]:
        """Write the settings; mount."""
        (self.home / "run").mkdir(mode=0o700)
        settings = self.home / "config/mountcloud/config.toml"
        settings.parent.mkdir(parents=True)
        lines = [f"[accounts.{NAME}]", f'provider = "{self._login.provider}"']
        lines += [f"[accounts.{NAME}.{self._login.provider}]"]
        lines += [f'{key} = "{value}"' for key, value in self._login.options.items()]
        settings.write_text("\n".join(lines) + "\n")
        self._paths.create()
        secrets = FileSecrets(self._paths.secrets)
        for name, value in self._login.secrets.items():
            secrets.put(name, value)
        return [sys.executable, "-m", "mountcloud", "mount", NAME, str(self.home / "mount")]

    def settle(self) -> None:
        """Return when nothing is owed to the service."""
        call(self._paths.control, "sync", timeout_s=SYNC_WITHIN_S)


class Rclone(Mounted):
    """``rclone mount`` of a WebDAV server with ``options``; ``crypt`` reads and writes through rclone's encryption."""

    INSTALL = "apt-get install rclone"

    def available(self) -> bool:
        """The program is there."""
        return bool(shutil.which("rclone"))

    def __init__(
        self, label: str, home: Path, url: str, options: Sequence[str] = (), *, crypt: bool = False, below: str = ""
    ) -> None:
        super().__init__(label, home, below)
        self._url, self._options, self._crypt = url, options, crypt

    def command(self) -> Sequence[str]:
        """Write the settings; mount."""
        write_rclone_settings(self.home / "rclone.conf", self._url)
        remote = "secret:" if self._crypt else "server:"
        own = ["--config", str(self.home / "rclone.conf"), "--cache-dir", str(self.home / "cache")]
        return ["rclone", "mount", remote, str(self.home / "mount"), *own, *self._options]


CRYPT_DIRECTORY = "crypt"


def write_rclone_settings(path: Path, url: str) -> None:
    """A remote ``server`` and, in its directory ``crypt``, the encrypted remote ``secret``."""
    done = subprocess.run(["rclone", "obscure", "bench"], capture_output=True, text=True, timeout=30, check=True)
    path.write_text(
        f"[server]\ntype = webdav\nurl = {url}\nvendor = other\n"
        f"[secret]\ntype = crypt\nremote = server:{CRYPT_DIRECTORY}\npassword = {done.stdout.strip()}\n"
    )


class Davfs(Mounted):
    """davfs2. Only root may mount it; its daemon leaves the foreground, and says in a file which one it is."""

    INSTALL = "apt-get install davfs2"
    _daemon: int | None = None

    def available(self) -> bool:
        """The program is there, and we are root."""
        return bool(shutil.which("mount.davfs")) and os.geteuid() == 0

    def __init__(self, label: str, home: Path, url: str, below: str = "") -> None:
        super().__init__(label, home, below)
        self._url = url

    @property
    def pid(self) -> int | None:
        """The daemon."""
        return self._daemon

    def command(self) -> Sequence[str]:
        """Write the settings; mount as root, also inside."""
        (self.home / "cache").mkdir()
        # Its daemon gives up root's rights.
        (self.home / "cache").chmod(0o777)
        for above in (self.home, self.home.parent):
            above.chmod(0o711)
        lines = ["use_locks 0", "ask_auth 0", "delay_upload 0", f"cache_dir {self.home}/cache"]
        (self.home / "davfs2.conf").write_text("\n".join([*lines, "cache_size 8000", ""]))
        where = str(self.home / "mount")
        return ["mount", "-t", "davfs", "-o", f"conf={self.home}/davfs2.conf,uid=root", self._url, where]

    def start(self) -> None:
        """Mount, find the daemon, and try: version 1.6 cannot list a directory with Linux 6.18."""
        super().start()
        name = str(self.home / "mount").strip("/").replace("/", "-")
        self._daemon = int(Path(f"/run/mount.davfs/{name}.pid").read_text())
        try:
            list(self.tree.iterdir())
        except OSError as problem:
            raise RuntimeError(f"{self.label} cannot list a directory: {problem}") from problem

    def _wait(self, limit_s: float) -> None:
        assert self._process
        self._process.wait(limit_s)
        super()._wait(1)

    def _unmount(self) -> None:
        self._daemon = None
        subprocess.run(["umount", str(self.home / "mount")], capture_output=True, timeout=ENDS_WITHIN_S)


def is_mounted(directory: Path) -> bool:
    """True if anything is mounted exactly there."""
    return f" {directory} " in Path("/proc/self/mountinfo").read_text()


def detach(directory: Path) -> None:
    """Unmount lazily whatever is still mounted there."""
    if is_mounted(directory):
        subprocess.run(["umount", "-l", str(directory)], capture_output=True, timeout=60)
