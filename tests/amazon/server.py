"""The Amazon sandbox as a process, and its private surface."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.sandbox.control import Requests
from tests.sandbox.fixture import ServerProcess, launched

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody with an empty tree, and tokens of the client ``mountcloud``."""

    url: str
    root: str
    access_token: str
    refresh_token: str


class AmazonControl:
    """Changes the service from outside, without being counted."""

    def __init__(self, base_url: str) -> None:
        self._url = base_url
        self._http = httpx.Client(base_url=f"{base_url}/_sandbox", timeout=30, trust_env=False)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def call(self, method: str, path: str, /, **body: object) -> dict[str, Any]:
        """One request to ``mountcloud/sandbox/amazon/control.py``."""
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def new_customer(self, name: str = "", **body: object) -> Customer:
        """A fresh one."""
        made = self.call("POST", "/customers", name=name or f"customer {next(_numbers)}", **body)
        return Customer(self._url, made["root"], made["access_token"], made["refresh_token"])

    def set(self, **switches: object) -> None:
        """Set some switches (``mountcloud/sandbox/amazon/switches.py``)."""
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
class AmazonServer(ServerProcess):
    """With its control surface."""

    control: AmazonControl = field(init=False)

    def __post_init__(self) -> None:
        self.control = AmazonControl(self.base_url)

    def stop(self) -> int:
        self.control.close()
        return super().stop()

    def kill(self) -> None:
        self.control.close()
        super().kill()


def start_amazon(data_dir: Path, *options: str) -> AmazonServer:
    """A server on 127.0.0.1; its log is beside ``data_dir``."""
    return AmazonServer(*launched("amazon", data_dir, "--control", *options))
