"""What a new server holds."""

from mountcloud.sandbox.smartfile import accounts
from mountcloud.sandbox.smartfile.state import Sandbox

DEMO_KEY = "demo-key-of-thirty-characters-"
DEMO_PASSWORD = "demo-password-of-30-characters"  # noqa: S105 - of a server on this machine
CLIENT_TOKEN = "mountcloud-test-client-token-30"  # noqa: S105
CLIENT_SECRET = "mountcloud-test-client-secret-30"  # noqa: S105


def first_account(box: Sandbox, password: str) -> None:
    """The account ``demo`` and a program that may ask for access, once."""
    if box.db.one("SELECT 1 FROM account") is not None:
        return
    with box.transaction():
        accounts.create(box, "demo", DEMO_KEY, password)
        box.db.insert("client", {"token": CLIENT_TOKEN, "secret": CLIENT_SECRET, "name": "mountcloud"})
