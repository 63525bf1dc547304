"""The SmartFile sandbox as a process, and its private surface."""

from pathlib import Path

from tests.sandbox.fixture import ControlledProcess, launched
from tests.sandbox.surface import Surface


class SmartFileControl(Surface):
    """Changes the server from outside, without rights and without being counted."""

    def add_account(self, username: str) -> tuple[str, str]:
        """Key and password of a new account."""
        made = self.call("POST", "/accounts", username=username)
        return str(made["key"]), str(made["password"])


SmartFileServer = ControlledProcess[SmartFileControl]


def start_smartfile(data_dir: Path, *, port: int = 0) -> SmartFileServer:
    """A server on 127.0.0.1; its log is beside ``data_dir``."""
    return SmartFileServer(*launched("smartfile", data_dir, "--control", port=port), SmartFileControl)
