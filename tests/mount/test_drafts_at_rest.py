"""Whoever copies the disk finds nothing of an encrypted room in clear, and a lost key loses no draft."""

import os
from pathlib import Path

import pytest

from mountcloud.daemon.secrets import FileSecrets
from tests.filesystem.caller import Caller
from tests.filesystem.steps import read_file, write_file
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM
from tests.mount.session import Account, Mount
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount

MARK = b"a sentence that nobody may find on the disk "
NO_UPLOAD = {"path": "/uploads|/files/uploads", "kind": "status", "status": 503, "count": 100_000}


def found_in(mount: Mount, mark: bytes) -> list[str]:
    """The files of the daemon that hold these bytes."""
    places = (mount.paths.state, mount.paths.cache, mount.paths.runtime)
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert len(files) > 5
    return [str(path) for path in files if mark in path.read_bytes()]


def work(place: Path) -> int:
    """Everything that makes drafts: new, overwritten, appended to, removed, replaced and never closed files."""
    write_file(place / "kept", MARK * 1000)
    write_file(place / "kept", MARK, os.O_WRONLY | os.O_APPEND)
    write_file(place / "removed", MARK * 500)
    (place / "removed").unlink()
    write_file(place / "replaced", MARK * 300)
    write_file(place / "beside", MARK * 200)
    (place / "beside").rename(place / "replaced")
    write_file(place / "on the service", MARK, os.O_WRONLY)
    fd = os.open(place / "open", os.O_WRONLY | os.O_CREAT)
    os.write(fd, MARK * 100)
    return fd


@pytest.fixture
def place(own_mount: Mount) -> Path:
    """A directory in the encrypted room, with a file that the service has."""
    place = own_mount.mountpoint / ENCRYPTED_ROOM / f"rest-{own_mount.pid}"
    with Caller() as caller:
        caller(place.mkdir)
        caller(write_file, place / "on the service", MARK * 2000)
        own_mount.fresh_view()
        assert caller(read_file, place / "on the service") == MARK * 2000
    return place


@pytest.mark.durability("sealed", "kill-unclosed")
def test_nothing_of_an_encrypted_room_is_in_clear(
    own_mount: Mount, place: Path, troubled: RunningSandbox, tmp_path: Path
) -> None:
    troubled.control.fault(**NO_UPLOAD)  # type: ignore[arg-type] # one of the keys is the path
    with Caller() as caller, Caller() as writer:
        fd = writer(work, place)
        assert found_in(own_mount, MARK[:20]) == []
        own_mount.kill()
        assert found_in(own_mount, MARK[:20]) == []
        writer.start(os.close, fd)
        own_mount.start()
        assert list((own_mount.paths.staging / "unclosed").iterdir())
        assert found_in(own_mount, MARK[:20]) == []
        saved = own_mount.run("unclosed", "test", "--save-to", str(tmp_path / "saved"))
        assert [path.read_bytes() for path in (tmp_path / "saved").iterdir()] == [MARK * 100], saved.stderr
        troubled.control.clear_faults()
        own_mount.fresh_view()
        assert caller(read_file, place / "kept") == MARK * 1001
        assert caller(read_file, place / "replaced") == MARK * 200
        assert caller(read_file, place / "on the service") == MARK * 2000
        assert found_in(own_mount, MARK[:20]) == []


def test_the_search_would_find_it(own_mount: Mount, troubled: RunningSandbox) -> None:
    troubled.control.fault(**NO_UPLOAD)  # type: ignore[arg-type] # one of the keys is the path
    with Caller() as caller:
        caller(write_file, own_mount.mountpoint / PLAIN_ROOM / f"plain-{own_mount.pid}", MARK)
    assert found_in(own_mount, MARK[:20])


@pytest.mark.durability("sealed-key")
def test_a_lost_key_keeps_the_daemon_from_starting_and_the_drafts_as_they_are(
    own_mount: Mount, account: Account, place: Path, troubled: RunningSandbox
) -> None:
    troubled.control.fault(**NO_UPLOAD)  # type: ignore[arg-type] # one of the keys is the path
    with Caller() as caller:
        caller(write_file, place / "kept", MARK * 1000)
    own_mount.kill()
    whole = own_mount.paths.secrets.read_bytes()
    own_mount.paths.secrets.unlink()
    secrets = FileSecrets(own_mount.paths.secrets)
    secrets.put("password", account.password)
    secrets.put("encryption_password", account.encryption_password)
    for _ in range(2):  # nor is there a new key the second time
        refused = own_mount.run("mount", "test", str(own_mount.mountpoint))
        assert refused.returncode != 0
        assert "draft_key_" in refused.stderr
        assert "Traceback" not in refused.stderr
    own_mount.paths.secrets.write_bytes(whole)
    troubled.control.clear_faults()
    own_mount.start()
    own_mount.fresh_view()
    with Caller() as caller:
        assert caller(read_file, place / "kept") == MARK * 1000
