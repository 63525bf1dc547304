"""The service's published client as a subprocess."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.metadisk.service import PASSWORD

_REPOSITORY = Path(__file__).parents[2]
_SCRIPT = _REPOSITORY / "tests" / "interop" / "scripts" / "metadisk_client.py"


def python_or_skip() -> Path:
    """The Python that has the client; skips without it, but fails where everything must be tested."""
    python = _REPOSITORY / ".venv-interop-metadisk" / "bin" / "python"
    if not python.exists():
        reason = f"no published client: {python} is missing; ./run setup brings it"
        if os.environ.get("CI") or os.environ.get("MOUNTCLOUD_REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python


@dataclass(frozen=True)
class PublishedClient:
    """One account, used through the published client."""

    python: Path
    url: str
    email: str

    def __call__(self, verb: str, *arguments: str | Path) -> Any:
        """Do one of the verbs of ``interop/scripts/metadisk_client.py``."""
        environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "METADISK_PASSWORD": PASSWORD}
        command = [self.python, "-O", "-W", "ignore", _SCRIPT, self.url, self.email, verb, *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout.splitlines()[-1])
