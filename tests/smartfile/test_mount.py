"""A real mount of a SmartFile account: saves, other clients, trouble, kill -9 in the middle of a replacement."""

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mount.session import Account, Mount
from tests.mount.shared import AllowedLog, complaints, mounted
from tests.smartfile.server import SmartFileServer
from tests.smartfile.service import Service

pytestmark = pytest.mark.mount
MIB = 1 << 20
SEEN_WITHIN_S = 60.0


def account_of(service: Service) -> Account:
    return Account(service.url, 0, service.key, service.password, "", provider="smartfile")


@pytest.fixture
def allowed() -> AllowedLog:
    return AllowedLog()


@pytest.fixture
def mount(fuse: None, service: Service, allowed: AllowedLog) -> Iterator[Mount]:
    with mounted(account_of(service)) as mount:
        yield mount
        mount.settle()
        assert complaints(mount.new_log(), allowed) == []


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SEEN_WITHIN_S
    while not seen():
        assert time.monotonic() < deadline, "it was never seen"
        time.sleep(0.1)


def test_saves_of_every_kind_arrive_and_leave_nothing_behind(mount: Mount, service: Service) -> None:
    path = mount.mountpoint / 'notes <&> "quoted" 100% ü?#.txt'
    path.write_bytes(b"first\n")
    mount.settle()
    with path.open("r+b") as file:
        file.write(b"in place")
    mount.settle()
    assert service.get(path.name) == b"in place"
    subprocess.run(["sh", "-c", 'echo again > "$0"', path], check=True, timeout=60)
    mount.settle()
    assert service.get(path.name) == b"again\n"
    new = path.with_name("new file")
    new.write_bytes(b"beside, then renamed")
    new.replace(path)
    mount.settle()
    assert (service.get(path.name), service.names()) == (b"beside, then renamed", {path.name})
    os.utime(path, (1_700_000_000, 1_700_000_000))
    mount.fresh_view()
    assert path.stat().st_mtime == 1_700_000_000
    assert service.hidden() == set()


@pytest.mark.slow
def test_a_tree_goes_and_comes(mount: Mount, service: Service) -> None:
    top = mount.mountpoint
    for name in ("d", "d/e", "other"):
        (top / name).mkdir()
    (top / "d/e/f").write_bytes(b"1")
    mount.settle()
    (top / "d").rename(top / "other" / "moved")
    mount.settle()
    assert service.get("other/moved/e/f") == b"1"
    (top / "other/moved/e/f").unlink()
    (top / "other/moved/e").rmdir()
    mount.settle()
    assert (service.names(), service.names("other"), service.names("other/moved")) == ({"other"}, {"moved"}, set())


def test_what_other_clients_do_is_seen(mount: Mount, service: Service) -> None:
    top = mount.mountpoint
    (top / "d").mkdir()
    (top / "d" / "f").write_bytes(b"ours")
    mount.settle()
    service.put("d/f", b"theirs, longer")
    until(lambda: [each.stat().st_size for each in (top / "d").iterdir()] == [14])
    assert (top / "d" / "f").read_bytes() == b"theirs, longer"
    service.rename("d/f", "d/g")
    until(lambda: [each.name for each in (top / "d").iterdir()] == ["g"])
    assert (top / "d" / "g").read_bytes() == b"theirs, longer"
    service.remove("d")
    until(lambda: list(top.iterdir()) == [])


def test_what_another_client_renames_and_moves_is_the_same_file(
    mount: Mount, service: Service, smartfile: SmartFileServer
) -> None:
    """Its inode, its permissions, what was cached of it, and the handle of a program that has it open."""
    top = mount.mountpoint
    for name in ("d", "other"):
        (top / name).mkdir()
    path = top / "d" / "f"
    path.write_bytes(b"x" * 300_000)
    path.chmod(0o600)
    mount.settle()
    smartfile.control.call("PUT", "/times", account=service.key, path="/d/f", time=1_700_000_000)
    mount.fresh_view()
    assert path.read_bytes() == b"x" * 300_000
    before, directory = path.stat(), path.parent.stat().st_ino
    smartfile.control.forget_requests()
    with path.open("rb") as reader:
        service.rename("d/f", "d/g")
        service.rename("d", "e")
        until((top / "e" / "g").exists)
        service.rename("e/g", "other/h")
        moved = top / "other" / "h"
        until(moved.exists)
        assert reader.read() == b"x" * 300_000
    assert ((top / "e").stat().st_ino, moved.stat().st_ino) == (directory, before.st_ino)
    assert (moved.stat().st_mode, moved.read_bytes()) == (before.st_mode, b"x" * 300_000)
    assert smartfile.control.requests().count("GET", "/path/data/") == 0
    moved.write_bytes(b"ours")
    mount.settle()
    assert service.get("other/h") == b"ours"


