"""The Amazon sandbox as a process, and its private surface."""

import itertools
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.fixture import ControlledProcess, launched
from tests.sandbox.surface import Surface

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody with an empty tree, and tokens of the client ``mountcloud``."""

    url: str
    root: str
    access_token: str
    refresh_token: str


class AmazonControl(Surface):
    """Changes the service from outside, without being counted."""

    def __init__(self, base_url: str) -> None:
        self._url = base_url
        super().__init__(base_url)

    def new_customer(self, name: str = "", **body: object) -> Customer:
        """A fresh one."""
        made = self.call("POST", "/customers", name=name or f"customer {next(_numbers)}", **body)
        return Customer(self._url, made["root"], made["access_token"], made["refresh_token"])


AmazonServer = ControlledProcess[AmazonControl]


def start_amazon(data_dir: Path, *options: str) -> AmazonServer:
    """A server on 127.0.0.1; its log is beside ``data_dir``."""
    return AmazonServer(*launched("amazon", data_dir, "--control", *options), AmazonControl)
