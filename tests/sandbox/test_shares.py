"""Shares, their public side, favourites and comments (DRACOON facts, 15, 16)."""

import base64
from typing import Any

import pytest

from tests.sandbox.account import FILE_KEY, PRIVATE, PUBLIC, Account, login, ok, plain, refusal
from tests.sandbox.fixture import RunningSandbox


@pytest.fixture(scope="module")
def account(sandbox: RunningSandbox) -> Account:
    return login(sandbox, key_pair=True)


@pytest.fixture
def room(account: Account) -> int:
    return account.room(name="")


def public(account: Account, kind: str, share: dict[str, Any]) -> str:
    return f"{account.server.base_url}/api/v4/public/shares/{kind}/{share['accessKey']}"


def test_a_download_share(account: Account, room: int) -> None:
    file = account.file(room, "a.txt", b"shared")["id"]
    body = {"nodeId": file, "password": "open", "maxDownloads": 1, "notes": "n"}
    answer = account.post("/shares/downloads", body)
    share = ok(answer)
    assert (answer.status_code, share["nodePath"].rpartition("/")[2], share["isProtected"]) == (201, "a.txt", True)
    assert "open" not in answer.text
    url = public(account, "downloads", share)
    assert ok(plain().get(url))["fileName"] == "a.txt"
    assert plain().head(url, params={"password": "wrong"}).status_code == 403
    assert plain().head(url, params={"password": "open"}).status_code == 204
    assert refusal(plain().post(url, json={"password": "wrong"})) == (403, -50002)
    answer = plain().post(url, json={"password": "open"})
    assert (answer.status_code, plain().get(answer.json()["downloadUrl"]).content) == (201, b"shared")
    assert refusal(plain().post(url, json={"password": "open"})) == (403, -50009)
    assert ok(account.get(f"/shares/downloads/{share['id']}"))["cntDownloads"] == 1
    assert account.node(file)["cntDownloadShares"] == 1
    assert ok(account.put(f"/shares/downloads/{share['id']}", {"resetPassword": True, "name": "new"}))["name"] == "new"
    assert plain().head(url).status_code == 204
    assert account.delete(f"/shares/downloads/{share['id']}").status_code == 204
    assert refusal(plain().get(url)) == (404, -50000)


def test_an_encrypted_download_share(account: Account) -> None:
    room = account.room(encrypted=True)
    file = account.file(room, fileKey=FILE_KEY)["id"]
    pair = {"privateKeyContainer": PRIVATE, "publicKeyContainer": PUBLIC}
    keys = {"fileKey": FILE_KEY, "keyPair": pair}
    assert refusal(account.post("/shares/downloads", {"nodeId": file})) == (400, -50003)
    assert refusal(account.post("/shares/downloads", {"nodeId": file, "password": "p"})) == (400, -50006)
    assert refusal(account.post("/shares/downloads", {"nodeId": room} | keys)) == (400, -50004)
    assert refusal(account.post("/shares/downloads", {"nodeId": account.room()} | keys)) == (400, -50007)
    share = ok(account.post("/shares/downloads", {"nodeId": file} | keys))
    shown = ok(plain().get(public(account, "downloads", share)))
    assert (shown["fileKey"], shown["privateKeyContainer"]) == (FILE_KEY, PRIVATE)


def test_an_upload_share(account: Account, room: int) -> None:
    share = ok(account.post("/shares/uploads", {"targetId": room, "password": "open", "maxSlots": 2, "maxSize": 100}))
    url = public(account, "uploads", share)
    assert refusal(plain().get(url)) == (403, -50002)
    header = {"x-sds-share-password": base64.b64encode(b"open").decode()}
    assert ok(plain().get(url, headers=header))["isProtected"] is True
    body = {"name": "gift.txt", "password": "open", "size": 4}
    assert refusal(plain().post(url, json=body | {"size": 101})) == (507, -50504)
    for _ in range(2):
        upload = f"{url}/{ok(plain().post(url, json=body))['uploadId']}"
        assert plain().post(upload, content=b"gift", headers={"content-range": "bytes 0-3/4"}).status_code == 201
        assert plain().put(upload, json={}).is_success
    assert account.names(room) == ["gift (1).txt", "gift.txt"]
    assert refusal(plain().post(url, json=body)) == (403, -50501)
    assert ok(account.get(f"/shares/uploads/{share['id']}"))["cntFiles"] == 2
    assert refusal(plain().get(f"{url}x")) == (404, -50500)


