"""The walk of three actors (``tests/reference``) on a mount of Amazon Cloud Drive."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

import pytest

from tests.amazon.account import amazon_account
from tests.amazon.drive import Drive, Node
from tests.amazon.server import AmazonServer, start_amazon
from tests.filesystem.caller import Caller
from tests.mount.shared import mounted
from tests.reference.actors import Network, Program
from tests.reference.walk import Walk

pytestmark = pytest.mark.mount

T = TypeVar("T")
SHORT, LONG = 50, 150
PLACE = "walk"


@dataclass(slots=True)
class AmazonClient:
    """``SecondClient`` in the folder ``walk``."""

    drive: Drive

    def files(self) -> dict[str, bytes]:
        """As ``SecondClient.files``."""
        return self._patiently(
            lambda: {path: self.drive.read(node["id"]) for path, node in self._walk() if node["kind"] == "FILE"}
        )

    def directories(self) -> list[str]:
        """As ``SecondClient.directories``."""
        return self._patiently(lambda: ["", *(path for path, node in self._walk() if node["kind"] == "FOLDER")])

    def _patiently(self, look: Callable[[], T]) -> T:
        """What goes away between two requests makes the look begin again."""
        for _ in range(50):
            try:
                return look()
            except AssertionError as gone:
                problem = gone
        raise AssertionError("the tree never holds still") from problem

    def _walk(self) -> Iterator[tuple[str, Node]]:
        waiting = [("", self.drive.id(f"/{PLACE}"))]
        while waiting:
            above, folder = waiting.pop(0)
            for child in self.drive.children(folder):
                path = f"{above}/{child['name']}".lstrip("/")
                yield path, child
                if child["kind"] == "FOLDER":
                    waiting.append((path, child["id"]))

    def _id(self, path: str | PurePosixPath) -> str:
        return self.drive.id(str(PurePosixPath(f"/{PLACE}") / path))

    def write(self, path: str, data: bytes) -> None:
        """As ``SecondClient.write``."""
        place = PurePosixPath(path)
        there = self.drive.find(f"/{PLACE}/{path}")
        if there is None:
            self.drive.put(place.name, data, self._id(place.parent))
        else:
            self.drive.overwrite(there["id"], data)

    def make_directory(self, path: str) -> None:
        """As ``SecondClient.make_directory``."""
        self.drive.mkdir(PurePosixPath(path).name, self._id(PurePosixPath(path).parent))

    def move(self, path: str, target: str) -> None:
        """As ``SecondClient.move``."""
        old, new = PurePosixPath(path), PurePosixPath(target)
        node, source, place = self._id(old), self._id(old.parent), self._id(new.parent)
        self.drive.rename(node, f"passing-{new.name}")
        if source != place:
            self.drive.move(node, source, place)
        self.drive.rename(node, new.name)

    def remove(self, path: str) -> None:
        """As ``SecondClient.remove``."""
        self.drive.trash(self._id(path))


@pytest.fixture(scope="module")
def troubled(fuse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AmazonServer]:
    """A service of its own: nobody else should share this network."""
    running = start_amazon(tmp_path_factory.mktemp("troubled") / "data")
    try:
        yield running
    finally:
        running.stop()


def walk(server: AmazonServer, seed: int, steps: int, *, honest: bool) -> None:
    chance, customer = random.Random(seed), server.control.new_customer()
    with Drive(customer) as drive, mounted(amazon_account(customer)) as mount, Caller(limit_s=90) as caller:
        root = mount.mountpoint / PLACE
        caller(root.mkdir)
        mount.settle()
        network = Network(server.control, chance, honest)
        walked = Walk(mount, caller, Program(root), AmazonClient(drive), network, chance)
        try:
            walked.run(steps)
        except BaseException as error:
            error.add_note("\n".join([*walked.log, str(walked.facts), mount.log.read_text(errors="replace")[-6000:]]))
            raise
        finally:
            server.control.clear_faults()
            walked.caller.close()
        done = sum(count for verb, count in walked.outcomes.items() if ":" not in verb)
        assert done > 0.5 * walked.outcomes.total(), walked.outcomes
        assert network.met >= 3, walked.outcomes
        assert walked.facts.last > 5, walked.outcomes


def test_nothing_is_lost_while_the_network_fails(troubled: AmazonServer) -> None:
    walk(troubled, 1, SHORT, honest=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 120))
def test_nothing_is_lost_on_long_walks(troubled: AmazonServer, seed: int) -> None:
    walk(troubled, seed, LONG, honest=seed % 4 != 3)
