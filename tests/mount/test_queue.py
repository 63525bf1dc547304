"""The queue through a real mount: too many removals wait, and the user decides."""

from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import names
from tests.mount.fixture import PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Mount
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount
MANY = 250


@pytest.mark.semantics("delete-guard")
def test_a_mass_deletion_waits_for_the_user(own_mount: Mount, service: Service, server: RunningSandbox) -> None:
    number = own_mount.pid
    folder, other = f"/{PLAIN_ROOM}/many-{number}", f"/{PLAIN_ROOM}/goes-{number}"
    service.make_folder(folder)
    server.control.populate(service.id(folder), MANY)
    place = own_mount.mountpoint / folder.strip("/")
    own_mount.call("refresh")
    with Caller() as caller:
        caller(remove_tree, place)
        own_mount.call("queue", action="retry")  # what waits for a word is not let go by this
        caller((own_mount.mountpoint / other.strip("/")).write_bytes, b"x")
        own_mount.kill()
        own_mount.start()
        assert '"held"' in own_mount.run("queue", "test", "--json").stdout
        assert "--allow-deletes" in own_mount.run("status", "test").stdout
        told = own_mount.run("sync", "test", "--wait")
        assert (told.returncode, "--allow-deletes" in told.stderr) == (1, True)
        assert service.find(other) is not None
        left = len(service.tree(folder))
        assert left >= MANY - 200
        assert own_mount.run("queue", "test", "--discard-deletes").returncode == 0
        own_mount.call("refresh")
        assert len(caller(names, place)) == left == len(service.tree(folder))
        caller(remove_tree, place)
        own_mount.run("queue", "test", "--allow-deletes")
        own_mount.settle()
        assert service.find(folder) is None


def remove_tree(path: Path) -> None:
    """As ``rm -r`` does."""
    for each in list(path.iterdir()):
        each.unlink()
    path.rmdir()
