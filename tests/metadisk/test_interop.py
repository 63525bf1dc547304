"""Clients that others wrote work against the sandbox: ``storj`` 0.1 itself, and what ``pymdc`` sends.

``pymdc`` needs Python 2, so the walk-through of its documentation is repeated here, as a recording of it has it.
"""

import base64
import http.client
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mountcloud.crypt.ripemd160 import ContentHash
from tests.interop.environments import python_or_skip
from tests.metadisk.account import account_of
from tests.metadisk.published_client import ENVIRONMENT, PublishedClient
from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import Service, follow, sent_password
from tests.metadisk.signer import Signer
from tests.mount.shared import mounted

SIZES = [0, 1, 100_000, (1 << 20) + 3]


@pytest.fixture
def client(service: Service) -> PublishedClient:
    return PublishedClient(python_or_skip(ENVIRONMENT), service.url, service.email)


@pytest.mark.parametrize("late", [False, True])
def test_a_day_with_the_client(metadisk: MetadiskServer, tmp_path: Path, late: bool) -> None:
    metadisk.control.set(shard_size=100_000, late_farmers=late)
    (tmp_path / "x.jpg").write_bytes(random.Random(1).randbytes(450_000))
    client = PublishedClient(python_or_skip(ENVIRONMENT), metadisk.base_url, f"storj-{late}@example.org")
    assert client("walk", tmp_path / "x.jpg") == {
        "again": "Email is already registered",
        "too early": "User account has not been activated",
        "keys": 1,
        "bucket": ["pics", 10, 10, "Active", 1],
        "file": ["x.jpg", 450_000, "text/plain"],
        "came back": True,
        "more keys": 2,
        "token": "PULL",
        "removed": 204,
        "left": 0,
        "buckets": 0,
        "gone": "Bucket not found",
    }
    assert metadisk.control.requests().count("WEBSOCKET") > 1


def test_the_client_and_another_read_each_other(client: PublishedClient, service: Service, tmp_path: Path) -> None:
    bucket = service.make_bucket("shared")
    theirs, ours = random.Random(2).randbytes(70_001), random.Random(3).randbytes(70_002)
    (tmp_path / "theirs").write_bytes(theirs)
    client("put", "shared", tmp_path / "theirs")
    service.put(bucket, "ours", ours)
    (tmp_path / "back").mkdir()
    assert client("get", "shared", tmp_path / "back") == {
        "theirs": ContentHash(theirs).hexdigest(),
        "ours": ContentHash(ours).hexdigest(),
    }
    assert (tmp_path / "back" / "ours").read_bytes() == ours
    assert service.get(bucket, ContentHash(theirs).hexdigest()) == theirs


@pytest.mark.mount
def test_mount_and_client_read_each_other(
    fuse: None, client: PublishedClient, metadisk: MetadiskServer, service: Service, tmp_path: Path
) -> None:
    """It knows no directories, so ours are in the names that it sees."""
    metadisk.control.set(shard_size=300_000)
    local, back = tmp_path / "local", tmp_path / "back"
    for directory in (local, back):
        directory.mkdir()
    with mounted(account_of(service)) as mount:
        bucket = mount.mountpoint / "shared"
        (bucket / "d").mkdir(parents=True)
        for size in SIZES:
            (bucket / f"ours {size}").write_bytes(random.Random(size).randbytes(size))
            (local / f"theirs {size}").write_bytes(random.Random(-size).randbytes(size + 1))
        (bucket / "d" / "ü").write_bytes(b"below")
        mount.settle()
        client("put", "shared", *(local / f"theirs {size}" for size in SIZES))
        deadline = time.monotonic() + 60
        while len(list(bucket.iterdir())) < 2 * len(SIZES) + 1:
            assert time.monotonic() < deadline, "they were never seen"
            time.sleep(0.1)
        client("get", "shared", back)
        for size in SIZES:
            assert (back / f"ours {size}").read_bytes() == random.Random(size).randbytes(size)
            assert (bucket / f"theirs {size}").read_bytes() == random.Random(-size).randbytes(size + 1)
        assert (back / "d%2Fü").read_bytes() == b"below"


