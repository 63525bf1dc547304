"""The client that others wrote, ``acdcli``: against the sandbox, and together with our mount."""

import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.amazon.account import CLIENT_SECRET, amazon_account
from tests.amazon.drive import Drive
from tests.amazon.server import AmazonServer, Customer
from tests.interop.environments import python_or_skip
from tests.mount.shared import mounted

SCRIPT = Path(__file__).with_name("published_client.py")


@pytest.fixture(scope="session")
def python() -> Path:
    """The Python that has the client."""
    return python_or_skip(".venv-interop-amazon")


def acd_cli(
    python: Path, customer: Customer, home: Path, lines: Sequence[str], *, helper: bool = False
) -> list[dict[str, Any]]:
    """Run its commands one after the other; what each of them told. With ``helper`` another program has the secret."""
    home.mkdir(exist_ok=True)
    tokens = {"access_token": customer.access_token, "refresh_token": customer.refresh_token, "token_type": "bearer"}
    # Over by its own clock, so that it has to refresh.
    (home / "oauth_data").write_text(json.dumps({**tokens, "expires_in": 3600, "exp_time": time.time() - 1}))
    if not helper:
        (home / "client_data").write_text(json.dumps({"CLIENT_ID": "mountcloud", "CLIENT_SECRET": CLIENT_SECRET}))
    ended = subprocess.run(
        [python, "-W", "ignore", SCRIPT, customer.url, home, *lines],
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    told: list[dict[str, Any]] = json.loads((home / "told.json").read_text())
    assert [each.get("code", 0) for each in told] == [0] * len(lines), f"{told}\n{ended.stderr}"
    return told


def test_the_command_line_works(python: Path, drive: Drive, tmp_path: Path) -> None:
    file = tmp_path / "f é.bin"
    file.write_bytes(os.urandom(300_000))
    (tmp_path / "empty").touch()
    lines = [
        "sync",
        "mkdir /a",
        "mkdir /a/b",
        f"upload '{file}' /a",
        f"upload '{tmp_path / 'empty'}' /a",
        "ls /a",
        "tree",
        "cat '/a/f é.bin'",
        f"download '/a/f é.bin' '{tmp_path / 'home'}'",
        "rn '/a/f é.bin' g.bin",
        "mv /a/g.bin /a/b",
        "rm /a/empty",
        f"upload '{tmp_path / 'empty'}' /",
        "rm /empty",
        "lt",
        "quota",
        "usage",
        "sync",
        "ls /a/b",
    ]
    (tmp_path / "home").mkdir()
    told = dict(zip(lines, acd_cli(python, drive.customer, tmp_path / "home", lines), strict=True))
    assert {"b/", "empty", "f é.bin"} <= set(re.findall(r"[^\s/]+(?: é\.bin)?/?", told["ls /a"]["printed"]))
    assert (tmp_path / "home" / "f é.bin").read_bytes() == file.read_bytes()
    assert told["cat '/a/f é.bin'"]["md5"] == hashlib.md5(file.read_bytes()).hexdigest()
    assert {"a/", "b/", "f é.bin"} <= {line.strip() for line in told["tree"]["printed"].splitlines()}
    assert "empty" in told["lt"]["printed"]
    assert re.search(r"[1-9]", told["quota"]["printed"])
    assert "g.bin" in told["ls /a/b"]["printed"]
    assert drive.read(drive.id("/a/b/g.bin")) == file.read_bytes()
    assert drive.names(drive.id("/a")) == {"b"}


TOLD = {"root told": True, "property": "value", "quota": True}


def test_the_library_works(python: Path, amazon: AmazonServer, drive: Drive, tmp_path: Path) -> None:
    assert acd_cli(python, drive.customer, tmp_path / "home", ["library"]) == [TOLD]
    assert amazon.control.requests().count("POST", "/auth/o2/token") == 1


def test_the_library_works_by_the_helper_that_keeps_the_secret_to_itself(
    python: Path, amazon: AmazonServer, tmp_path: Path
) -> None:
    customer = amazon.control.new_customer("of the helper")
    amazon.control.set(authorize_as="of the helper")
    given = httpx.get(f"{customer.url}/appspot/", trust_env=False).json()
    known = replace(customer, access_token=given["access_token"], refresh_token=given["refresh_token"])
    amazon.control.forget_requests()
    assert acd_cli(python, known, tmp_path / "home", ["library"], helper=True) == [TOLD]
    asked = amazon.control.requests()
    assert (asked.count("POST", "/auth/o2/token"), asked.count("POST", "/appspot")) == (0, 1)


@pytest.mark.mount
def test_both_directions_with_our_mount_are_byte_exact(
    fuse: None, python: Path, amazon: AmazonServer, drive: Drive, tmp_path: Path
) -> None:
    ours, theirs = os.urandom(1_500_000), os.urandom(700_001)
    (tmp_path / "theirs").write_bytes(theirs)
    with mounted(amazon_account(drive.customer)) as mount:
        (mount.mountpoint / "d").mkdir()
        (mount.mountpoint / "d" / "ours").write_bytes(ours)
        (mount.mountpoint / "d" / "nothing").touch()
        mount.settle()
        lines = ["sync", f"download /d/ours '{tmp_path}'", f"download /d/nothing '{tmp_path}'"]
        acd_cli(python, drive.customer, tmp_path / "home", [*lines, f"upload '{tmp_path / 'theirs'}' /d"])
        assert (tmp_path / "ours").read_bytes() == ours
        assert (tmp_path / "nothing").read_bytes() == b""
        deadline = time.monotonic() + 60
        while not (mount.mountpoint / "d" / "theirs").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert (mount.mountpoint / "d" / "theirs").read_bytes() == theirs
