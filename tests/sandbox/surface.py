"""Client of the part of a sandbox' private surface that all have (``mountcloud/sandbox/surface.py``)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Requests:
    """What was requested: counts by ``"GET /api/v4/nodes/{id}"``, the last requests, and the most in flight."""

    counts: dict[str, int]
    items: list[dict[str, Any]]
    most_at_once: int

    def count(self, method: str = "", template: str = "") -> int:
        """Requests whose method and template contain these texts."""
        return sum(number for key, number in self.counts.items() if method in key.split(" ")[0] and template in key)


class Surface:
    """Changes the server from outside, without rights and without being counted."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=f"{base_url}/_sandbox", timeout=120, trust_env=False)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Without counts from before; afterwards without faults, and with the switches as they were."""
        before = self.switches()
        self.clear_faults()
        self.forget_requests()
        try:
            yield
        finally:
            self.clear_faults()
            self.set(**before)

    def call(self, method: str, path: str, /, **body: object) -> dict[str, Any]:
        """One request; whatever is refused fails the test."""
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def switches(self) -> dict[str, Any]:
        """All switches (``switches.py`` of the sandbox)."""
        return self.call("GET", "/switches")

    def set(self, **switches: object) -> None:
        """Set some switches."""
        self.call("PUT", "/switches", **switches)

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
