"""A large upload goes on after a crash of the daemon where it ended."""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import content, read_file, write_file
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM
from tests.mount.session import Mount
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount
PARTS = 6
PART = 8 << 20


@pytest.fixture
def direct(server: RunningSandbox) -> Iterator[RunningSandbox]:
    """Uploads go straight to the storage, which becomes slow after two parts."""
    before = server.control.switches()
    server.control.set(upload_channel="s3")
    server.control.fault("/parts/", kind="delay", seconds=30, skip=2, count=-1)
    yield server
    server.control.clear_faults()
    server.control.set(**before)


@pytest.mark.parametrize("room", [PLAIN_ROOM, ENCRYPTED_ROOM])
def test_parts_that_arrived_are_not_sent_again_after_a_crash(
    direct: RunningSandbox, own_mount: Mount, tmp_path: Path, room: str
) -> None:
    data = content(9, PARTS * PART - 5)
    file = own_mount.mountpoint / room / f"large-{own_mount.pid}"
    with Caller() as caller:
        caller(write_file, file, data)
        deadline = time.monotonic() + 60
        while not marks(own_mount, tmp_path):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        own_mount.kill()
        direct.control.clear_faults()
        direct.control.forget_requests()
        own_mount.start()
        own_mount.fresh_view()
        assert 1 <= arrived(direct) < PARTS
        assert caller(read_file, file) == data


def marks(mount: Mount, scratch: Path) -> int:
    """Parts that the journal knows to be on the storage. The daemon keeps it locked, so a copy is read."""
    for each in mount.paths.journal.parent.glob("journal.db*"):
        shutil.copy(each, scratch / each.name)
    try:
        with closing(sqlite3.connect(scratch / "journal.db")) as journal:
            found = journal.execute("SELECT state FROM upload_progress").fetchall()
    except sqlite3.DatabaseError:  # it was written to while it was copied
        return 0
    return sum(len(json.loads(state)["etags"]) for (state,) in found)


def arrived(server: RunningSandbox) -> int:
    """Parts that the storage took."""
    items = server.control.requests().items
    return sum(each["method"] == "PUT" and "/parts/" in each["path"] and each["status"] == 200 for each in items)