@dataclass
class Pymdc:
    """Sends what ``pymdc`` sends: nonces of 2 decimals in addresses and of 6 in bodies, and a new line each time."""

    url: str
    email: str
    signer: Signer = field(init=False)
    seconds: float = 1_795_291_964.852055

    def __post_init__(self) -> None:
        self.signer = Signer(self.url)

    def ask(self, method: str, path: str, body: dict[str, object] | None = None, auth: str = "key") -> Any:
        """One request; ``auth`` is "key", "password" or empty."""
        self.seconds += 0.013
        query, payload = "", ""
        if body is None:
            query = payload = f"__nonce={self.seconds:.2f}"
        else:
            payload = json.dumps({**body, "__nonce": round(self.seconds, 6)}, separators=(",", ":"))
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Accept-encoding": "gzip"}
        if auth == "key":
            headers["X-pubkey"] = self.signer.key
            headers["X-signature"] = self.signer.sign(f"{method}\n{path}\n{payload}".encode())
        if auth == "password":
            headers["Authorization"] = f"Basic {self._basic()}"
        return self._exchange(method, f"{path}?{query}" if query else path, b"" if query else payload.encode(), headers)

    def upload(self, path: str, token: str, name: str, data: bytes) -> Any:
        """Fields come before the file, whose name is all of the local path."""
        self.seconds += 0.013
        plain = "Content-Type: text/plain; charset=utf-8\r\n"
        parts = [
            f'--c3bc393c\r\nContent-Disposition: form-data; name="__nonce"\r\n{plain}\r\n{self.seconds:.2f}\r\n',
            f'--c3bc393c\r\nContent-Disposition: form-data; name="id"\r\n{plain}\r\n{path.split("/")[2]}\r\n',
            f'--c3bc393c\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: image/jpeg\r\n\r\n",
        ]
        body = "".join(parts).encode() + data + b"\r\n--c3bc393c--\r\n"
        headers = {"X-token": token, "X-filesize": str(len(data)), "Accept": "application/json"}
        headers["Content-Type"] = "multipart/form-data; boundary=c3bc393c"
        return self._exchange("PUT", path, body, headers)

    def download(self, path: str, token: str) -> Any:
        """Only the pointers: it went no further."""
        return self._exchange("GET", f"{path}?__nonce={self.seconds:.2f}", b"", {"X-token": token})

    def _basic(self) -> str:
        return base64.b64encode(f"{self.email}:{sent_password()}".encode()).decode()

    def _exchange(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Any:
        line = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            sent = {"User-Agent": "unirest-python/1.1.6", "Connection": "close", "Content-Length": str(len(body))}
            line.request(method, target, body, sent | headers)
            answer = line.getresponse().read()
            return json.loads(answer) if answer else None
        finally:
            line.close()


def test_the_walk_through_of_the_first_client(metadisk: MetadiskServer) -> None:
    email = "new_user@example.org"
    pymdc = Pymdc(metadisk.base_url, email)
    registration: dict[str, object] = {"password": sent_password(), "email": email}
    made = pymdc.ask("POST", "/users", registration, auth="")
    assert (made["id"], made["activated"]) == (email, False)
    assert pymdc.ask("GET", f"/activations/{metadisk.control.activator(email)}", auth="")["activated"] is True

    key = {"user": email, "key": pymdc.signer.key, "id": pymdc.signer.key}
    assert pymdc.ask("POST", "/keys", {"key": pymdc.signer.key}, auth="password") == key
    assert pymdc.ask("GET", "/keys", auth="password") == [key]

    body: dict[str, object] = {"transfer": 10, "pubkeys": [pymdc.signer.key], "storage": 10, "name": "My cat pictures"}
    bucket = pymdc.ask("POST", "/buckets", body)
    shown = {"status": "Active", "name": "My cat pictures", "transfer": 10, "storage": 10, "user": email}
    assert bucket == {**shown, "pubkeys": [pymdc.signer.key], "id": bucket["id"], "created": bucket["created"]}
    assert pymdc.ask("GET", "/buckets") == [bucket]
    path = f"/buckets/{bucket['id']}"
    assert pymdc.ask("GET", path) == bucket
    assert pymdc.ask("PATCH", path, {"name": "My files"}) == {**bucket, "name": "My files"}

    asked: dict[str, object] = {"operation": "PUSH", "id": bucket["id"]}
    token = pymdc.ask("POST", f"{path}/tokens", asked)
    assert (token["operation"], token["bucket"], len(token["token"])) == ("PUSH", bucket["id"], 64)
    picture = b"\xff\xd8jpeg" * 1000
    entry = pymdc.upload(f"{path}/files", token["token"], "/home/me/san_francisco.jpg", picture)
    expected = {"mimetype": "image/jpeg", "hash": ContentHash(picture).hexdigest(), "size": 6000}
    assert entry == {**expected, "bucket": bucket["id"], "filename": "san_francisco.jpg"}
    assert pymdc.ask("GET", f"{path}/files") == [entry]
    token = pymdc.ask("POST", f"{path}/tokens", {**asked, "operation": "PULL"})
    [pointer] = pymdc.download(f"{path}/files/{entry['hash']}", token["token"])
    assert follow(pointer).data == picture

    assert pymdc.ask("DELETE", path) is None
    assert pymdc.ask("GET", path) == {"error": "Bucket not found"}
    assert pymdc.ask("DELETE", f"/keys/{pymdc.signer.key}", auth="password") is None
    assert pymdc.ask("GET", "/keys", auth="password") == []
    assert pymdc.ask("POST", "/users", registration, auth="") == {"error": "Email is already registered"}
