"""Customers."""

from mountcloud.sandbox.amazon import oauth, tree
from mountcloud.sandbox.amazon.state import Sandbox

DEMO_CUSTOMER = "demo"
DEMO_QUOTA = 100 * 2**40


def first_customer(box: Sandbox) -> None:
    """The customer ``demo``, once."""
    if box.db.one("SELECT 1 FROM customer") is None:
        with box.transaction():
            add_customer(box, DEMO_CUSTOMER)


def add_customer(box: Sandbox, name: str, quota: int = DEMO_QUOTA) -> int:
    """A customer with an empty tree; inside a transaction."""
    number = box.db.number("SELECT coalesce(max(id), 0) + 1 FROM customer")
    root = tree.add(box, number, "FOLDER", "", ())
    box.db.insert("customer", {"id": number, "name": name, "root": root, "quota": quota})
    return number


def refresh_token(box: Sandbox, customer: int) -> str:
    """One for the client ``mountcloud``; inside a transaction."""
    return str(oauth.issue(box, customer, "mountcloud")["refresh_token"])
