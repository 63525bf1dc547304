"""The process: ready line, persistence, clean end, addresses, first accounts."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.account import login, ok, plain
from tests.sandbox.fixture import RunningSandbox, start_sandbox


def test_data_survive_a_restart_and_the_process_ends_cleanly(tmp_path: Path) -> None:
    first = start_sandbox(tmp_path / "data")
    account = login(first)
    room = account.room(name="Kept")
    file = account.file(room, "a.txt", b"bytes")
    first.control.set(branch_delay=60)
    assert first.stop() == 0
    second = start_sandbox(tmp_path / "data")
    try:
        assert second.control.switches()["branch_delay"] == 60
        assert second.control.stored(file["id"]) == b"bytes"
        token = account.http.headers["authorization"]
        answer = plain().get(f"{second.base_url}/api/v4/nodes/{file['id']}", headers={"authorization": token})
        assert ok(answer)["name"] == "a.txt"
    finally:
        assert second.stop() == 0


def test_data_survive_a_kill(tmp_path: Path) -> None:
    first = start_sandbox(tmp_path / "data")
    account = login(first)
    file = account.file(account.room(), "a.txt", b"bytes")
    first.kill()
    second = start_sandbox(tmp_path / "data")
    try:
        assert second.control.stored(file["id"]) == b"bytes"
    finally:
        second.stop()


def test_the_directory_is_private(sandbox: RunningSandbox) -> None:
    assert sandbox.data_dir.stat().st_mode & 0o077 == 0


def test_the_demonstration_is_planted_once(tmp_path: Path) -> None:
    names = []
    for _ in range(2):
        running = start_sandbox(tmp_path / "data", seed="demo")
        try:
            form = {
                "grant_type": "password",
                "username": "demo",
                "password": "demo",
                "client_id": "dracoon_legacy_scripting",
            }
            token = ok(plain().post(f"{running.base_url}/oauth/token", data=form))["access_token"]
            bearer = {"authorization": f"Bearer {token}"}
            nodes = ok(plain().get(f"{running.base_url}/api/v4/nodes", headers=bearer))["items"]
            names.append({node["name"]: node["isEncrypted"] for node in nodes})
            assert ok(plain().get(f"{running.base_url}/api/v4/user/account", headers=bearer))["isEncryptionEnabled"]
            last = max(nodes, key=lambda node: str(node["name"]))["id"]
            plain().put(f"{running.base_url}/api/v4/nodes/rooms/{last}", json={"name": "Renamed"}, headers=bearer)
        finally:
            running.stop()
    assert names == [{"Confidential": True, "Projects": False}, {"Confidential": True, "Renamed": False}]


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:80", "nonsense", ":80"])
def test_only_this_machine_is_served(tmp_path: Path, address: str) -> None:
    command = [sys.executable, "-m", "mountcloud", "sandbox", "dracoon", "--listen", address, "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "--allow-remote" in ended.stderr or "HOST:PORT" in ended.stderr
    assert not list(tmp_path.iterdir())
