"""Programs and users that wait until the service has their work."""

import errno
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mountcloud.daemon.control import ControlError
from tests.filesystem.caller import Caller
from tests.filesystem.steps import content, read_file, write_and_sync, write_file
from tests.filesystem.tree import refused
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount

AMPLE_S = 60.0
SHORT_S = 8.0
"""How long programs wait: more than the service needs on a busy machine, or hardly more."""
UPLOADS = "/uploads|/files/uploads"


@pytest.fixture
def caller() -> Iterator[Caller]:
    with Caller() as caller:
        yield caller


@pytest.fixture
def waiting(request: pytest.FixtureRequest, fuse: None, account: Account) -> Iterator[Mount]:
    """A mount whose programs wait for the service."""
    general = f'durability = "remote"\nremote_deadline_s = {getattr(request, "param", AMPLE_S)}'
    with mounted(replace(account, general=general, settle_s=3600)) as mount:
        yield mount


@pytest.fixture(params=[PLAIN_ROOM, ENCRYPTED_ROOM])
def place(request: pytest.FixtureRequest, waiting: Mount, caller: Caller) -> Path:
    path: Path = waiting.mountpoint / request.param / f"waiting-{waiting.pid}"
    caller(path.mkdir)
    return path


def remote(path: Path) -> str:
    """Where the service has it: room, directory, rest."""
    return "/" + "/".join(path.parts[path.parts.index("mount") + 1 :])


@pytest.mark.durability("remote")
def test_a_call_returns_when_the_service_has_it(place: Path, caller: Caller, service: Service) -> None:
    assert service.tree(remote(place)) == {}
    caller(write_file, place / "file", content(1, 300_000))
    assert service.tree(remote(place)) == {"file": 300_000}
    caller(write_and_sync, place / "file", content(2, 200_000))
    assert service.tree(remote(place)) == {"file": 200_000}
    caller(os.mkdir, place / "directory")
    assert service.tree(remote(place)) == {"file": 200_000, "directory": None}
    caller(os.rename, place / "file", place / "directory/file")
    assert service.tree(remote(place)) == {"directory": None, "directory/file": 200_000}
    caller(os.unlink, place / "directory/file")
    assert service.tree(remote(place)) == {"directory": None}
    caller(os.rmdir, place / "directory")
    assert service.tree(remote(place)) == {}


REFUSALS = [(507, -90200, errno.ENOSPC), (507, -40200, errno.EDQUOT), (403, -1, errno.EACCES)]
"""HTTP status, the service's code, and what the program gets."""


@pytest.mark.durability("remote")
@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_call_returns_the_services_refusal_and_the_work_is_kept(
    waiting: Mount, caller: Caller, troubled: RunningSandbox, service: Service, refusal: tuple[int, int, int]
) -> None:
    place = waiting.mountpoint / ENCRYPTED_ROOM / f"refused-{waiting.pid}"
    caller(place.mkdir)
    status, code, number = refusal
    troubled.control.fault(UPLOADS, kind="status", status=status, error_code=code, count=100)
    with refused(number):
        caller(write_file, place / "file", content(1, 1000))
    assert caller(read_file, place / "file") == content(1, 1000)
    troubled.control.clear_faults()
    done = waiting.run("sync", "--wait", "test")
    assert done.returncode == 0, done.stderr
    assert service.tree(remote(place)) == {"file": 1000}


@pytest.mark.durability("remote-deadline")
@pytest.mark.parametrize("waiting", [SHORT_S], indirect=True)
def test_calls_that_wait_end_in_time_and_leave_the_mount_to_others(
    place: Path, caller: Caller, waiting: Mount, troubled: RunningSandbox
) -> None:
    troubled.control.fault(UPLOADS, kind="status", status=503, count=100_000)
    callers = [Caller() for _ in range(70)]
    try:
        begin = time.monotonic()
        for number, each in enumerate(callers):
            each.start(write_file, place / f"file-{number}", b"waiting")
        deadline = time.monotonic() + 100
        while not any(each.finished() for each in callers):
            assert time.monotonic() < deadline
            assert caller(os.listdir, place) is not None
        assert caller(os.stat, place)
        errors = [error.errno for each in callers if isinstance(error := ended(each), OSError)]
        assert len(errors) == len(callers)
        assert errno.EIO in errors
        assert set(errors) <= {errno.EIO, errno.EBUSY}, "who comes when 64 wait is told at once"
        assert time.monotonic() - begin > SHORT_S
    finally:
        for each in callers:
            each.close()


def ended(caller: Caller) -> object:
    try:
        return caller.result()
    except OSError as error:
        return error


@pytest.mark.durability("sync-wait")
def test_sync_waits_for_a_path_and_names_what_failed(
    own_mount: Mount, caller: Caller, troubled: RunningSandbox, service: Service
) -> None:
    place = own_mount.mountpoint / PLAIN_ROOM / f"sync-{own_mount.pid}"
    for name in ("good", "bad"):
        caller((place / name).mkdir, parents=True)
    own_mount.settle()
    troubled.control.fault(UPLOADS, kind="status", status=507, error_code=-90200, count=100)
    caller(write_file, place / "bad/refused", b"x")
    below = f"{PLAIN_ROOM}/{place.name}"
    failed = own_mount.run("sync", "--wait", "test", below)
    assert failed.returncode != 0
    assert f"{below}/bad/refused" in failed.stderr
    troubled.control.clear_faults()
    caller(write_file, place / "good/arrives", b"y")
    own_mount.call("sync", path=f"{below}/good")
    assert service.tree(remote(place)) == {"good": None, "good/arrives": 1, "bad": None}
    with pytest.raises(ControlError, match=f"{below}/bad/refused"):
        own_mount.call("sync", path=f"{below}/bad")
    done = own_mount.run("sync", "--wait", "test", below)
    assert done.returncode == 0, done.stderr
    assert service.tree(remote(place)) == {"good": None, "good/arrives": 1, "bad": None, "bad/refused": 1}
