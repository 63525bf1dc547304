"""Secrets in a desktop's real keyring, on a private bus, by the real commands."""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mountcloud.daemon.paths import AccountPaths
from tests.mount.session import CHECKOUT
from tests.sandbox.account import fresh
from tests.sandbox.fixture import RunningSandbox

WITHIN_S = 60
PASSWORD, ENCRYPTION_PASSWORD = "a password", "key secret"


def _missing() -> list[str]:
    programs = [each for each in ("dbus-daemon", "gnome-keyring-daemon") if shutil.which(each) is None]
    return [*programs, *(each for each in ("keyring", "secretstorage") if importlib.util.find_spec(each) is None)]


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a session with an unlocked GNOME keyring."""
    if missing := _missing():
        reason = f"no real Secret Service: {', '.join(missing)} is missing; ./run setup brings it"
        pytest.fail(reason) if "MOUNTCLOUD_REQUIRE_ALL" in os.environ else pytest.skip(reason)
    with TemporaryDirectory() as runtime:  # names of sockets must be short
        yield from _session(tmp_path, runtime)


def _session(tmp_path: Path, runtime: str) -> Iterator[dict[str, str]]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": runtime,
        "PYTHONPATH": os.pathsep.join([str(CHECKOUT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
        "LC_ALL": "C.UTF-8",
    }
    bus = ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:path={runtime}/bus"]
    with subprocess.Popen(
        bus, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as session:
        assert session.stdout
        environment["DBUS_SESSION_BUS_ADDRESS"] = session.stdout.readline().strip()
        # A copy, which has none of the file capabilities that containers do not grant.
        program = shutil.copy(shutil.which("gnome-keyring-daemon") or "", tmp_path / "gnome-keyring-daemon")
        keyring = [program, "--foreground", "--unlock", "--components=secrets"]
        with subprocess.Popen(
            keyring, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as service:
            assert service.stdin
            service.stdin.write(b"the keyring's own")
            service.stdin.close()
            yield environment
            service.terminate()
        session.terminate()


def run(environment: dict[str, str], *words: str, entered: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mountcloud", *words]
    return subprocess.run(command, env=environment, input=entered, capture_output=True, text=True, timeout=WITHIN_S)


def kept(environment: dict[str, str], secret: str) -> str:
    """What another program of the session finds there."""
    asked = f"import keyring; print(keyring.get_password('mountcloud/work', {secret!r}) or '')"
    command = [sys.executable, "-c", asked]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=True
    ).stdout.strip()


def wait_for_keyring(environment: dict[str, str]) -> None:
    deadline = time.monotonic() + WITHIN_S
    probe = "import keyring; keyring.set_password('probe', 'probe', 'x'); print(keyring.get_keyring().name)"
    while True:
        done = subprocess.run(
            [sys.executable, "-c", probe], env=environment, capture_output=True, text=True, timeout=30
        )
        if "SecretService" in done.stdout:
            return
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)


def test_the_keyring_keeps_what_a_log_in_stores(sandbox: RunningSandbox, desktop: dict[str, str]) -> None:
    wait_for_keyring(desktop)
    name = fresh("desktop")
    user = sandbox.control.add_user(name, PASSWORD, (4,))
    sandbox.control.add_key_pair(user, ENCRYPTION_PASSWORD, "A")
    words = ("login", "work", "--url", sandbox.base_url, "--user", name, "--password-stdin")
    done = run(desktop, *words, entered=f"{PASSWORD}\n{ENCRYPTION_PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    assert kept(desktop, "encryption_password") == ENCRYPTION_PASSWORD
    token = kept(desktop, "refresh_token")
    assert (bool(token), kept(desktop, "password")) == (True, "")
    assert not AccountPaths.of("work", desktop).secrets.exists()
    checked = run(desktop, "doctor", "work")
    assert (checked.returncode, "accepts the credentials" in checked.stdout) == (0, True), checked.stdout
    everything = [path for path in Path(desktop["HOME"]).rglob("*") if path.is_file()]
    told = [path for path in everything for word in (ENCRYPTION_PASSWORD, token) if word.encode() in path.read_bytes()]
    assert (len(everything) > 2, told) == (True, [])
    assert run(desktop, "logout", "work").returncode == 0
    assert (kept(desktop, "encryption_password"), kept(desktop, "refresh_token")) == ("", "")
