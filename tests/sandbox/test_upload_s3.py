"""Uploads straight to the listener that stands for S3 (DRACOON facts, 12.3)."""

import hashlib
import os
from typing import Any

import httpx
import pytest

from tests.sandbox.account import FILE_KEY, Account, login, ok, plain, refusal
from tests.sandbox.fixture import RunningSandbox

MINIMUM = 1000
DATA = os.urandom(2500)
PARTS = (DATA[:1000], DATA[1000:2000], DATA[2000:])


@pytest.fixture
def server(calm_sandbox: RunningSandbox) -> RunningSandbox:
    calm_sandbox.control.set(upload_channel="s3", s3_part_minimum=MINIMUM, s3_finish_delay=0)
    return calm_sandbox


@pytest.fixture
def account(server: RunningSandbox) -> Account:
    return login(server, key_pair=True)


@pytest.fixture
def room(account: Account) -> int:
    return account.room()


class Upload:
    """One upload through S3."""

    def __init__(self, account: Account, room: int, name: str = "a") -> None:
        self.account = account
        channel = account.channel(room, name, directS3Upload=True)
        self.path = f"/nodes/files/uploads/{channel['uploadId']}"

    def urls(self, size: int, first: int, last: int) -> list[str]:
        body = {"size": size, "firstPartNumber": first, "lastPartNumber": last}
        answer = self.account.post(f"{self.path}/s3_urls", body)
        assert answer.status_code == 201, answer.text
        urls = answer.json()["urls"]
        assert [url["partNumber"] for url in urls] == list(range(first, last + 1))
        return [url["url"] for url in urls]

    def put(self, url: str, data: bytes, **headers: str) -> httpx.Response:
        return plain().put(url, content=data, headers=headers)

    def send(self, parts: tuple[bytes, ...] = PARTS) -> list[dict[str, Any]]:
        sent = []
        for number, data in enumerate(parts, 1):
            answer = self.put(self.urls(len(data), number, number)[0], data)
            assert answer.status_code == 200, answer.text
            assert answer.headers["etag"] == f'"{hashlib.md5(data).hexdigest()}"'
            sent.append({"partNumber": number, "partEtag": answer.headers["etag"].strip('"')})
        return sent

    def complete(self, parts: list[dict[str, Any]], **more: object) -> httpx.Response:
        return self.account.put(f"{self.path}/s3", {"parts": parts, **more})

    def status(self) -> dict[str, Any]:
        return ok(self.account.get(self.path))


def test_three_parts(account: Account, room: int) -> None:
    upload = Upload(account, room)
    assert upload.status() == {"status": "transfer"}
    answer = upload.complete(upload.send(), resolutionStrategy="fail")
    assert (answer.status_code, answer.content) == (202, b"")
    status = upload.status()
    assert (status["status"], status["node"]["size"]) == ("done", len(DATA))
    assert status["node"]["hash"] == hashlib.md5(DATA).hexdigest()
    assert account.content(status["node"]["id"]) == DATA
    assert refusal(upload.complete([])) == (400, -20503)


def test_an_empty_file_is_one_empty_part(account: Account, room: int) -> None:
    upload = Upload(account, room)
    assert upload.complete(upload.send((b"",))).status_code == 202
    assert upload.status()["node"]["size"] == 0


def test_parts_in_any_order_and_again(account: Account, room: int) -> None:
    upload = Upload(account, room)
    urls = upload.urls(MINIMUM, 1, 2)
    assert upload.put(urls[0], b"x" * MINIMUM).is_success
    assert upload.put(urls[1], PARTS[1]).is_success
    assert upload.put(urls[0], PARTS[0]).is_success
    tags = [{"partNumber": n, "partEtag": hashlib.md5(PARTS[n - 1]).hexdigest()} for n in (1, 2)]
    assert upload.complete(tags).status_code == 202
    assert account.content(upload.status()["node"]["id"]) == DATA[:2000]


