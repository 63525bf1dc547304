"""Quotas (DRACOON facts, 5, 12.1, 20)."""

import pytest

from tests.sandbox.account import Account, login, ok, plain, refusal
from tests.sandbox.fixture import RunningSandbox


@pytest.fixture
def account(calm_sandbox: RunningSandbox) -> Account:
    return login(calm_sandbox)


def test_of_a_room(account: Account) -> None:
    room = account.room()
    ok(account.put(f"/nodes/rooms/{room}", {"quota": 10}))
    folder = account.folder(account.room(parent=room))
    file = account.file(folder, "a", b"x" * 8)["id"]
    assert refusal(account.post("/nodes/files/uploads", {"parentId": folder, "name": "b", "size": 3})) == (507, -40200)
    assert refusal(account.upload(folder, "b", b"123")) == (507, -40200)
    assert account.upload(folder, "b", b"12").is_success
    account.delete(f"/nodes/{file}")
    assert refusal(account.upload(folder, "c", b"1")) == (507, -40200)


def test_moving_and_copying_count(account: Account) -> None:
    room, small = account.room(), account.room()
    ok(account.put(f"/nodes/rooms/{small}", {"quota": 5}))
    file = account.file(room, data=b"123456")["id"]
    for verb in ("move", "copy"):
        assert refusal(account.post(f"/nodes/{small}/{verb}_to", {"items": [{"id": file}]})) == (507, -40200)


def test_of_the_customer_and_the_disk(account: Account) -> None:
    control, room = account.server.control, account.room()
    used = ok(account.get("/user/account/customer"))["spaceUsed"]
    control.set(space_limit=used + 5)
    assert refusal(account.upload(room, "a", b"123456")) == (507, -90200)
    assert account.upload(room, "a", b"12345").is_success
    control.set(disk_full=True)
    assert refusal(account.post("/nodes/files/uploads", {"parentId": room, "name": "b"})) == (507, -90201)


def test_of_an_s3_upload_shows_in_the_status(account: Account) -> None:
    control, room = account.server.control, account.room()
    control.set(upload_channel="s3", s3_finish_delay=0, s3_late_conflicts=True)
    upload = account.channel(room, "a", directS3Upload=True)["uploadId"]
    path = f"/nodes/files/uploads/{upload}"
    urls = ok(account.post(f"{path}/s3_urls", {"size": 6, "firstPartNumber": 1, "lastPartNumber": 1}))["urls"]
    etag = plain().put(urls[0]["url"], content=b"123456").headers["etag"].strip('"')
    control.set(space_limit=0)
    assert account.put(f"{path}/s3", {"parts": [{"partNumber": 1, "partEtag": etag}]}).status_code == 202
    status = ok(account.get(path))
    assert (status["status"], status["errorDetails"]["code"], status["errorDetails"]["errorCode"]) == (
        "error",
        507,
        -90200,
    )
