"""The process: ready line, persistence, clean end, addresses, first accounts."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.sandbox.account import login, ok, plain, token_request
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


def test_others_can_read_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    running = start_sandbox(data)
    try:
        account = login(running)
        account.file(account.room())
        assert [path for path in data.rglob("*") if path.stat().st_mode & 0o077] == []
    finally:
        running.stop()


def test_one_server_for_one_directory(sandbox: RunningSandbox) -> None:
    command = [sys.executable, "-m", "mountcloud", "sandbox", "dracoon", "--data", str(sandbox.data_dir)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, "another sandbox serves" in ended.stderr) == (1, True)


def test_data_of_another_version_are_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "sandbox.db")) as database:
        database.execute("PRAGMA user_version = 99")
    command = [sys.executable, "-m", "mountcloud", "sandbox", "dracoon", "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, "version 99" in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr


def test_a_port_in_use(sandbox: RunningSandbox, tmp_path: Path) -> None:
    address = sandbox.base_url.removeprefix("http://")
    command = [sys.executable, "-m", "mountcloud", "sandbox", "dracoon", "--listen", address, "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, "cannot serve at" in ended.stderr) == (1, True)


def test_another_password_for_the_first_accounts(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    running = start_sandbox(tmp_path / "data", password_file=secret)
    try:
        for password, status in (("demo", 400), ("s3cret", 200)):
            answer = token_request(running, grant_type="password", username="admin", password=password)
            assert answer.status_code == status
    finally:
        running.stop()


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
