"""Logging in as people do, with the real command, a sandbox, a browser's stand-in, a terminal and a running daemon."""

import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import file_secrets
from tests.filesystem.caller import Caller
from tests.mount.fixture import ENCRYPTED_ROOM, PASSWORD, PLAIN_ROOM, ROOM_MANAGER
from tests.mount.service import Service
from tests.mount.session import CHECKOUT, Account, Mount
from tests.mount.shared import mounted, new_home
from tests.mount.terminal import Terminal
from tests.sandbox.account import fresh
from tests.sandbox.fixture import RunningSandbox

WITHIN_S = 60
BROWSER = f"{sys.executable} -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()' %s"
"""A browser whose user is logged in and agrees to everything."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "run").mkdir(mode=0o700)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "PYTHONPATH": str(CHECKOUT),
        "LC_ALL": "C.UTF-8",
    }


def run(environment: dict[str, str], *words: str, entered: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mountcloud", *words]
    return subprocess.run(command, env=environment, input=entered, capture_output=True, text=True, timeout=WITHIN_S)


def kept(environment: dict[str, str], secret: str) -> str | None:
    return file_secrets(AccountPaths.of("work", environment), environment).get(secret)


def test_granting_access_in_a_browser(sandbox: RunningSandbox, environment: dict[str, str]) -> None:
    user = fresh("browsing")
    sandbox.control.add_user(user)
    before = sandbox.control.switches()
    sandbox.control.set(authorize_as=user)
    try:
        environment["BROWSER"] = BROWSER
        done = run(environment, "login", "work", "--url", sandbox.base_url, "--browser", entered="n\n")
    finally:
        sandbox.control.set(**before)
    assert done.returncode == 0, done.stderr
    assert kept(environment, "refresh_token")
    assert kept(environment, "password") is None
    settings = (Path(environment["HOME"]) / ".config/mountcloud/config.toml").read_text()
    assert "redirect_uri" not in settings
    form = {"grant_type": "refresh_token", "refresh_token": kept(environment, "refresh_token") or ""}
    assert run(environment, "logout", "work").returncode == 0
    assert kept(environment, "refresh_token") is None
    with httpx.Client(trust_env=False) as thief:
        answer = thief.post(f"{sandbox.base_url}/oauth/token", data=form, auth=("dracoon_legacy_scripting", ""))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.fixture
def terminal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    """A terminal with a shell's environment."""
    if shutil.which("tmux") is None:
        required = "MOUNTCLOUD_REQUIRE_ALL" in os.environ
        pytest.fail("tmux is missing") if required else pytest.skip("tmux is missing; ./run setup installs it")
    with Terminal(tmp_path, environment) as terminal:
        yield terminal


def test_a_terminal_over_ssh(sandbox: RunningSandbox, environment: dict[str, str], terminal: Terminal) -> None:
    """The code is pasted, and the account gets its first key pair."""
    user = fresh("typing")
    sandbox.control.add_user(user)
    before = sandbox.control.switches()
    sandbox.control.set(authorize_as=user)
    terminal.environment["SSH_CONNECTION"] = "198.51.100.1 1 198.51.100.2 22"
    try:
        terminal.start("login", "work", "--url", sandbox.base_url, "--browser")
        found = terminal.wait(r"http\S+/oauth/authorize\S+")
        with httpx.Client(trust_env=False, follow_redirects=True) as browser:
            page = browser.get(found[0]).text
        code = re.search(r"<code>(.*)</code>", page)
        assert code, page
        terminal.answer("The code that you are shown", code[1])
        terminal.answer("has no key pair", "y")
        terminal.answer("Kind", "A")
        terminal.answer("New encryption password", "first secret")
        terminal.answer("Repeat for confirmation", "first secret")
        terminal.wait("Logged in")
    finally:
        sandbox.control.set(**before)
    assert "Nobody can replace that password" in terminal.written()
    assert "first secret" not in terminal.written()
    assert (kept(environment, "encryption_password"), bool(kept(environment, "refresh_token"))) == (
        "first secret",
        True,
    )


def test_typed_passwords_are_never_shown(
    sandbox: RunningSandbox, environment: dict[str, str], terminal: Terminal
) -> None:
    """At a log-in with a key pair, and when the pair is replaced, which is warned of and refused in passing."""
    name = fresh("typing")
    user = sandbox.control.add_user(name, PASSWORD, (ROOM_MANAGER,))
    sandbox.control.add_key_pair(user, "key secret", "A")
    terminal.start("login", "work", "--url", sandbox.base_url, "--user", name)
    terminal.answer("Password", PASSWORD)
    terminal.answer("Encryption password", "wrong secret")
    terminal.answer("try again.*Encryption password", "key secret")
    terminal.wait("Logged in")
    assert kept(environment, "encryption_password") == "key secret"
    assert run(environment, "keypair", "work").stdout == "A\n"
    terminal.start("keypair", "work", "--replace", "A")
    terminal.answer("type the account's name", "y")
    terminal.wait("nothing was changed")
    terminal.start("keypair", "work", "--replace", "A")
    terminal.answer("FOR EVER.*type the account's name", "work")
    terminal.answer("New encryption password", "second secret")
    terminal.answer("Repeat for confirmation", "second secret")
    terminal.wait("has a new key pair A")
    assert kept(environment, "encryption_password") == "second secret"
    assert run(environment, "doctor", "work").returncode == 0
    typed = (PASSWORD, "wrong secret", "key secret", "second secret")
    assert [each for each in typed if each in terminal.written()] == []


