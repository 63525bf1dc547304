"""The Nextcloud sandbox as a process, and its private surface."""

from pathlib import Path

from tests.sandbox.fixture import ControlledProcess, launched
from tests.sandbox.surface import Surface


class NextcloudControl(Surface):
    """Changes the server from outside, without rights and without being counted."""

    def add_account(self, login: str, password: str = "secret", **body: object) -> str:
        """The new account's id, which is not its login name."""
        return str(self.call("POST", "/accounts", login=login, password=password, **body)["id"])

    def add_app_password(self, account: str) -> str:
        """72 characters."""
        return str(self.call("POST", "/app_passwords", account=account)["password"])


NextcloudServer = ControlledProcess[NextcloudControl]


def start_nextcloud(data_dir: Path, *, port: int = 0) -> NextcloudServer:
    """A server on 127.0.0.1; its log is beside ``data_dir``."""
    return NextcloudServer(*launched("nextcloud", data_dir, "--control", port=port), NextcloudControl)
