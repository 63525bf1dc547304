"""A real mount of a Metadisk account: saves, other clients, equal contents, whole shards, trouble, kill -9."""

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mountcloud.providers.metadisk.names import alias_note
from tests.metadisk.account import account_of
from tests.metadisk.outsider import hash_of
from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import Service
from tests.mount.session import Mount
from tests.mount.shared import AllowedLog, complaints, mounted

pytestmark = pytest.mark.mount
MIB = 1 << 20
SEEN_WITHIN_S = 60.0


@pytest.fixture
def allowed() -> AllowedLog:
    return AllowedLog()


@pytest.fixture
def bucket(service: Service) -> str:
    return service.make_bucket("pics")


@pytest.fixture
def mount(fuse: None, service: Service, bucket: str, allowed: AllowedLog) -> Iterator[Mount]:
    with mounted(account_of(service)) as mount:
        yield mount
        mount.settle()
        assert complaints(mount.new_log(), allowed) == []


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SEEN_WITHIN_S
    while not seen():
        assert time.monotonic() < deadline, "it was never seen"
        time.sleep(0.1)


def test_saves_of_every_kind_arrive_and_leave_nothing_behind(mount: Mount, service: Service, bucket: str) -> None:
    path = mount.mountpoint / "pics" / 'notes <&> "quoted" 100% ü?#.txt'
    path.write_bytes(b"first\n")
    mount.settle()
    with path.open("r+b") as file:
        file.write(b"in place")
    mount.settle()
    subprocess.run(["sh", "-c", 'echo again > "$0"', path], check=True, timeout=60)
    mount.settle()
    new = path.with_name("new file")
    new.write_bytes(b"beside, then renamed")
    new.replace(path)
    mount.settle()
    stored = {"notes <&> %22quoted%22 100% ü?#.txt": hash_of(b"beside, then renamed")}
    assert service.files(bucket) == stored
    os.utime(path, (1_700_000_000, 1_700_000_000))
    mount.fresh_view()
    assert path.stat().st_mtime == 1_700_000_000
    with pytest.raises(PermissionError):
        (mount.mountpoint / "file").write_bytes(b"the root holds buckets only")


def test_a_tree_goes_and_comes_between_buckets(mount: Mount, service: Service, bucket: str) -> None:
    top = mount.mountpoint
    (top / "other").mkdir()
    for name in ("pics/d", "pics/d/e", "pics/d/empty"):
        (top / name).mkdir()
    (top / "pics/d/e/f").write_bytes(b"1")
    mount.settle()
    (top / "pics/d").rename(top / "other/moved")
    mount.settle()
    assert service.files(bucket) == {}
    mount.fresh_view()
    assert sorted(each.name for each in (top / "other/moved").rglob("*")) == ["e", "empty", "f"]
    (top / "other/moved/e/f").unlink()
    for name in ("e", "empty", ""):
        (top / "other/moved" / name).rmdir()
    (top / "other").rmdir()
    mount.settle()
    assert service.buckets().keys() == {"pics"}


def test_copies_are_names_of_one_content(mount: Mount, service: Service, bucket: str) -> None:
    top = mount.mountpoint / "pics"
    (top / "one").write_bytes(b"same")
    for name in ("two", "three"):
        (top / name).write_bytes(b"same")
    for number in range(4):
        (top / f"empty {number}").touch()
    mount.settle()
    assert len(service.files(bucket)) == 3 + 4
    mount.fresh_view()
    assert len(list(top.iterdir())) == 7
    (top / "one").unlink()
    (top / "empty 0").unlink()
    mount.settle()
    mount.fresh_view()
    assert {each.name: each.read_bytes() for each in top.iterdir()} == {
        "two": b"same",
        "three": b"same",
        **{f"empty {number}": b"" for number in (1, 2, 3)},
    }
    (top / "three").write_bytes(b"another")
    mount.settle()
    assert (top / "two").read_bytes() == b"same"
    assert alias_note(("three",), hash_of(b"same")) not in service.files(bucket)


