import fcntl
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import httpx
import pytest

from mountcloud.cli import demo_server
from mountcloud.cli.demo_server import running_server, running_webdav
from mountcloud.cli.outcome import CommandFailed
from mountcloud.sandbox.webdav import server
from mountcloud.sandbox.webdav.configuration import SERVERS

PUBLIC = {
    "amazon": "/appspot/",
    "dracoon": "/api/v4/public/software/version",
    "metadisk": "/",
    "nextcloud": "/status.php",
    "smartfile": "/oauth/authorize/",
}


def answers(address: str, service: str = "dracoon") -> bool:
    try:
        with urllib.request.urlopen(f"{address}{PUBLIC[service]}", timeout=60) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("service", sorted(PUBLIC))
def test_the_server_answers_until_the_end_and_keeps_its_files(tmp_path: Path, service: str) -> None:
    with running_server(tmp_path / "data", service) as first:
        assert first.startswith("http://127.0.0.1:")
        assert answers(first, service)
    assert not answers(first, service)
    before = {path.name for path in (tmp_path / "data").iterdir()}
    assert before
    with running_server(tmp_path / "data", service) as second:
        assert answers(second, service)
    assert {path.name for path in (tmp_path / "data").iterdir()} == before


def test_the_first_webdav_server_that_is_installed_answers_and_keeps_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = set(SERVERS) - {"wsgidav"}
    missing = server.missing
    monkeypatch.setattr(server, "missing", lambda name: name if name in absent else missing(name))
    for expected in (b"", b"kept"):
        with running_webdav(tmp_path / "data") as options:
            address = f"{options['url']}/f"
            assert httpx.get(address, trust_env=False).content.endswith(expected)
            assert httpx.put(address, content=b"kept", trust_env=False).is_success
        with pytest.raises(httpx.TransportError):
            httpx.get(address, trust_env=False)
    assert "Starting the WebDAV server wsgidav" in capsys.readouterr().out
    monkeypatch.setattr(server, "missing", lambda name: name)
    with pytest.raises(CommandFailed, match="no WebDAV server is installed"), running_webdav(tmp_path / "data"):
        pass


def test_a_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho starting\necho 'the disk is on fire' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(CommandFailed, match="the disk is on fire"), running_server(tmp_path / "data"):
        pass


def test_a_server_that_never_gets_ready_is_given_up_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\ntrap '' TERM\nwhile :; do sleep 0.1; done\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(demo_server, "_START_WITHIN_S", 0.5)
    monkeypatch.setattr(demo_server, "_STOP_WITHIN_S", 0.2)
    with pytest.raises(CommandFailed, match="not ready after"), running_server(tmp_path / "data"):
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def is_free(lock: Path) -> bool:
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_the_next_demo_is_held_back_as_long_as_a_server_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with (tmp_path / "log").open("wb") as log, demo_server._alone(tmp_path / "data") as lock:
        process = demo_server._process(tmp_path / "data", log, lock, "dracoon")
    with process:
        held = not is_free(tmp_path / "data.lock")
        process.kill()
    assert held
    assert is_free(tmp_path / "data.lock")


OWNER = """
import sys, os, signal
from pathlib import Path
from mountcloud.cli.demo_server import running_server
with running_server(Path(sys.argv[1])) as address:
    print(address, flush=True)
    signal.pause()
"""


def test_the_server_does_not_outlive_a_killed_demo(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path / "data")], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    address = owner.stdout.readline().strip()
    assert answers(address)
    owner.send_signal(signal.SIGKILL)
    owner.communicate(timeout=30)
    # The next one waits for the end of the old one, which may take a moment.
    with running_server(tmp_path / "data") as again:
        assert not answers(address)
        assert answers(again)
