"""The service's published client works against the sandbox, and reads and writes what a mount writes and reads."""

import random
import time
from pathlib import Path

import pytest

from mountcloud.sandbox.smartfile.seed import CLIENT_SECRET, CLIENT_TOKEN
from tests.interop.environments import python_or_skip
from tests.mount.session import Account
from tests.mount.shared import mounted
from tests.smartfile.published_client import ENVIRONMENT, PublishedClient
from tests.smartfile.server import SmartFileServer
from tests.smartfile.service import Service

SIZES = [0, 1, 100_000, (1 << 20) + 3]


@pytest.fixture
def client(service: Service) -> PublishedClient:
    return PublishedClient(python_or_skip(ENVIRONMENT), service)


def test_a_day_with_the_client(client: PublishedClient, smartfile: SmartFileServer, tmp_path: Path) -> None:
    smartfile.control.set(task_seconds=0.1)
    (tmp_path / "local").write_bytes(random.Random(1).randbytes(100_000))
    seen = client("walk", tmp_path / "local")
    assert seen.pop("user").startswith("user")
    assert "does not exist" in seen.pop("refused")
    assert seen == {
        "ping": "pong",
        "listed": ["n.bin"],
        "moved": "SUCCESS",
        "copied": "SUCCESS",
        "checked": "SUCCESS",
        "attributes": {"a": "1"},
        "came back": True,
        "removed": "SUCCESS",
        "left": ["e"],
    }


def test_the_client_obeys_the_older_throttling(
    client: PublishedClient, smartfile: SmartFileServer, tmp_path: Path
) -> None:
    (tmp_path / "local").write_bytes(b"x")
    smartfile.control.set(throttle="503", calls_per_second=20.0)
    for _ in range(2):
        client("put", "/f", tmp_path / "local")
    smartfile.control.set(throttle="")
    assert client.service.get("f") == b"x"


def test_access_can_be_granted_to_the_client(client: PublishedClient) -> None:
    assert client("oauth", client.service.key, CLIENT_TOKEN, CLIENT_SECRET)["user"].startswith("user")


def test_the_client_sends_and_fetches_deltas(
    client: PublishedClient, smartfile: SmartFileServer, tmp_path: Path
) -> None:
    data = random.Random(2).randbytes(300_000)
    client.service.put("f", data)
    (tmp_path / "local").write_bytes(data[:100_000] + b"here" + data[100_000:])
    client("sync", "upload", "/f", tmp_path / "local")
    assert client.service.get("f") == (tmp_path / "local").read_bytes()
    client.service.put("f", b"there" + data[5000:])
    client("sync", "download", "/f", tmp_path / "local")
    assert (tmp_path / "local").read_bytes() == b"there" + data[5000:]
    assert smartfile.control.requests().count("POST", "/path/sync") == 2


@pytest.mark.mount
def test_mount_and_client_read_each_other(
    fuse: None, client: PublishedClient, service: Service, tmp_path: Path
) -> None:
    account = Account(service.url, 0, service.key, service.password, "", provider="smartfile")
    with mounted(account) as mount:
        for size in SIZES:
            (mount.mountpoint / f"ours {size}").write_bytes(random.Random(size).randbytes(size))
            (tmp_path / "local").write_bytes(random.Random(size + 1).randbytes(size))
            client("put", f"/theirs {size}", tmp_path / "local")
        mount.settle()
        deadline = time.monotonic() + 60
        while len(list(mount.mountpoint.iterdir())) < 2 * len(SIZES):
            assert time.monotonic() < deadline, "they were never seen"
            time.sleep(0.1)
        for size in SIZES:
            client("get", f"/ours {size}", tmp_path / "local")
            assert (tmp_path / "local").read_bytes() == random.Random(size).randbytes(size)
            assert (mount.mountpoint / f"theirs {size}").read_bytes() == random.Random(size + 1).randbytes(size)
