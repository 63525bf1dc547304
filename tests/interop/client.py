"""The published client as a subprocess, for tests of any folder."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_REPOSITORY = Path(__file__).parents[2]
_SCRIPT = Path(__file__).parent / "scripts" / "dracoon_client.py"


class Refused(Exception):
    """The published client failed; the text begins with the name of its exception."""


@dataclass(frozen=True)
class PublishedClient:
    """One account of one server, used through the published client."""

    python: Path
    url: str
    user: str
    password: str = field(repr=False)
    encryption_password: str | None = field(default=None, repr=False)

    def __call__(self, verb: str, *arguments: str | Path) -> Any:
        """Do one of the verbs of ``scripts/dracoon_client.py``. Raises ``Refused``."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DRACOON_PASSWORD": self.password,
        }
        if self.encryption_password is not None:
            environment["DRACOON_ENCRYPTION_PASSWORD"] = self.encryption_password
        command = [self.python, "-W", "ignore", _SCRIPT, self.url, self.user, verb, *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        if ended.returncode:
            raise Refused(ended.stderr.strip().rpartition("\n")[2])
        return json.loads(ended.stdout.strip().rpartition("\n")[2])


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


@pytest.fixture(scope="session")
def published_client() -> Connect:
    """``published_client(url, user, password, encryption_password=None)``."""
    python = published_client_python()

    def connect(url: str, user: str, password: str, encryption_password: str | None = None) -> PublishedClient:
        return PublishedClient(python, url, user, password, encryption_password)

    return connect
