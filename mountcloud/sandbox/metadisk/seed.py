"""What a new service holds."""

import hashlib

from mountcloud.sandbox.metadisk import people
from mountcloud.sandbox.metadisk.state import Sandbox

DEMO_USER = "demo@example.org"
DEMO_PASSWORD = "demo"  # noqa: S105 - of a service on this machine


def first_user(box: Sandbox, password: str) -> None:
    """An account that is activated and has no keys, once."""
    if box.db.one("SELECT 1 FROM user") is not None:
        return
    with box.transaction():
        people.create(box, DEMO_USER, sent_password(password), activated=True)


def sent_password(password: str) -> str:
    """What a client sends of a password (Metadisk facts, 3.1)."""
    return hashlib.sha256(password.encode()).hexdigest()
