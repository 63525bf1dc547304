"""The sandbox before clients that others wrote: rclone, the published Python client, and litmus."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interop.client import published_client_python
from tests.nextcloud.dav import Dav
from tests.nextcloud.server import NextcloudServer

SCRIPT = Path(__file__).with_name("published_client.py")


def program(name: str) -> str:
    """Where it is; skips without it, but fails where CI is set."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{name} is missing")
    if path is None:
        pytest.skip(f"{name} is missing")
    return path


def run(*words: str | Path, cwd: str = "/", **extra: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **extra}
    ended = subprocess.run(words, env=environment, cwd=cwd, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_litmus(dav: Dav, tmp_path: Path) -> None:
    password = dav.password
    told = run(program("litmus"), "-k", dav.url(""), dav.login, password, cwd=str(tmp_path))
    assert re.findall(r"`(\w+)'[^\n]* (\d+) failed", told) == [
        (suite, "0") for suite in ("basic", "copymove", "props", "locks", "http")
    ]


def test_rclone(nextcloud: NextcloudServer, dav: Dav, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "d é").mkdir(parents=True)
    (source / "a").write_text("one")
    (source / "d é" / "b").write_bytes(os.urandom(300_000))
    os.utime(source / "a", (1_577_934_245, 1_577_934_245))
    binary = program("rclone")
    remote = {"TYPE": "webdav", "VENDOR": "nextcloud", "URL": dav.url(""), "USER": dav.login}
    remote["PASS"] = run(binary, "obscure", dav.password).strip()
    environment = {f"RCLONE_CONFIG_NC_{name}": value for name, value in remote.items()}
    environment["RCLONE_CONFIG"] = str(tmp_path / "rclone.conf")

    def rclone(*words: str) -> str:
        return run(binary, *words, cwd="/", **environment)

    rclone("sync", str(source), "nc:x")
    rclone("check", str(source), "nc:x")
    assert "2020-01-02" in rclone("lsl", "nc:x/a")
    rclone("moveto", "nc:x/a", "nc:x/c")
    assert dav.names("x") == {"c", "d é"}
    rclone("purge", "nc:x")
    assert dav.names() == set()


def test_the_published_python_client(dav: Dav, nextcloud: NextcloudServer) -> None:
    python = published_client_python()
    told = run(python, "-W", "ignore", SCRIPT, nextcloud.base_url, dav.login, PASSWORD=dav.password)
    seen = json.loads(told)
    assert seen == {
        "user": dav.account,
        "content": "hello",
        "listed": [["f.txt", "RGDNVW"]],
        "same identity": True,
        "versions": [5, 11],
        "restored": "hello",
        "moved": "dir/g.txt",
        "streamed": 25_000_000,
        "trash": ["dir"],
        "deleted from": ["dir"],
        "link": ["dir", "drop", 4, True, "2099-01-31 00:00:00"],
        "link leads to": True,
        "changed": "drop here",
        "links": ["drop here"],
        "links after": [],
        "emptied": [],
        "after restoring": ["big.bin", "dir", "h.txt"],
    }
