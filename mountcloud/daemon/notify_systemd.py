"""Tells systemd how the service is: the datagram protocol of sd_notify(3), without its library."""

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Notifier:
    """Sends states to ``NOTIFY_SOCKET``; does nothing where there is none. Never raises: a mount works without it."""

    def __init__(self, address: str | None, watchdog_interval_s: float | None = None) -> None:
        self._address = address
        self.watchdog_interval_s = watchdog_interval_s
        """Seconds between two calls of ``watchdog``, half of what systemd allows; None if it does not watch."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Notifier":
        """As systemd set it for this process."""
        return cls(environment.get("NOTIFY_SOCKET"), _watchdog_interval_s(environment))

    @property
    def listens(self) -> bool:
        """True if somebody is told."""
        return bool(self._address)

    def ready(self, status: str = "") -> None:
        """The mount can be used."""
        self._send("READY=1", *([_status(status)] if status else []))

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._send(_status(text))

    def stopping(self, status: str = "") -> None:
        """The daemon is ending."""
        self._send("STOPPING=1", *([_status(status)] if status else []))

    def extend_timeout(self, seconds: float) -> None:
        """Starting or stopping goes on and needs this much longer (sd_notify(3), EXTEND_TIMEOUT_USEC)."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def watchdog(self) -> None:
        """The daemon is alive."""
        self._send("WATCHDOG=1")

    def _send(self, *states: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                # A full queue of systemd must not stop the mount.
                sender.setblocking(False)
                sender.sendto("\n".join(states).encode(), address)
        except OSError as error:
            log.debug("systemd was not told %s: %s", states[0], error)


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())


def _watchdog_interval_s(environment: Mapping[str, str]) -> float | None:
    """sd_watchdog_enabled(3): microseconds, meant for the process named beside them; ping at half of the time."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not microseconds.isdigit() or environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 2e6 or None
