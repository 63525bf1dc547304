"""``mountcloud login`` with a Nextcloud: in the browser, by app password, by a typed password."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import file_secrets
from tests.nextcloud.dav import Dav
from tests.nextcloud.server import NextcloudServer

WITHIN_S = 60


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


def start(environment: dict[str, str], *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "mountcloud", "login", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def granting(process: "subprocess.Popen[str]", login: str, password: str) -> tuple[str, str]:
    """Do what a person does in the browser; what the command said in the end."""
    assert process.stderr is not None
    address = ""
    while not address:
        line = process.stderr.readline()
        assert line, "the command ended without an address"
        found = re.search(r"http\S+", line)
        address = found[0] if found else ""
    with httpx.Client(trust_env=False) as browser:
        assert browser.post(address, data={"user": login, "password": password}).status_code == 200
    out, err = process.communicate(timeout=WITHIN_S)
    return out, err


def secret(environment: dict[str, str]) -> str:
    return file_secrets(AccountPaths.of("work", environment), environment).get("password") or ""


def settings(environment: dict[str, str]) -> str:
    return (Path(environment["HOME"]) / ".config/mountcloud/config.toml").read_text()


def test_the_browser_is_enough(nextcloud: NextcloudServer, environment: dict[str, str]) -> None:
    account = nextcloud.control.add_account("browsing", "typed")
    nextcloud.control.call("PUT", "/accounts", account=account, two_factor=True)
    url = f"{nextcloud.base_url}/index.php/apps/files/"
    out, err = granting(start(environment, "work", "--provider", "nextcloud", "--url", url), "browsing", "typed")
    assert "Logged in" in out, err
    kept = settings(environment)
    assert f'url = "{nextcloud.base_url}"' in kept
    assert 'username = "browsing"' in kept
    password = secret(environment)
    assert password
    assert password not in out + err + kept
    with Dav(nextcloud.base_url, account, "browsing", password) as dav:
        assert dav.names() == set()


def test_logging_in_again_is_for_the_same_account(nextcloud: NextcloudServer, environment: dict[str, str]) -> None:
    for login in ("first", "second"):
        nextcloud.control.add_account(login, "typed")
    command = ("work", "--provider", "nextcloud", "--url", nextcloud.base_url)
    granting(start(environment, *command), "first", "typed")
    before = secret(environment)
    out, err = granting(start(environment, "work"), "second", "typed")
    assert "second" in err
    assert "Logged in" not in out
    assert secret(environment) == before
    out, _ = granting(start(environment, "work"), "first", "typed")
    assert "Logged in" in out
    assert secret(environment) != before


def test_a_typed_password_is_not_kept(nextcloud: NextcloudServer, environment: dict[str, str]) -> None:
    nextcloud.control.add_account("typing", "typed password")
    command = ("work", "--provider", "nextcloud", "--url", nextcloud.base_url, "--user", "typing", "--password-stdin")
    out, err = start(environment, *command).communicate("typed password\n", timeout=WITHIN_S)
    assert "Logged in" in out, err
    assert len(secret(environment)) == 72


def test_an_app_password_is_kept_and_a_wrong_one_refused(
    nextcloud: NextcloudServer, environment: dict[str, str], dav: Dav
) -> None:
    command = ("work", "--provider", "nextcloud", "--url", nextcloud.base_url, "--user", dav.login, "--password-stdin")
    out, err = start(environment, *command).communicate("wrong\n", timeout=WITHIN_S)
    assert "Logged in" not in out
    assert "does not accept" in err
    out, err = start(environment, *command).communicate(f"{dav.password}\n", timeout=WITHIN_S)
    assert "Logged in" in out, err
    assert secret(environment) == dav.password
