"""Channels and the classic way (DRACOON facts, 12.1, 12.2)."""

import hashlib
import os

import httpx
import pytest

from tests.sandbox.account import FILE_KEY, Account, login, ok, plain, refusal
from tests.sandbox.fixture import RunningSandbox

DATA = os.urandom(300_000)


@pytest.fixture(scope="module")
def account(sandbox: RunningSandbox) -> Account:
    return login(sandbox, key_pair=True)


@pytest.fixture
def room(account: Account) -> int:
    return account.room()


def chunk(url: str, data: bytes, content_range: str | None) -> httpx.Response:
    headers = {"content-range": content_range} if content_range else {}
    return plain().post(url, content=data, headers=headers | {"content-type": "application/octet-stream"})


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("total", ["*", str(len(DATA))])
@pytest.mark.parametrize("form", [False, True])
def test_chunks(account: Account, room: int, exclusive: bool, total: str, form: bool) -> None:
    url = account.channel(room, "a")["uploadUrl"]
    for start in range(0, len(DATA), 128_000):
        piece = DATA[start : start + 128_000]
        header = f"bytes {start}-{start + len(piece) - 1 + exclusive}/{total}"
        if form:
            answer = plain().post(url, files={"file": piece}, headers={"content-range": header})
        else:
            answer = chunk(url, piece, header)
        assert ok(answer) == {"size": len(piece), "hash": hashlib.md5(piece).hexdigest()}
    done = plain().put(url, json={})
    assert done.status_code == 201
    assert (done.json()["size"], done.json()["hash"]) == (len(DATA), hashlib.md5(DATA).hexdigest())
    assert account.content(done.json()["id"]) == DATA


def test_the_authenticated_twin(account: Account, room: int) -> None:
    upload = account.channel(room, "a")["uploadId"]
    headers = {"content-range": "bytes 0-3/*"}
    assert account.http.post(f"/nodes/files/uploads/{upload}", content=b"abcd", headers=headers).status_code == 201
    other = login(account.server)
    assert refusal(other.put(f"/nodes/files/uploads/{upload}", {})) == (404, -20501)
    assert account.content(ok(account.put(f"/nodes/files/uploads/{upload}", {}))["id"]) == b"abcd"


def test_an_empty_file_needs_no_chunk(account: Account, room: int) -> None:
    node = account.file(room, "empty", b"")
    assert (node["size"], node["hash"]) == (0, hashlib.md5(b"").hexdigest())
    url = account.channel(room, "empty2")["uploadUrl"]
    assert chunk(url, b"", None).is_success
    assert ok(plain().put(url, json={}))["size"] == 0


def test_chunks_without_a_range_are_appended(account: Account, room: int) -> None:
    url = account.channel(room, "a")["uploadUrl"]
    for piece in (b"ab", b"cd"):
        ok(chunk(url, piece, None))
    assert account.content(ok(plain().put(url, json={}))["id"]) == b"abcd"


def test_a_chunk_may_be_repeated_but_not_skipped(account: Account, room: int) -> None:
    url = account.channel(room, "a")["uploadUrl"]
    ok(chunk(url, b"abcd", "bytes 0-3/8"))
    ok(chunk(url, b"ABCD", "bytes 0-3/8"))
    assert refusal(chunk(url, b"gh", "bytes 6-7/8")) == (400, -80021)
    assert refusal(chunk(url, b"efghi", "bytes 4-8/8")) == (400, -80021)
    assert refusal(chunk(url, b"ef", "bytes four-five/8")) == (400, -80021)
    assert refusal(plain().put(url, json={})) == (400, -80021)
    ok(chunk(url, b"efgh", "bytes 4-7/8"))
    assert account.content(ok(plain().put(url, json={}))["id"]) == b"ABCDefgh"


def test_a_broken_chunk_leaves_nothing_behind(account: Account, room: int) -> None:
    url = account.channel(room, "a")["uploadUrl"]
    assert refusal(chunk(url, b"too much", "bytes 0-7/4")) == (400, -80021)
    ok(chunk(url, b"good", "bytes 0-3/4"))
    node = ok(plain().put(url, json={}))
    assert (node["size"], node["hash"]) == (4, hashlib.md5(b"good").hexdigest())
    assert account.server.control.stored(node["id"]) == b"good"


def test_strategies(account: Account, room: int) -> None:
    first = account.file(room, "a.txt")
    assert refusal(account.upload(room, "A.txt", resolutionStrategy="fail")) == (409, -41001)
    assert [account.file(room, "a.txt")["name"] for _ in range(2)] == ["a (1).txt", "a (2).txt"]
    replaced = account.file(room, "a.txt", b"new", resolutionStrategy="overwrite", keepShareLinks=True)
    assert replaced["id"] != first["id"]
    assert replaced["referenceId"] == first["referenceId"]
    account.folder(room, "folder")
    assert refusal(account.upload(room, "folder", resolutionStrategy="overwrite")) == (409, -40010)
    assert refusal(account.upload(room, "a", keepShareLinks=True)) == (400, -80034)
    assert refusal(account.upload(room, "a", resolutionStrategy="?")) == (400, -80000)


