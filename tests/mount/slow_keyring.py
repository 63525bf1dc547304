"""A back end of the library ``keyring`` that can be made to wait for its user, as a locked one does.

It is loaded by the daemon under test, named by PYTHON_KEYRING_BACKEND. While the file ``locked`` is there, nothing is
answered; ``asked`` then says that somebody waits.
"""

import json
import os
import time
from pathlib import Path

from keyring.backend import KeyringBackend


class Keyring(KeyringBackend):
    """Keeps its secrets in a file below KEYRING_DIRECTORY."""

    priority = 5.0

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, or None."""
        return self._unlocked().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store it."""
        self._write(self._unlocked() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        left = self._unlocked()
        del left[f"{service} {username}"]
        self._write(left)

    def _unlocked(self) -> dict[str, str]:
        while (_directory() / "locked").exists():
            (_directory() / "asked").touch()
            time.sleep(0.02)
        file = _directory() / "secrets"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def _write(self, values: dict[str, str]) -> None:
        (_directory() / "secrets").write_text(json.dumps(values))


def _directory() -> Path:
    return Path(os.environ["KEYRING_DIRECTORY"])