def test_what_other_clients_do_is_seen(mount: Mount, service: Service, bucket: str) -> None:
    top = mount.mountpoint / "pics"
    (top / "d").mkdir()
    (top / "d" / "f").write_bytes(b"ours")
    mount.settle()
    service.put(bucket, "d%2Ff", b"theirs, longer")
    service.remove(bucket, hash_of(b"ours"))
    until(lambda: [each.stat().st_size for each in (top / "d").iterdir()] == [14])
    assert (top / "d" / "f").read_bytes() == b"theirs, longer"
    service.put(bucket, "d%2Fg", b"theirs, longer")
    until(lambda: [each.name for each in (top / "d").iterdir()] == ["g"])
    service.make_bucket("another")
    until((mount.mountpoint / "another").exists)
    service.send("DELETE", f"/buckets/{bucket}")
    until(lambda: [each.name for each in mount.mountpoint.iterdir()] == ["another"])


def test_both_contents_survive_when_two_save_at_once(
    mount: Mount, service: Service, bucket: str, allowed: AllowedLog
) -> None:
    allowed.allow("conflict")
    path = mount.mountpoint / "pics" / "f.txt"
    path.write_bytes(b"first")
    mount.settle()
    with path.open("r+b", buffering=0) as file:
        file.write(b"ours!")
        service.put(bucket, "f.txt", b"theirs")
        service.remove(bucket, hash_of(b"first"))
    mount.settle()
    stored = service.files(bucket)
    assert stored.pop("f.txt") == hash_of(b"theirs")
    assert list(stored.values()) == [hash_of(b"ours!")]


def test_random_reads_fetch_each_shard_once(
    mount: Mount, service: Service, metadisk: MetadiskServer, bucket: str
) -> None:
    data = random.Random(1).randbytes(20 * MIB)
    metadisk.control.set(shard_size=5 * MIB)
    service.put(bucket, "large", data)
    path = mount.mountpoint / "pics" / "large"
    until(path.exists)
    metadisk.control.forget_requests()
    chance = random.Random(2)
    with path.open("rb", buffering=0) as file:
        for _ in range(200):
            offset = chance.randrange(len(data) - 100)
            assert os.pread(file.fileno(), 100, offset) == data[offset : offset + 100]
    channels = [each for each in metadisk.control.requests().items if each["path"] == "/"]
    assert 3 <= len(channels) <= 5
    assert path.read_bytes() == data
    with path.open("rb") as file:
        assert file.read(100) == data[:100]
    assert len([each for each in metadisk.control.requests().items if each["path"] == "/"]) == len(channels)


def test_what_was_altered_is_not_shown(
    mount: Mount, service: Service, metadisk: MetadiskServer, bucket: str, allowed: AllowedLog
) -> None:
    allowed.allow("EIO: .* not the shard")
    metadisk.control.set(shard_size=MIB)
    data = random.Random(3).randbytes(3 * MIB)
    service.put(bucket, "f", data)
    metadisk.control.tamper(bucket, hash_of(data), position=1)
    path = mount.mountpoint / "pics" / "f"
    until(path.exists)
    with pytest.raises(OSError, match="Input/output error"):
        path.read_bytes()


def test_being_offline_and_killed_is_no_loss(
    mount: Mount, service: Service, metadisk: MetadiskServer, bucket: str, allowed: AllowedLog
) -> None:
    allowed.allow("")
    path: Path = mount.mountpoint / "pics" / "f"
    path.write_bytes(b"cached")
    mount.settle()
    assert path.read_bytes() == b"cached"
    metadisk.control.fault("/", agent="^mountcloud", kind="status", status=502, body="html", count=-1)
    path.write_bytes(b"written meanwhile")
    (path.parent / "d").mkdir()
    assert {each.name for each in path.parent.iterdir()} == {"d", "f"}
    mount.kill()
    metadisk.control.clear_faults()
    mount.start()
    mount.settle()
    assert service.files(bucket)["f"] == hash_of(b"written meanwhile")
    assert len(service.files(bucket)) == 2


def test_a_replacement_survives_kill_minus_nine(
    mount: Mount, service: Service, metadisk: MetadiskServer, bucket: str, allowed: AllowedLog
) -> None:
    allowed.allow("")
    path = mount.mountpoint / "pics" / "f"
    path.write_bytes(b"first")
    mount.settle()
    metadisk.control.fault("/files/", method="DELETE", kind="drop", count=-1)
    path.write_bytes(b"second")
    until(lambda: any(fault["hits"] for fault in metadisk.control.faults()))
    mount.kill()
    metadisk.control.clear_faults()
    mount.start()
    mount.settle()
    mount.fresh_view()
    assert path.read_bytes() == b"second"
    assert service.files(bucket) == {"f": hash_of(b"second")}
