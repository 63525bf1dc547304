"""The Metadisk sandbox as a process, and its private surface."""

from pathlib import Path

from tests.sandbox.fixture import ControlledProcess, launched
from tests.sandbox.surface import Surface


class MetadiskControl(Surface):
    """Changes the service from outside, without rights and without being counted."""

    def add_user(self, email: str, password: str = "secret", pubkey: str = "") -> None:
        """An account that is activated; the password as a person types it."""
        self.call("POST", "/users", email=email, password=password, pubkey=pubkey)

    def activator(self, email: str) -> str:
        """The token that would have come by mail."""
        return str(self.call("POST", "/activator", email=email)["activator"])

    def set_nonce(self, email: str, nonce: float) -> None:
        """Another client of this account was there."""
        self.call("PUT", "/nonce", email=email, nonce=nonce)

    def populate(self, bucket: str, count: int, prefix: str = "file", first: int = 0) -> None:
        """Many small files at once."""
        self.call("POST", "/populate", bucket=bucket, count=count, prefix=prefix, first=first)

    def tamper(self, bucket: str, hash_: str, position: int = 0, offset: int = 0) -> None:
        """Change one stored byte of a shard."""
        self.call("POST", "/tamper", bucket=bucket, hash=hash_, position=position, offset=offset)

    def expire_tokens(self) -> None:
        """All tokens are over."""
        self.call("POST", "/tokens/expire")

    def forget_channels(self) -> int:
        """No pointer is of use any more; how many there were."""
        return int(self.call("POST", "/channels/forget")["count"])

    def leftovers(self) -> tuple[int, int]:
        """Tokens, and channels, that were asked for and not used."""
        found = self.call("GET", "/leftovers")
        return int(found["tokens"]), int(found["channels"])

    def forget_leftovers(self) -> None:
        """No token and no pointer is of use any more."""
        self.call("DELETE", "/leftovers")


MetadiskServer = ControlledProcess[MetadiskControl]


def start_metadisk(data_dir: Path, *options: str, port: int = 0) -> MetadiskServer:
    """A server on 127.0.0.1; its log is beside ``data_dir``."""
    return MetadiskServer(*launched("metadisk", data_dir, "--control", *options, port=port), MetadiskControl)