def test_finishing_takes_a_while(server: RunningSandbox, account: Account, room: int) -> None:
    server.control.set(s3_finish_delay=600)
    upload = Upload(account, room)
    assert upload.complete(upload.send()).status_code == 202
    assert upload.status() == {"status": "finishing"}
    assert account.names(room) == []
    server.control.finish_uploads()
    assert upload.status()["status"] == "done"
    assert account.names(room) == ["a"]


def test_the_service_refuses_parts(account: Account, room: int) -> None:
    upload = Upload(account, room)
    for size, first, last, code in [
        (MINIMUM - 1, 1, 2, -80046),
        (MINIMUM, 1, 10_001, -80046),
        (MINIMUM, 2, 1, -80046),
        (MINIMUM, 0, 1, -80001),
        (-1, 1, 1, -80001),
    ]:
        body = {"size": size, "firstPartNumber": first, "lastPartNumber": last}
        assert refusal(account.post(f"{upload.path}/s3_urls", body)) == (400, code)
    small = upload.send((b"small", b"last"))
    assert refusal(upload.complete(small)) == (400, -80046)
    assert refusal(upload.complete([])) == (400, -80045)
    assert refusal(upload.complete([{"partNumber": 1, "partEtag": "0" * 32}])) == (400, -80045)
    assert refusal(upload.complete([{"partNumber": 3, "partEtag": "0" * 32}])) == (400, -80045)
    assert refusal(upload.complete(small[::-1])) == (400, -80045)


def xml_code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/xml"
    return answer.status_code, answer.text.partition("<Code>")[2].partition("<")[0]


def test_s3_refuses_parts(server: RunningSandbox, account: Account, room: int) -> None:
    upload = Upload(account, room)
    url = upload.urls(4, 1, 1)[0]
    assert xml_code(upload.put(url, b"12345")) == (403, "SignatureDoesNotMatch")
    assert xml_code(plain().put(url, content=iter([b"1234"]))) == (411, "MissingContentLength")
    assert xml_code(upload.put(url, b"1234", authorization="Bearer x")) == (400, "InvalidArgument")
    assert xml_code(upload.put(url.replace("/parts/", "/parts/0"), b"1234")) == (404, "NoSuchUpload")
    server.control.expire("part")
    assert xml_code(upload.put(url, b"1234")) == (403, "AccessDenied")
    url = upload.urls(4, 1, 1)[0]
    assert account.delete(upload.path).status_code == 204
    assert xml_code(upload.put(url, b"1234")) == (404, "NoSuchUpload")
    assert refusal(account.get(upload.path)) == (404, -20501)


@pytest.mark.parametrize("late", [False, True])
def test_conflicts_now_or_in_the_status(server: RunningSandbox, account: Account, room: int, late: bool) -> None:
    server.control.set(s3_late_conflicts=late)
    account.file(room, "a")
    upload = Upload(account, room)
    answer = upload.complete(upload.send(), resolutionStrategy="fail")
    if late:
        assert answer.status_code == 202
        status = upload.status()
        assert (status["status"], status["errorDetails"]["errorCode"]) == ("error", -41001)
        return
    assert refusal(answer) == (409, -41001)
    tags = [{"partNumber": n, "partEtag": hashlib.md5(data).hexdigest()} for n, data in enumerate(PARTS, 1)]
    assert upload.complete(tags, resolutionStrategy="overwrite").status_code == 202
    assert upload.status()["status"] == "done"


def test_encrypted(account: Account) -> None:
    room = account.room(encrypted=True)
    upload = Upload(account, room)
    parts = upload.send()
    assert refusal(upload.complete(parts)) == (400, -40763)
    assert upload.complete(parts, fileKey=FILE_KEY).status_code == 202
    node = upload.status()["node"]["id"]
    assert ok(account.get(f"/nodes/files/{node}/user_file_key")) == FILE_KEY


def test_the_channels_are_apart(account: Account, room: int) -> None:
    direct = Upload(account, room)
    assert refusal(account.put(direct.path, {})) == (400, -20503)
    classic = account.channel(room, "b")["uploadId"]
    body = {"size": 1, "firstPartNumber": 1, "lastPartNumber": 1}
    assert refusal(account.post(f"/nodes/files/uploads/{classic}/s3_urls", body)) == (404, -90034)
