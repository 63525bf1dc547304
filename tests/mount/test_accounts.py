"""Several accounts of one user, mounted at once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import file_secrets
from tests.filesystem.caller import Caller
from tests.mount.fixture import ENCRYPTION_PASSWORD, PASSWORD, PLAIN_ROOM, ROOM_MANAGER
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.sandbox.account import fresh
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount
WITHIN_S = 60
SECOND = """
[accounts.second]
provider = "dracoon"
mountpoint = "{mountpoint}"
poll_interval_s = 1.0

[accounts.second.upload]
settle_s = 0.2

[accounts.second.dracoon]
url = "{url}"
username = "{username}"
"""


@pytest.fixture
def first(fuse: None, account: Account) -> Iterator[Mount]:
    with mounted(account) as mount:
        yield mount


@pytest.fixture
def second(first: Mount, account: Account, server: RunningSandbox) -> Iterator[Path]:
    """Another account in the same settings, mounted by another daemon; its mount point."""
    name = fresh("second")
    user = server.control.add_user(name, PASSWORD, (ROOM_MANAGER,))
    server.control.add_key_pair(user, ENCRYPTION_PASSWORD)
    server.control.add_room("Second", user)
    mountpoint = first.home / "second"
    settings = first.home / "config/mountcloud/config.toml"
    text = SECOND.format(mountpoint=mountpoint, url=account.url, username=name)
    settings.write_text(settings.read_text() + text)
    paths = AccountPaths.of("second", first.environment)
    paths.create()
    file_secrets(paths, first.environment).put("password", PASSWORD)
    command = [sys.executable, "-m", "mountcloud", "mount", "second"]
    with (first.home / "second.log").open("wb") as log:
        daemon = subprocess.Popen(command, env=first.environment, stdout=log, stderr=log, cwd="/")
    try:
        deadline = time.monotonic() + WITHIN_S
        while states(first).get("second") != "ready":
            assert time.monotonic() < deadline, (first.home / "second.log").read_text()
            time.sleep(0.2)
        yield mountpoint
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(WITHIN_S) == 0
    finally:
        daemon.kill()
        daemon.wait(WITHIN_S)
        subprocess.run(["fusermount3", "-u", "-z", str(mountpoint)], capture_output=True, timeout=30)


def states(mount: Mount) -> dict[str, str]:
    found = json.loads(mount.run("status", "--json").stdout)
    return {name: report["state"] for name, report in found.items()}


def test_two_accounts_know_nothing_of_each_other(
    first: Mount, second: Path, service: Service, account: Account, server: RunningSandbox
) -> None:
    assert states(first) == {"test": "ready", "second": "ready"}
    name = fresh("mine")
    with Caller() as caller:
        assert (PLAIN_ROOM in caller(os.listdir, second), "Second" in caller(os.listdir, first.mountpoint)) == (
            False,
            False,
        )
        assert first.run("queue", "second", "pause").returncode == 0
        caller((first.mountpoint / PLAIN_ROOM / name).write_bytes, b"of the first")
        caller((second / "Second" / name).write_bytes, b"of the second")
        first.settle()
        assert service.download(f"/{PLAIN_ROOM}/{name}") == b"of the first"
        reports = json.loads(first.run("status", "--json").stdout)
        assert {each: (report["owed"], report["paused"]) for each, report in reports.items()} == {
            "test": (0, False),
            "second": (1, True),
        }
        info = first.run("info", str(second / "Second" / name))
        assert ("account" in info.stdout, "second" in info.stdout, "queued" in info.stdout) == (True, True, True)
        first.stop()
        assert states(first) == {"test": "not running", "second": "ready"}
        assert first.run("queue", "second", "resume").returncode == 0
        assert first.run("sync", "second", "--wait").returncode == 0
        assert caller((second / "Second" / name).read_bytes) == b"of the second"
    ours, theirs = (AccountPaths.of(each, first.environment) for each in ("test", "second"))
    for here, there in ((ours.state, theirs.state), (ours.cache, theirs.cache), (ours.runtime, theirs.runtime)):
        assert not here.is_relative_to(there)
        assert not there.is_relative_to(here)


def test_colour_is_for_terminals_alone(first: Mount) -> None:
    for words in (("status",), ("doctor", "--offline"), ("queue", "test")):
        assert "\x1b" not in first.run(*words).stdout
