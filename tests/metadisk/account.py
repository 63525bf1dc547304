"""A service's account for a mount, with a key of its own."""

from mountcloud.crypt.secp256k1 import SigningKey, new_private_key
from tests.metadisk.service import Service
from tests.mount.session import Account


def account_of(service: Service) -> Account:
    """Its key is registered as a log-in would do it."""
    private = new_private_key()
    service.ok("POST", "/keys", json={"key": SigningKey(private).public})
    return Account(service.url, 0, "", "", "", provider="metadisk", secrets=(("private_key", private),))