@pytest.mark.mount
def test_a_new_log_in_needs_no_new_mount(
    server: RunningSandbox, account: Account, service: Service, fuse: None
) -> None:
    name = f"/{PLAIN_ROOM}/{fresh('waits')}"
    with mounted(account) as mount, Caller() as caller:
        caller(os.listdir, mount.mountpoint / PLAIN_ROOM)
        file_secrets(mount.paths, mount.environment).delete("password")
        server.control.expire("access", "refresh", user=account.user)
        caller((mount.mountpoint / name.strip("/")).write_bytes, b"words")
        until_offline(mount)
        assert service.find(name) is None
        done = mount.run("login", "test", "--password-stdin", entered=f"{PASSWORD}\n\n")
        assert (done.returncode, "Its mount goes on" in done.stdout) == (0, True), done.stderr
        mount.settle()
        assert service.find(name) is not None


@pytest.mark.mount
def test_a_keyring_that_asks_its_user_holds_no_program_up(
    server: RunningSandbox, account: Account, service: Service, fuse: None
) -> None:
    name = f"/{PLAIN_ROOM}/{fresh('unlocked')}"
    with new_home(None) as home, Caller() as caller:
        mount, lock = Mount(home, account), home / "locked"
        mount.add_to_environment(PYTHON_KEYRING_BACKEND="tests.mount.slow_keyring.Keyring", KEYRING_DIRECTORY=str(home))
        try:
            mount.start()
            caller(os.listdir, mount.mountpoint / PLAIN_ROOM)
            lock.touch()
            server.control.expire("access", user=account.user)
            until((home / "asked").exists)
            until(lambda: "it may be asking you to unlock it" in mount.log.read_text())
            assert caller(os.listdir, mount.mountpoint) != []
            caller((mount.mountpoint / name.strip("/")).write_bytes, b"words")
            lock.unlink()
            mount.settle()
            assert service.find(name) is not None
            assert "mountcloud/test refresh_token" in (home / "secrets").read_text()
        finally:
            mount.destroy()


def until_offline(mount: Mount) -> None:
    until(lambda: '"online": false' in mount.run("status", "test", "--json").stdout)


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.mount
def test_secrets_are_nowhere_but_in_their_store(
    server: RunningSandbox, account: Account, fuse: None, tmp_path: Path
) -> None:
    with mounted(account) as mount, Caller() as caller:
        mount.stop()
        mount.start("--verbose")
        for room in (PLAIN_ROOM, ENCRYPTED_ROOM):
            file = mount.mountpoint / room / fresh("file")
            caller(file.write_bytes, b"x" * 100_000)
            mount.settle()
            caller(file.read_bytes)
        mount.run("login", "test", "--password-stdin", entered=f"{PASSWORD}\n{account.encryption_password}\n")
        server.control.expire("access", user=account.user)
        mount.call("refresh")
        process = Path(f"/proc/{mount.pid}")
        secrets = file_secrets(mount.paths, mount.environment)
        values = [PASSWORD, account.encryption_password, secrets.get("refresh_token") or "none"]
        values.append(secrets.get(f"draft_key_{mount.paths.draft_key.read_text()}") or "none")
        assert "none" not in values
        seen = {
            "the log": mount.log.read_bytes(),
            "the arguments": (process / "cmdline").read_bytes(),
            "the environment": (process / "environ").read_bytes(),
            "the settings": (mount.home / "config/mountcloud/config.toml").read_bytes(),
            "the secret store": mount.paths.secrets.read_bytes(),
            "the journal": mount.paths.journal.read_bytes(),
            "the index": mount.paths.index.read_bytes(),
        }
        found = [place for place, content in seen.items() for value in values if value.encode() in content]
        assert found == []
        assert len(seen["the log"]) > 1000
        open_files = [
            path for path in mount.home.rglob("*") if path.is_file() and not path.is_relative_to(mount.mountpoint)
        ]
        private = (mount.paths.state, mount.paths.cache)
        readable = [
            path
            for path in open_files
            if stat.S_IMODE(path.stat().st_mode) & 0o077 and not any(path.is_relative_to(each) for each in private)
        ]
        assert {path.name for path in readable} <= {"daemon.log", "config.toml"}
