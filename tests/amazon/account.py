"""A customer's account as the mount tests take it."""

from tests.amazon.server import Customer
from tests.mount.session import Account

CLIENT_SECRET = "mountcloud-secret"


def amazon_account(customer: Customer, *, change_calls_per_hour: int = 0, poll_interval_s: float = 1.0) -> Account:
    """Changes may be asked for as often as one likes, unless a test is about just that."""
    return Account(
        customer.url,
        0,
        "",
        "",
        "",
        provider="amazon",
        poll_interval_s=poll_interval_s,
        options=f"change_calls_per_hour = {change_calls_per_hour}",
        secrets=(("refresh_token", customer.refresh_token), ("client_secret", CLIENT_SECRET)),
    )
