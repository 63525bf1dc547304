"""What the mount tells of each file: by attributes, to any program, without the network."""

import errno
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.tree import refused
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM, SPACE_LIMIT, new_account
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.sandbox.fixture import RunningSandbox, start_sandbox

pytestmark = [pytest.mark.mount, pytest.mark.semantics("attr-state")]


_ALL = ("state", "service", "encrypted", "rights", "id", "version", "cached", "error", "offers")


@pytest.fixture(scope="module")
def own_mount(fuse: None, account: Account) -> Iterator[Mount]:
    """One for all tests of this file."""
    with mounted(account) as mount:
        yield mount


def told(path: Path, what: str = "state") -> str:
    """One of the attributes, empty if there is none."""
    try:
        return os.getxattr(path, f"user.mountcloud.{what}").decode()
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        return ""


def complaints_of(*command: str) -> tuple[int, str]:
    """How a program ends, and what it says of it."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def until(caller: Caller, look: Callable[[Path], str], path: Path, wanted: str) -> None:
    """Wait for something that happens in its own time."""
    deadline = time.monotonic() + 60
    while (found := caller(look, path)) != wanted:
        assert time.monotonic() < deadline, f"{path} is {found!r}, not {wanted!r}"
        time.sleep(0.05)


def test_each_file_tells_how_it_is(own_mount: Mount, service: Service, server: RunningSandbox) -> None:
    folder = f"/{PLAIN_ROOM}/states-{own_mount.pid}"
    service.make_folder(folder)
    service.upload(f"{folder}/remote", b"words" * 100)
    own_mount.call("refresh")
    place = own_mount.mountpoint / folder.strip("/")
    remote = place / "remote"
    with Caller() as caller:
        caller(os.listdir, place)
        assert caller(told, remote) == "cloud"
        server.control.forget_requests()
        words = {what: caller(told, remote, what) for what in ("id", "version", "service", "encrypted", "rights")}
        node = service.find(f"{folder}/remote")
        assert node is not None
        assert (words["id"], words["version"]) == (str(node["referenceId"]), str(node["id"]))
        assert (words["service"], words["encrypted"]) == ("dracoon", "no")
        assert {"read", "write", "delete"} <= set(words["rights"].split(","))
        assert server.control.requests().count("POST", "downloads") == 0
        caller(remote.read_bytes)
        assert caller(told, remote) == "cached"
        own_mount.call("pin", path=f"{folder}/remote".strip("/"))
        until(caller, told, remote, "pinned")
        assert caller(told, place) == "cached"

        local = place / "~$lock"
        caller(local.write_bytes, b"mine")
        assert (caller(told, local), caller(told, local, "id")) == ("local-only", "")
        own_mount.call("queue", action="pause")
        new = place / "new"
        caller(new.write_bytes, b"x")
        assert caller(told, new) == "queued"
        own_mount.call("queue", action="resume")
        until(caller, told, new, "cloud")
        copy = place / "text (conflict host 2026-01-02).txt"
        caller(copy.write_bytes, b"")
        until(caller, told, copy, "conflict")


def test_a_thousand_questions_are_no_request(fuse: None, tmp_path: Path) -> None:
    """On a server of its own, whose requests nobody else makes. The time is in docs/BENCHMARKS.md."""
    server = start_sandbox(tmp_path / "data")
    try:
        server.control.set(space_limit=SPACE_LIMIT)
        with mounted(replace(new_account(server), poll_interval_s=3600.0)) as mount, Caller() as caller:
            files = [mount.mountpoint / room / "asked" for room in (PLAIN_ROOM, ENCRYPTED_ROOM)]
            for file in files:
                caller(file.write_bytes, b"words")
            mount.settle()
            for file in files:
                caller(file.read_bytes)
            server.control.forget_requests()
            answers = {(what, caller(told, file, what)) for _ in range(60) for file in files for what in _ALL}
            assert {value for what, value in answers if what == "state"} == {"cached"}
            assert {value for what, value in answers if what == "offers"} == {"links,versions"}
            assert server.control.requests().count() == 0
    finally:
        server.stop()


def test_trouble_is_told(own_mount: Mount, troubled: RunningSandbox, service: Service) -> None:
    place = own_mount.mountpoint / PLAIN_ROOM / f"trouble-{own_mount.pid}"
    with Caller() as caller:
        caller(place.mkdir)
        own_mount.settle()
        troubled.control.fault(".*/nodes/files/uploads.*", status=403)
        file = place / "refused"
        caller(file.write_bytes, b"x")
        until(caller, told, file, "parked")
        assert "right" in caller(told, file, "error")
        status = json.loads(own_mount.run("status", "test", "--json").stdout)["test"]
        assert [each["path"] for each in status["parked_changes"]] == [f"{PLAIN_ROOM}/{place.name}/refused"]
        shown = own_mount.run("status", "test").stdout
        assert re.search(r"mountcloud queue test retry \S+/refused", shown)
        info = own_mount.run("info", str(file))
        assert (info.returncode, "state      parked" in info.stdout) == (0, True)
        troubled.control.clear_faults()
        own_mount.call("retry_parked")
        own_mount.settle()
        assert caller(told, file) == "cloud"


def test_a_file_without_a_key_says_so(own_mount: Mount, account: Account, server: RunningSandbox) -> None:
    file = own_mount.mountpoint / ENCRYPTED_ROOM / f"keyless-{own_mount.pid}"
    with Caller() as caller:
        caller(file.write_bytes, b"secret")
        own_mount.settle()
        server.control.drop_key(int(caller(told, file, "version")), account.user)
        own_mount.stop()
        own_mount.start()
        assert caller(told, file) == "cloud"
        with refused(errno.EACCES):
            caller(file.read_bytes)
        assert (caller(told, file), caller(told, file, "encrypted")) == ("no-key", "yes")


def test_what_is_told_is_no_attribute_to_be_copied_or_set(own_mount: Mount) -> None:
    place = own_mount.mountpoint / PLAIN_ROOM / f"copies-{own_mount.pid}"
    with Caller() as caller:
        caller(place.mkdir)
        caller((place / "one").write_bytes, b"1")
        caller(os.setxattr, place / "one", "user.comment", b"kept")
        assert caller(os.listxattr, place / "one") == ["user.comment"]
        with refused(errno.EPERM):
            caller(os.setxattr, place / "one", "user.mountcloud.state", b"cached")
        with refused(errno.EPERM):
            caller(os.removexattr, place / "one", "user.mountcloud.state")
        with refused(errno.ENODATA):
            caller(os.getxattr, place / "one", "user.mountcloud.nonsense")
        assert caller(complaints_of, "cp", "-a", str(place / "one"), str(place / "two")) == (0, "")
        assert caller(os.listxattr, place / "two") == ["user.comment"]
