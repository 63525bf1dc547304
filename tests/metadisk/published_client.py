"""The service's published client as a subprocess."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.environments import REPOSITORY
from tests.metadisk.service import PASSWORD

ENVIRONMENT = ".venv-interop-metadisk"
_SCRIPT = REPOSITORY / "tests" / "interop" / "scripts" / "metadisk_client.py"


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
