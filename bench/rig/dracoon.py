"""A DRACOON sandbox whose downloads nginx serves: what is measured is the mount, not a server in Python."""

from contextlib import ExitStack
from pathlib import Path

from bench.rig.peers import Login
from tests.sandbox.fixture import start_sandbox
from tests.sandbox.surface import Requests

PASSWORD = "a password"
ENCRYPTION_PASSWORD = "another password"
ROOM_MANAGER = 4
PLAIN_ROOM = "Plain"
ENCRYPTED_ROOM = "Encrypted"
SPACE_LIMIT = 1 << 44


def blobs(home: Path) -> Path:
    """Where a sandbox below ``home`` keeps the stored bytes."""
    return home / "dracoon/data/blobs"


class Dracoon:
    """A tenant with one account, a plain and an encrypted room."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self._server = start_sandbox(home / "dracoon/data")
        stack.callback(self._server.stop)
        control = self._server.control
        control.set(space_limit=SPACE_LIMIT)
        user = control.add_user("user", PASSWORD, (ROOM_MANAGER,))
        control.add_key_pair(user, ENCRYPTION_PASSWORD)
        control.add_room(PLAIN_ROOM, user)
        control.add_room(ENCRYPTED_ROOM, user, encrypted=True)

    @property
    def port(self) -> int:
        """Where its API is."""
        return int(self._server.base_url.rpartition(":")[2])

    def login(self, port: int) -> Login:
        """The account, with the API at this port of 127.0.0.1."""
        secrets = {"password": PASSWORD, "encryption_password": ENCRYPTION_PASSWORD}
        return Login("dracoon", {"url": f"http://127.0.0.1:{port}", "username": "user"}, secrets)

    def downloads_at(self, url: str) -> None:
        """From now on contents come from there."""
        self._server.control.set(downloads_at=url)

    def requests(self) -> Requests:
        """To the API since the last call."""
        seen = self._server.control.requests()
        self._server.control.forget_requests()
        return seen
