"""The published client in a process of its own, for tests of any folder."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_REPOSITORY = Path(__file__).parents[2]
_SCRIPT = Path(__file__).parent / "scripts" / "dracoon_client.py"


class Refused(Exception):
    """The published client failed; the text begins with the name of its exception."""


class PublishedClient:
    """One account of one server, used through the published client, whose process starts with the first verb."""

    def __init__(self, python: Path, url: str, user: str, password: str, encryption_password: str | None) -> None:
        self._command = [str(python), "-W", "ignore", str(_SCRIPT), url, user]
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DRACOON_PASSWORD": password,
        }
        if encryption_password is not None:
            self._environment["DRACOON_ENCRYPTION_PASSWORD"] = encryption_password
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, verb: str, *arguments: str | Path) -> Any:
        """Do one of the verbs of ``scripts/dracoon_client.py``. Raises ``Refused``."""
        process = self._process = self._process or self._started()
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps([verb, *map(str, arguments)]) + "\n")
        process.stdin.flush()
        answer = next((line for line in process.stdout if line.startswith(('{"result', '{"problem'))), None)
        assert answer, f"the client ended while it did {verb}"
        told = json.loads(answer)
        if "problem" in told:
            raise Refused(told["problem"])
        return told["result"]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate(timeout=120)

    def _started(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )


def published_client_python() -> Path:
    """The Python that has the published client; skips without it, but fails where CI is set."""
    asked = os.environ.get("MOUNTCLOUD_INTEROP_PYTHON")
    python = Path(asked) if asked else _REPOSITORY / ".venv-interop" / "bin" / "python"
    if not python.exists():
        reason = f"no published client: {python} is missing (pip install 'mountcloud[interop-dracoon]' there)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python


Connect = Callable[..., PublishedClient]


@pytest.fixture
def published_client() -> Iterator[Connect]:
    """``published_client(url, user, password, encryption_password=None)``."""
    python = published_client_python()
    clients: list[PublishedClient] = []

    def connect(url: str, user: str, password: str, encryption_password: str | None = None) -> PublishedClient:
        clients.append(PublishedClient(python, url, user, password, encryption_password))
        return clients[-1]

    yield connect
    for each in clients:
        each.close()
