"""What a new server holds."""

from mountcloud.sandbox.nextcloud import people
from mountcloud.sandbox.nextcloud.state import Sandbox

DEMO_USER = "demo"
DEMO_ID = "5b1c5f1e-demo"
DEMO_PASSWORD = "demo"  # noqa: S105 - of a server on this machine


def first_account(box: Sandbox, password: str) -> None:
    """The account ``demo``, once."""
    if box.db.one("SELECT 1 FROM account") is None:
        with box.transaction():
            people.create(box, DEMO_USER, password, identity=DEMO_ID)
