"""What every request works on: database, stored bytes, switches, open channels, and the mail that goes out."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mountcloud.sandbox.box import Box
from mountcloud.sandbox.metadisk.schema import SCHEMA, SCHEMA_VERSION
from mountcloud.sandbox.metadisk.switches import Switches


@dataclass(slots=True)
class Channel:
    """A farmer's promise of one shard to whoever knows the token; ``until`` in monotonic seconds."""

    hash: str
    blob: str
    until: float
    active: bool = False


class Sandbox(Box[Switches]):
    """One service, kept in one directory that only its owner can read. Channels end with the process."""

    in_use = "SELECT 1 FROM shard WHERE blob = ?1"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, SCHEMA, SCHEMA_VERSION, Switches())
        self.channels: dict[str, Channel] = {}
        self.farmer_port = 0
        self.mail: Callable[[str], None] = lambda _: None

    def open_channel(self, hash_: str, blob: str) -> str:
        """The token of a new channel; those that nobody used in time are gone."""
        now = time.monotonic()
        for token in [token for token, each in self.channels.items() if each.until <= now and not each.active]:
            del self.channels[token]
        token = secrets.token_hex(20)
        self.channels[token] = Channel(hash_, blob, now + self.switches.channel_lifetime)
        return token

    def channel(self, token: str) -> Channel | None:
        """The channel of a token, unless it waited too long."""
        found = self.channels.get(token)
        return None if found is None or (found.until <= time.monotonic() and not found.active) else found


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
