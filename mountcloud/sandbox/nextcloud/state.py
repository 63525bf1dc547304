"""What every request works on: database, stored bytes, switches."""

import secrets
import time
from pathlib import Path

from mountcloud.sandbox.box import Box
from mountcloud.sandbox.nextcloud.schema import SCHEMA, SCHEMA_VERSION
from mountcloud.sandbox.nextcloud.switches import Switches


class Sandbox(Box[Switches]):
    """One server, kept in one directory that only its owner can read."""

    in_use = "SELECT 1 FROM node WHERE blob = ?1 UNION SELECT 1 FROM version WHERE blob = ?1"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, SCHEMA, SCHEMA_VERSION, Switches())
        self.instance = self._fact("instance", f"oc{secrets.token_hex(5)}")

    def _fact(self, name: str, fresh: str) -> str:
        self.db.run("INSERT OR IGNORE INTO fact VALUES (?, ?)", name, fresh)
        row = self.db.one("SELECT value FROM fact WHERE name = ?", name)
        return fresh if row is None else str(row["value"])


def now() -> int:
    """Seconds since the epoch."""
    return int(time.time())
