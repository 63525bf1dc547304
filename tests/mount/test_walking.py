"""A walk through a tree that nobody has listed: what comes next is asked for before the program wants it."""

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mount.fixture import PLAIN_ROOM, new_account
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.sandbox.fixture import RunningSandbox, start_sandbox

FOLDERS = 24
LATENCY_S = 0.2


@pytest.mark.mount
def test_find_is_led_the_way(fuse: None, server: RunningSandbox, account: Account, service: Service) -> None:
    top = f"/{PLAIN_ROOM}/walk"
    service.make_folder(top)
    server.control.populate(service.id(top), FOLDERS, prefix="folder", kind="folder")
    with mounted(account) as mount:
        # The way to the top is no walk: nothing but it is listed.
        assert len(_find(mount.mountpoint / PLAIN_ROOM / "walk", "-maxdepth", "1")) == FOLDERS + 1
        server.control.set(latency=LATENCY_S)
        server.control.forget_requests()
        try:
            assert len(_find(mount.mountpoint / PLAIN_ROOM / "walk")) == FOLDERS + 1
        finally:
            server.control.set(latency=0)
        seen = server.control.requests()
    assert seen.most_at_once >= 4
    assert FOLDERS <= seen.count("GET", "/api/v4/nodes") < 2 * FOLDERS


@pytest.mark.mount
def test_the_whole_tree_is_listed_in_the_background_and_told_of(fuse: None, tmp_path: Path) -> None:
    """On a server of its own: how long it takes depends on all that is there."""
    server = start_sandbox(tmp_path / "data")
    try:
        account = replace(new_account(server), general="background_index = true")
        with Service(account.url, account.username, account.password) as service:
            for folder in ("survey", "survey/deep", "survey/deep/deeper"):
                service.make_folder(f"/{PLAIN_ROOM}/{folder}")
        with mounted(account) as mount:
            assert _surveyed(mount) >= 5
            server.control.forget_requests()
            assert len(_find(mount.mountpoint / PLAIN_ROOM / "survey")) == 3
            assert server.control.requests().count("GET", "/api/v4/nodes") <= 2  # polls
    finally:
        server.stop()


def _surveyed(mount: Mount) -> int:
    """How many directories were listed, once none is left."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        told = mount.call("status")
        assert isinstance(told, dict)
        if told.get("directories_left") == 0:
            return int(told["directories_listed"])
        time.sleep(0.1)
    pytest.fail(f"not all was listed: {told}")


def _find(place: Path, *options: str) -> list[str]:
    done = subprocess.run(["find", place, *options], capture_output=True, text=True, timeout=100, check=True)
    return done.stdout.splitlines()
