"""The SmartFile sandbox as a process, and its private surface."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.sandbox.control import Requests
from tests.sandbox.fixture import ServerProcess, launched


class SmartFileControl:
    """Changes the server from outside, without rights and without being counted."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=f"{base_url}/_sandbox", timeout=30, trust_env=False)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def call(self, method: str, path: str, /, **body: object) -> dict[str, Any]:
        """One request to ``mountcloud/sandbox/smartfile/control.py``."""
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def add_account(self, username: str) -> tuple[str, str]:
        """Key and password of a new account."""
        made = self.call("POST", "/accounts", username=username)
        return str(made["key"]), str(made["password"])

    def set(self, **switches: object) -> None:
        """Set some switches (``mountcloud/sandbox/smartfile/switches.py``)."""
        self.call("PUT", "/switches", **switches)

    def switches(self) -> dict[str, Any]:
        """All switches."""
        return self.call("GET", "/switches")

    def fault(self, path: str, **fault: object) -> None:
        """Trouble for requests whose path matches (``mountcloud/sandbox/faults.py``)."""
        self.call("POST", "/faults", path=path, **fault)

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force, with their hits."""
        items: list[dict[str, Any]] = self.call("GET", "/faults")["items"]
        return items

    def clear_faults(self) -> None:
        """No more trouble."""
        self.call("DELETE", "/faults")

    def requests(self) -> Requests:
        """What was requested since the last ``forget_requests``."""
        answer = self.call("GET", "/requests")
        return Requests(answer["counts"], answer["items"], answer["mostAtOnce"])

    def forget_requests(self) -> None:
        """Begin the counts anew."""
        self.call("DELETE", "/requests")


@dataclass
class SmartFileServer(ServerProcess):
    """With its control surface."""

    control: SmartFileControl = field(init=False)

    def __post_init__(self) -> None:
        self.control = SmartFileControl(self.base_url)

    def stop(self) -> int:
        self.control.close()
        return super().stop()

    def kill(self) -> None:
        self.control.close()
        super().kill()


def start_smartfile(data_dir: Path, *, port: int = 0) -> SmartFileServer:
    """A server on 127.0.0.1; its log is beside ``data_dir``."""
    return SmartFileServer(*launched("smartfile", data_dir, "--control", port=port))
