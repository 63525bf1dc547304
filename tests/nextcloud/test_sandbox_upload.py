"""Chunked upload, version 2, in the sandbox (WebDAV facts, 2)."""

import httpx
import pytest

from tests.nextcloud.dav import D, Dav
from tests.nextcloud.server import NextcloudServer


@pytest.fixture(autouse=True)
def _small_chunks(nextcloud: NextcloudServer) -> None:
    nextcloud.control.set(chunk_minimum=4)


def begin(dav: Dav, target: str) -> dict[str, str]:
    headers = {"Destination": dav.url(target)}
    assert dav.ask("MKCOL", "up", space="uploads", headers=headers).status_code == 201
    return headers


def chunk(dav: Dav, number: str, data: bytes, headers: dict[str, str]) -> httpx.Response:
    return dav.ask("PUT", f"up/{number}", space="uploads", content=data, headers=headers)


def test_chunks_become_a_file_in_the_order_of_their_numbers(dav: Dav) -> None:
    headers = begin(dav, "big")
    for number, data in (("00002", b"o wo"), ("00010", b"rld"), ("1", b"hell")):
        assert chunk(dav, number, data, headers).status_code == 201
    found = {each.name: each.values.get(f"{D}getcontentlength") for each in dav.list("up", space="uploads")[1:]}
    assert found == {"1": "4", "00002": "4", "00010": "3", ".file": "11"}
    assert dav.ask("GET", "up/1", space="uploads").status_code == 405
    headers |= {"OC-Total-Length": "11", "X-OC-MTime": "1700000000"}
    answer = dav.ok("MOVE", "up/.file", space="uploads", headers=headers)
    assert (answer.status_code, answer.headers["x-oc-mtime"]) == (201, "accepted")
    assert dav.get("big") == b"hello world"
    assert dav.stat("big").etag == answer.headers["oc-etag"]
    assert dav.ask("PROPFIND", "up", space="uploads").status_code == 404


def test_an_existing_file_keeps_its_identity_and_gets_a_version(dav: Dav) -> None:
    dav.put("big", b"old", X_OC_MTime="1700000000")
    before = dav.stat("big")
    headers = begin(dav, "big")
    chunk(dav, "1", b"new content", headers)
    refused = dav.ask("MOVE", "up/.file", space="uploads", headers={**headers, "Overwrite": "F"})
    assert refused.status_code == 412
    stale = {"If": f'<{dav.url("big")}> (["stale"])'}
    assert dav.ask("MOVE", "up/.file", space="uploads", headers=headers | stale).status_code == 412
    fresh = {"If": f"<{dav.url('big')}> ([{before.etag}])"}
    assert dav.ask("MOVE", "up/.file", space="uploads", headers=headers | fresh).status_code == 204
    assert (dav.get("big"), dav.stat("big").fileid) == (b"new content", before.fileid)
    assert dav.older("big") == ("1700000000",)


def test_a_chunk_may_be_sent_again(dav: Dav) -> None:
    headers = begin(dav, "big")
    chunk(dav, "1", b"broken off", headers)
    chunk(dav, "1", b"whole", headers)
    dav.ok("MOVE", "up/.file", space="uploads", headers=headers)
    assert dav.get("big") == b"whole"


def test_rules(nextcloud: NextcloudServer, dav: Dav) -> None:
    assert dav.ask("MKCOL", "up", space="uploads").status_code == 400
    headers = begin(dav, "big")
    for number in ("0", "10001", "x"):
        assert chunk(dav, number, b"12345", headers).status_code == 400
    assert chunk(dav, "1", b"12345", {}).status_code == 412
    assert chunk(dav, "1", b"12345", {"Destination": dav.url("elsewhere")}).status_code == 412
    chunk(dav, "1", b"123", headers)
    chunk(dav, "2", b"45", headers)
    assert dav.ask("MOVE", "up/.file", space="uploads", headers=headers).status_code == 400
    chunk(dav, "1", b"1234", headers)
    wrong = {**headers, "OC-Total-Length": "5"}
    assert dav.ask("MOVE", "up/.file", space="uploads", headers=wrong).status_code == 400
    nextcloud.control.call("PUT", "/accounts", account=dav.account, quota=10)
    assert chunk(dav, "3", b"1234", {**headers, "OC-Total-Length": "11"}).status_code == 507


def test_an_upload_ends_by_expiry_or_when_it_is_given_up(nextcloud: NextcloudServer, dav: Dav) -> None:
    headers = begin(dav, "big")
    chunk(dav, "1", b"12345", headers)
    nextcloud.control.call("POST", "/uploads/expire")
    assert chunk(dav, "2", b"12345", headers).status_code == 404
    begin(dav, "big")
    dav.ok("DELETE", "up", space="uploads")
    assert dav.ask("PROPFIND", "up", space="uploads").status_code == 404
    assert nextcloud.control.call("GET", "/uploads")["uploads"] == {}
