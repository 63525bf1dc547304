"""The service's published client as a subprocess."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.environments import REPOSITORY
from tests.smartfile.service import Service

ENVIRONMENT = ".venv-interop-smartfile"
_SCRIPT = REPOSITORY / "tests" / "interop" / "scripts" / "smartfile_client.py"


@dataclass(frozen=True)
class PublishedClient:
    """One account, used through the published client."""

    python: Path
    service: Service

    def __call__(self, verb: str, *arguments: str | Path) -> Any:
        """Do one of the verbs of ``interop/scripts/smartfile_client.py``."""
        environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
        environment |= {"SMARTFILE_API_KEY": self.service.key, "SMARTFILE_API_PASSWORD": self.service.password}
        command = [self.python, "-W", "ignore", _SCRIPT, f"{self.service.url}/", verb, *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)