def test_a_channel_stays_open_after_a_conflict(account: Account, room: int) -> None:
    account.file(room, "a.txt")
    url = account.channel(room, "a.txt")["uploadUrl"]
    ok(chunk(url, b"second", "bytes 0-5/6"))
    assert refusal(plain().put(url, json={"resolutionStrategy": "fail"})) == (409, -41001)
    node = ok(plain().put(url, json={"resolutionStrategy": "fail", "fileName": "b.txt"}))
    assert (node["name"], account.content(node["id"])) == ("b.txt", b"second")
    assert refusal(plain().put(url, json={})) == (400, -20503)
    assert refusal(chunk(url, b"x", None)) == (400, -20503)


def test_cancel(account: Account, room: int) -> None:
    channel = account.channel(room, "a")
    assert plain().delete(channel["uploadUrl"]).status_code == 204
    assert refusal(plain().put(channel["uploadUrl"], json={})) == (401, -20502)
    upload = account.channel(room, "a")["uploadId"]
    assert account.delete(f"/nodes/files/uploads/{upload}").status_code == 204
    assert refusal(account.delete(f"/nodes/files/uploads/{upload}")) == (404, -20501)


def test_channels_expire(calm_sandbox: RunningSandbox, account: Account, room: int) -> None:
    channel = account.channel(room, "a")
    calm_sandbox.control.expire("upload", user=account.id)
    assert refusal(plain().put(channel["uploadUrl"], json={})) == (401, -20502)


def test_file_keys_go_with_encrypted_rooms(account: Account, room: int) -> None:
    secret = account.room(encrypted=True)
    assert refusal(account.upload(room, "a", fileKey=FILE_KEY)) == (400, -40001)
    assert refusal(account.upload(secret, "a")) == (400, -40763)
    assert refusal(account.upload(secret, "a", fileKey=FILE_KEY | {"version": "B"})) == (400, -80000)
    node = account.file(secret, "a", fileKey=FILE_KEY)
    assert node["isEncrypted"] is True
    assert account.node(node["id"])["encryptionInfo"]["userKeyState"] == "available"


def test_the_size_limit_of_the_encryption(account: Account) -> None:
    secret = account.room(encrypted=True)
    answer = account.post("/nodes/files/uploads", {"parentId": secret, "name": "a", "size": 2**36 - 31})
    assert refusal(answer) == (400, -80037)
    assert account.channel(secret, "a", size=2**36 - 32)


def test_storage_may_be_late(calm_sandbox: RunningSandbox, account: Account, room: int) -> None:
    calm_sandbox.control.set(complete_window=600)
    answer = account.upload(room, "a")
    assert (answer.status_code, "hash" in answer.json()) == (202, False)
    node = answer.json()["id"]
    assert refusal(account.get(f"/nodes/{node}")) == (404, -41000)
    assert refusal(account.post(f"/nodes/files/{node}/downloads")) == (404, -40751)
    assert account.names(room) == ["a"]
    calm_sandbox.control.finish_uploads()
    assert account.content(node) == b"content"


def test_s3_is_off_or_enforced(calm_sandbox: RunningSandbox, account: Account, room: int) -> None:
    body = {"parentId": room, "name": "a"}
    assert refusal(account.post("/nodes/files/uploads", body | {"directS3Upload": True})) == (412, -90030)
    upload = account.channel(room, "a")["uploadId"]
    urls = {"size": 1, "firstPartNumber": 1, "lastPartNumber": 1}
    assert refusal(account.post(f"/nodes/files/uploads/{upload}/s3_urls", urls)) == (412, -90030)
    calm_sandbox.control.set(upload_channel="enforced")
    assert refusal(account.post("/nodes/files/uploads", body)) == (400, -90033)


def test_refused_channels(account: Account, room: int) -> None:
    for body, expected in [
        ({"parentId": room}, (400, -80005)),
        ({"parentId": 999_999_999, "name": "a"}, (404, -40000)),
        ({"parentId": room, "name": "a", "expiration": {"enableExpiration": True}}, (400, -80006)),
    ]:
        assert refusal(account.post("/nodes/files/uploads", body)) == expected
    assert refusal(plain().put(f"{account.server.base_url}/api/v4/uploads/{'0' * 64}", json={})) == (401, -20502)


def test_the_parent_may_vanish(account: Account, room: int) -> None:
    folder = account.folder(room)
    url = account.channel(folder, "a")["uploadUrl"]
    account.delete(f"/nodes/{folder}")
    assert refusal(plain().put(url, json={})) == (404, -40000)
