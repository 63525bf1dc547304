"""What every request works on: database, stored bytes, switches, and the server's clock."""

import time
from pathlib import Path

from mountcloud.sandbox.box import Box
from mountcloud.sandbox.smartfile.schema import SCHEMA, SCHEMA_VERSION
from mountcloud.sandbox.smartfile.switches import Switches
from mountcloud.sandbox.smartfile.throttling import Allowance


class Sandbox(Box[Switches]):
    """One server, kept in one directory that only its owner can read."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, SCHEMA, SCHEMA_VERSION, Switches())
        self.allowances: dict[str, Allowance] = {}

    def change_switches(self, values: dict[str, object]) -> None:
        """Set switches and keep them; what was used of an allowance is forgotten."""
        super().change_switches(values)
        self.allowances.clear()

    def now(self) -> float:
        """Seconds since the epoch, by this server's clock."""
        return time.time() + self.switches.clock