def test_an_encrypted_upload_share(account: Account) -> None:
    room = account.room(encrypted=True)
    share = ok(account.post("/shares/uploads", {"targetId": room}))
    url = public(account, "uploads", share)
    recipients = ok(plain().get(url))["userUserPublicKeyList"]["items"]
    assert [item["id"] for item in recipients] == [account.id]
    upload = f"{url}/{ok(plain().post(url, json={'name': 'a'}))['uploadId']}"
    assert refusal(plain().put(upload, json={})) == (400, -40763)
    keys = {"items": [{"userId": account.id, "fileKey": FILE_KEY}]}
    assert plain().put(upload, json={"userFileKeyList": keys}).is_success
    file = ok(account.get("/nodes", parent_id=room))["items"][0]["id"]
    assert ok(account.get(f"/nodes/files/{file}/user_file_key")) == FILE_KEY


def test_strangers_cannot_overwrite(account: Account, room: int) -> None:
    account.file(room, "a")
    url = public(account, "uploads", ok(account.post("/shares/uploads", {"targetId": room})))
    upload = f"{url}/{ok(plain().post(url, json={'name': 'a'}))['uploadId']}"
    assert refusal(plain().put(upload, json={"resolutionStrategy": "overwrite"})) == (403, None)


def test_lists(account: Account, room: int) -> None:
    files = [account.file(room)["id"] for _ in range(2)]
    shares = [ok(account.post("/shares/downloads", {"nodeId": file, "name": f"Share {file}"}))["id"] for file in files]
    found = ok(account.get("/shares/downloads", filter=f"nodeId:eq:{files[0]}"))["items"]
    assert [share["id"] for share in found] == shares[:1]
    found = ok(account.get("/shares/downloads", filter=f"name:cn:SHARE {files[1]}"))["items"]
    assert [share["id"] for share in found] == shares[1:]
    assert ok(login(account.server).get("/shares/downloads"))["items"] == []
    assert account.delete("/shares/downloads", {"shareIds": shares}).status_code == 204
    assert refusal(account.get(f"/shares/uploads/{shares[0]}")) == (404, -50000)


def test_shares_die_with_their_node(account: Account, room: int) -> None:
    file = account.file(room)["id"]
    url = public(account, "downloads", ok(account.post("/shares/downloads", {"nodeId": file})))
    account.delete(f"/nodes/{file}")
    assert refusal(plain().get(url)) == (404, -50000)


def test_favourites(account: Account, room: int) -> None:
    file = account.file(room)["id"]
    assert ok(account.post(f"/nodes/{file}/favorite"))["isFavorite"] is True
    found = ok(account.get("/nodes/search", search_string="*", depth_level=-1, filter="isFavorite:eq:true"))["items"]
    assert [node["id"] for node in found] == [file]
    assert account.delete(f"/nodes/{file}/favorite").status_code == 204
    assert account.node(file)["isFavorite"] is False
    assert account.put("/nodes/favorites", {"isFavorite": True, "objectIds": [file, room]}).status_code == 204
    assert account.node(room)["isFavorite"] is True
    assert refusal(account.put("/nodes/favorites", {"objectIds": list(range(1, 202))})) == (400, -80063)


def test_comments(account: Account, room: int) -> None:
    file = account.file(room)["id"]
    comment = ok(account.post(f"/nodes/{file}/comments", {"text": "first"}))
    assert (comment["text"], comment["isChanged"], comment["createdBy"]["id"]) == ("first", False, account.id)
    assert account.node(file)["cntComments"] == 1
    assert ok(account.put(f"/nodes/comments/{comment['id']}", {"text": "second"}))["isChanged"] is True
    assert [item["text"] for item in ok(account.get(f"/nodes/{file}/comments"))["items"]] == ["second"]
    assert refusal(account.post(f"/nodes/{file}/comments", {"text": "x" * 65_536})) == (400, -80007)
    assert refusal(login(account.server).delete(f"/nodes/comments/{comment['id']}")) == (403, None)
    assert account.delete(f"/nodes/comments/{comment['id']}").status_code == 204
    assert refusal(account.delete(f"/nodes/comments/{comment['id']}")) == (404, -41400)