def test_both_contents_survive_when_two_save_at_once(mount: Mount, service: Service, allowed: AllowedLog) -> None:
    allowed.allow("conflict")
    path = mount.mountpoint / "f.txt"
    path.write_bytes(b"first")
    mount.settle()
    with path.open("r+b", buffering=0) as file:
        file.write(b"ours!")
        service.put("f.txt", b"theirs")
    mount.settle()
    contents = {name: service.get(name) for name in service.names()}
    assert contents.pop("f.txt") == b"theirs"
    assert list(contents.values()) == [b"ours!"]


@pytest.mark.slow
def test_being_throttled_is_being_slow(mount: Mount, service: Service, smartfile: SmartFileServer) -> None:
    for kind in ("503", "429"):
        smartfile.control.set(throttle=kind, calls_per_second=5.0)
        for number in range(3):
            (mount.mountpoint / f"{kind} {number}").write_bytes(b"1")
        mount.settle()
        refused = [each for each in smartfile.control.requests().items if each["status"] == int(kind)]
        smartfile.control.set(throttle="")
        assert refused
    assert len(service.names()) == 6


def test_a_service_without_parts_is_asked_once_for_a_file(
    mount: Mount, service: Service, smartfile: SmartFileServer
) -> None:
    data = random.Random(1).randbytes(20 * MIB)
    service.put("large", data)
    smartfile.control.set(ranges=False)
    path = mount.mountpoint / "large"
    until(path.exists)
    assert path.read_bytes() == data
    assert smartfile.control.requests().count("GET", "/path/data/") <= 3
    with path.open("rb") as file:
        file.seek(7 * MIB)
        assert file.read(100) == data[7 * MIB : 7 * MIB + 100]


def test_a_replacement_survives_kill_minus_nine(fuse: None, service: Service, smartfile: SmartFileServer) -> None:
    with mounted(account_of(service)) as mount:
        path = mount.mountpoint / "f"
        path.write_bytes(b"first")
        mount.settle()
        path.write_bytes(b"second, which teaches that renames refuse")
        mount.settle()
        smartfile.control.fault("/path/oper/rename", kind="drop", skip=1, count=-1)
        path.write_bytes(b"third")
        until(lambda: any(fault["hits"] for fault in smartfile.control.faults()))
        mount.kill()
        smartfile.control.clear_faults()
        mount.start()
        mount.settle()
        assert path.read_bytes() == b"third"
    assert (service.names(), service.get("f")) == ({"f"}, b"third")


def test_being_offline_is_no_loss(
    mount: Mount, service: Service, smartfile: SmartFileServer, allowed: AllowedLog
) -> None:
    allowed.allow("")
    path = mount.mountpoint / "f"
    path.write_bytes(b"cached")
    mount.settle()
    assert path.read_bytes() == b"cached"
    smartfile.control.fault("/", agent="^mountcloud", kind="status", status=502, body="html", count=-1)
    path.write_bytes(b"written meanwhile")
    (mount.mountpoint / "d").mkdir()
    assert {each.name for each in mount.mountpoint.iterdir()} == {"d", "f"}
    smartfile.control.clear_faults()
    mount.settle()
    assert (service.get("f"), service.names()) == (b"written meanwhile", {"d", "f"})


@pytest.mark.slow
def test_what_is_forbidden_is_refused_here(mount: Mount, service: Service, smartfile: SmartFileServer) -> None:
    service.mkdir("team")
    service.put("team/f", b"1")
    smartfile.control.call("PUT", "/rights", account=service.key, path="/team", denied="wd")
    team: Path = mount.mountpoint / "team"
    until(team.exists)
    assert (team / "f").read_bytes() == b"1"
    smartfile.control.forget_requests()
    for refused in ((team / "g").touch, (team / "d").mkdir, (team / "f").unlink):
        with pytest.raises(PermissionError):
            refused()
    assert smartfile.control.requests().count("POST") == 0
