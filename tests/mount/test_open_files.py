"""A file that is open while its place on the service goes: the handle goes on, and nobody has to wait for it."""

import os
import time
from dataclasses import dataclass

import pytest

from tests.filesystem.steps import content, write_file
from tests.filesystem.tree import Tree
from tests.mount.fixture import PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.shared import TreeMaker

pytestmark = pytest.mark.mount

ARRIVES_WITHIN_S = 60.0
DATA = content(6, 3 << 20)


@dataclass
class Held:
    """A directory with an open ``file`` of which nothing was read yet, and a file ``other``."""

    tree: Tree
    service: Service
    fd: int

    def on_service(self) -> dict[str, int | None]:
        """Sizes by name, None for directories."""
        return self.service.tree(f"/{PLAIN_ROOM}/{self.tree.path.name}")

    def arrives(self, expected: dict[str, int | None]) -> bool:
        """True as soon as the service has this; False if it is late."""
        deadline = time.monotonic() + ARRIVES_WITHIN_S
        while self.on_service() != expected:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def reads_on(self) -> bool:
        """True if the handle still gives what the file held when it was opened."""
        return self.tree.do(os.pread, self.fd, 1000, 2 << 20) == DATA[2 << 20 : (2 << 20) + 1000]

    def close(self) -> None:
        """Close the handle."""
        self.tree.do(os.close, self.fd)


@pytest.fixture
def held(mounted_trees: TreeMaker, service: Service) -> Held:
    """Both files come from the service; nothing is cached."""
    tree = mounted_trees("mount-plain")
    tree.do(write_file, tree.path / "file", DATA)
    tree.do(write_file, tree.path / "other", b"other")
    tree.fresh_view()
    return Held(tree, service, tree.do(os.open, tree.path / "file", os.O_RDWR))


@pytest.mark.semantics("file-replaced-open")
def test_replaced_by_a_rename(held: Held) -> None:
    held.tree.run("mv", "-f", "other", "file", cwd=held.tree.path)
    held.arrives({"file": 5})
    assert held.reads_on()
    held.close()
    held.tree.settle()
    assert held.on_service() == {"file": 5}


@pytest.mark.semantics("file-unlink-open")
def test_removed(held: Held) -> None:
    held.tree.run("rm", "file", cwd=held.tree.path)
    held.arrives({"other": 5})
    assert held.reads_on()
    held.close()
    held.tree.settle()
    assert held.on_service() == {"other": 5}


def test_written_after_it_was_replaced(held: Held) -> None:
    held.tree.run("mv", "-f", "other", "file", cwd=held.tree.path)
    held.arrives({"file": 5})
    held.tree.do(os.pwrite, held.fd, b"ghost", 0)
    held.tree.do(os.ftruncate, held.fd, 100)
    assert held.tree.do(os.pread, held.fd, 200, 0) == b"ghost" + DATA[5:100]
    held.close()
    held.tree.settle()
    assert held.on_service() == {"file": 5}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("rm file && echo new log > file", {"file": 8, "other": 5}),
        ("rm file && mkdir file", {"file": None, "other": 5}),
        ("rm file && mv other file", {"file": 5}),
        ("mv file old && echo new log > file", {"file": 8, "old": len(DATA), "other": 5}),
    ],
)
def test_what_takes_its_name_does_not_wait_for_the_handle(
    held: Held, command: str, expected: dict[str, int | None]
) -> None:
    held.tree.run("sh", "-c", command, cwd=held.tree.path)
    arrived = held.arrives(expected)
    assert held.reads_on()
    held.close()
    held.tree.settle()
    assert held.on_service() == expected
    assert arrived, "it was kept back until the old file was closed"
