"""The unit under a real user manager of systemd, in namespaces of its own: other tests' mounts are not its business.

No machine is required to have systemd. Where it rules the machine already, a second manager would be in its way; there
``tests/mount/test_manager.py`` and ``systemd-analyze`` must do, as they do by default.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.mount.fixture import PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import new_home
from tests.sandbox.account import fresh

pytestmark = [pytest.mark.mount, pytest.mark.slow]
SYSTEMD = Path("/usr/lib/systemd/systemd")
WITHIN_S, STARTED_WITHIN_S = 90, 30
UNIT = "mountcloud@test.service"
PROBE = "[Service]\nType=oneshot\nLimitNOFILE=524288\nLimitCORE=0\nExecStart=/bin/true\n"
"""What a machine that can run the unit runs as well."""
NO_KEYRING = "keyring.backends.null.Keyring"
"""The manager brings a bus, on which a keyring might be found that nobody can unlock here."""

# The manager takes all processes of its own control group for its own, so it gets one in which nobody else is. It looks
# for /run/systemd/system to tell whether it is wanted. A mount that this namespace kept would outlive its test.
CONTROL_GROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")
"""Where systemd's are, in whichever of its versions."""
NAMESPACE = f"""
for each in {" ".join(CONTROL_GROUPS)}; do
    [ ! -e "$each/cgroup.procs" ] || {{ mkdir "$each/$1" && echo 0 >"$each/$1/cgroup.procs"; }} || exit
done
awk '/ - fuse/ {{print $5}}' /proc/self/mountinfo | while read -r each; do umount -l "$each"; done
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system || exit
{SYSTEMD} --user --log-target=console &
wait
"""


@dataclass
class Manager:
    """A user's systemd, and how to speak to it from where it is."""

    mount: Mount
    shell: int

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A program beside the manager."""
        inside = ["nsenter", f"--target={self.shell}", "--mount", "--pid", "--", *words]
        return subprocess.run(
            inside, env=self.mount.environment, capture_output=True, text=True, timeout=WITHIN_S, cwd="/"
        )

    def tell(self, *words: str) -> str:
        """What a ``mountcloud`` command that succeeds says."""
        done = self.run(*self.mount.command(*words))
        assert done.returncode == 0, f"{words}: {done.stderr}\n{self.mount.log.read_text()[-3000:]}"
        return done.stdout

    def show(self, what: str) -> str:
        """A property of the unit."""
        return self.run("systemctl", "--user", "show", "--value", "--property", what, UNIT).stdout.strip()


@pytest.fixture
def manager(fuse: None, account: Account) -> Iterator[Manager]:
    if reason := _why_not():
        pytest.skip(f"no systemd to try the unit with: {reason}")
    with new_home(None) as home:
        mount = Mount(home, replace(account, general=f'mountpoint = "{home}/mount"'))
        units = home / "config/systemd/user"
        drop_in = units / "mountcloud@.service.d/quick.conf"
        drop_in.parent.mkdir(parents=True)
        drop_in.write_text(f"[Service]\nRestartSec=0.1\nStandardError=append:{mount.log}\n")
        (units / "probe.service").write_text(PROBE)
        # What the machine enabled for everybody's sessions stays out.
        mount.add_to_environment(SYSTEMD_UNIT_PATH=f"{units}:/usr/lib/systemd/user", PYTHON_KEYRING_BACKEND=NO_KEYRING)
        own = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation=private"]
        with (
            mount.log.open("ab") as log,
            subprocess.Popen(
                ["unshare", *own, "sh", "-c", NAMESPACE, "sh", home.name],
                env=mount.environment,
                stdout=log,
                stderr=log,
                cwd="/",
            ) as process,
        ):
            try:
                yield Manager(mount, _started(process.pid, mount))
            finally:
                process.kill()
                process.wait(WITHIN_S)
                _remove_control_groups(home.name)


def _remove_control_groups(name: str) -> None:
    """Those of processes that have ended; the last of them may take a moment."""
    for each in CONTROL_GROUPS:
        left = sorted(Path(each).glob(f"{name}/**"), reverse=True)
        deadline = time.monotonic() + STARTED_WITHIN_S
        while left and time.monotonic() < deadline:
            try:
                left[0].rmdir()
                del left[0]
            except OSError:
                time.sleep(0.05)


def _why_not() -> str:
    missing = [each for each in ("unshare", "nsenter", "systemctl", "awk") if shutil.which(each) is None]
    if missing or not SYSTEMD.exists():
        return f"{' and '.join(missing) or SYSTEMD} is missing"
    if os.geteuid() != 0:
        return "only root can make a namespace for it"
    return "it rules this machine" if Path("/run/systemd/system").exists() else ""


def _started(unshare: int, mount: Mount) -> int:
    """The process that keeps the namespaces, once the manager answers. Where it cannot run, that is no failure."""
    children = Path(f"/proc/{unshare}/task/{unshare}/children")
    deadline = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < deadline and children.exists():
        if words := children.read_text().split():
            found = Manager(mount, int(words[0]))
            tried = found.run("systemctl", "--user", "start", "probe.service")
            if tried.returncode == 0:
                return found.shell
        time.sleep(0.3)
    pytest.skip(f"systemd's user manager does not run on this machine: {mount.log.read_text()[-300:]}")


def until(happened: Callable[[], bool], manager: Manager) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not happened():
        assert time.monotonic() < deadline, manager.run("systemctl", "--user", "status", UNIT).stdout
        time.sleep(0.3)


def test_the_unit_mounts_restarts_and_unmounts(manager: Manager, service: Service) -> None:
    """One life: enabled, ready when ``ls`` works, killed, back with what was written, disabled with all of it sent."""
    path = f"{PLAIN_ROOM}/{fresh('unit')}"
    here = manager.mount.mountpoint
    assert f"test is mounted at {here}" in manager.tell("service", "enable", "test")
    assert PLAIN_ROOM in manager.run("ls", str(here)).stdout.splitlines()
    assert (manager.show("ActiveState"), manager.show("StatusText")) == ("active", f"mounted on {here}")
    assert manager.run("sh", "-c", f"echo words > '{here}/{path}'").returncode == 0
    first = manager.show("MainPID")
    assert manager.run("kill", "-KILL", first).returncode == 0
    until(lambda: manager.show("ActiveState") == "active" and manager.show("MainPID") not in {first, "0"}, manager)
    assert manager.run("cat", str(here / path)).stdout == "words\n"
    assert "not mounted any more" in manager.tell("service", "disable", "test")
    assert manager.show("ActiveState") == "inactive"
    assert manager.run("findmnt", "--mountpoint", str(here)).stdout == ""
    assert service.download(f"/{path}") == b"words\n"
