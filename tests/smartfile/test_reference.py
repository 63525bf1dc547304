"""The three actors of ``tests/reference`` on SmartFile: a program, a second client, and a network that fails."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from tests.filesystem.caller import Caller
from tests.mount.session import Account
from tests.mount.shared import mounted
from tests.reference.actors import Network, Program
from tests.reference.test_reference import is_a_real_test
from tests.reference.walk import Walk
from tests.smartfile.server import SmartFileServer
from tests.smartfile.service import Service

pytestmark = pytest.mark.mount

SHORT, LONG = 40, 150
PATHS = ("/path/info", "/path/data", "/path/oper", "/path/oper/rename", "/", "/")
METHODS = ("GET", "POST", "DELETE", "", "")
PLACE = "walk"
T = TypeVar("T")


@dataclass(slots=True)
class Client:
    """Works in one directory of an account."""

    service: Service

    def files(self) -> dict[str, bytes]:
        """As ``SecondClient.files``."""
        return self._patiently(
            lambda: {path: self.service.get(f"{PLACE}/{path}") for path, directory in self._walk("") if not directory}
        )

    def directories(self) -> list[str]:
        """As ``SecondClient.directories``."""
        return self._patiently(lambda: ["", *(path for path, directory in self._walk("") if directory)])

    def _patiently(self, look: Callable[[], T]) -> T:
        """What goes away between two requests makes the look begin again."""
        for _ in range(50):
            try:
                return look()
            except AssertionError as refusal:
                if ": 404 " not in str(refusal):
                    raise
        raise AssertionError("the tree never holds still")

    def _walk(self, path: str) -> Iterator[tuple[str, bool]]:
        for each in self.service.children(f"{PLACE}/{path}"):
            if not each["name"].startswith(".mountcloud-"):
                below = f"{path}/{each['name']}".lstrip("/")
                yield below, each["isdir"]
                yield from self._walk(below) if each["isdir"] else ()

    def write(self, path: str, data: bytes) -> None:
        """As ``SecondClient.write``; nobody can tell two writes of a size in one second apart."""
        time.sleep(1.01 - time.time() % 1)
        self.service.put(f"{PLACE}/{path}", data)

    def make_directory(self, path: str) -> None:
        """As ``SecondClient.make_directory``."""
        self.service.mkdir(f"{PLACE}/{path}")

    def move(self, path: str, target: str) -> None:
        """As ``SecondClient.move``."""
        self.service.rename(f"{PLACE}/{path}", f"{PLACE}/{target}")

    def remove(self, path: str) -> None:
        """As ``SecondClient.remove``."""
        self.service.remove(f"{PLACE}/{path}")


def walk(server: SmartFileServer, service: Service, seed: int, steps: int) -> Walk:
    chance = random.Random(seed)
    network = Network(server.control, chance, honest=True, paths=PATHS, methods=METHODS)
    account = Account(service.url, 0, service.key, service.password, "", provider="smartfile")
    with mounted(account) as mount, Caller(limit_s=90) as caller:
        caller((mount.mountpoint / PLACE).mkdir)
        mount.settle()
        walk = Walk(mount, caller, Program(mount.mountpoint / PLACE), Client(service), network, chance)
        walk.run(steps)
        return walk


def test_nothing_is_lost(fuse: None, smartfile: SmartFileServer, service: Service) -> None:
    is_a_real_test(walk(smartfile, service, 5, SHORT))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("replaces", [True, False])
@pytest.mark.parametrize("seed", range(100, 110))
def test_nothing_is_lost_on_long_walks(
    fuse: None, smartfile: SmartFileServer, service: Service, seed: int, replaces: bool
) -> None:
    smartfile.control.set(rename_replaces=replaces)
    is_a_real_test(walk(smartfile, service, seed, LONG))
