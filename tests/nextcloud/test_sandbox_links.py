"""Links for strangers and small pictures, as the sandbox gives them (OCS Share API; core API, preview)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.nextcloud.dav import Dav
from tests.nextcloud.server import NextcloudServer


def made(dav: Dav, path: str, **fields: str) -> dict[str, Any]:
    answer = dav.shares("POST", path=path, shareType="3", **fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["ocs"]["data"]
    return found


def stranger(url: str, password: str = "", method: str = "GET", content: bytes = b"") -> httpx.Response:
    with httpx.Client(trust_env=False, auth=("anonymous", password) if password else None) as client:
        return client.request(method, url, content=content)


def public(nextcloud: NextcloudServer, link: dict[str, Any], name: str = "") -> str:
    return f"{nextcloud.base_url}/public.php/dav/files/{link['token']}{name}"


def test_whoever_has_a_link_has_the_file_until_it_ends(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.put("f", b"content")
    link = made(dav, "/f", label="for you")
    assert (link["url"].rpartition("/")[2], link["permissions"], link["password"]) == (link["token"], 17, None)
    assert stranger(f"{link['url']}/download").content == b"content"
    assert [each["label"] for each in dav.shares("GET", path="/f").json()["ocs"]["data"]] == ["for you"]
    assert dav.shares("DELETE", f"/{link['id']}").status_code == 200
    assert stranger(f"{link['url']}/download").status_code == 404
    assert dav.shares("DELETE", f"/{link['id']}").status_code == 404


def test_a_password_is_asked_for_and_never_told(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.put("f", b"content")
    link = made(dav, "f", password="a secret")
    assert link["password"]
    assert "a secret" not in str(link)
    assert stranger(f"{link['url']}/download").status_code == 303
    assert stranger(public(nextcloud, link), "wrong").status_code == 401
    assert stranger(public(nextcloud, link), "a secret").content == b"content"
    nextcloud.control.set(link_passwords=True)
    assert dav.shares("POST", path="f", shareType="3").status_code == 403


def test_strangers_drop_files_without_seeing_any(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.ok("MKCOL", "d")
    dav.put("d/f", b"mine")
    link = made(dav, "d", permissions="4")
    assert link["permissions"] == 4
    assert stranger(public(nextcloud, link, "/f"), method="PUT", content=b"theirs").status_code == 201
    assert stranger(public(nextcloud, link, "/f")).status_code == 404
    assert (dav.get("d/f"), dav.get("d/f (2)")) == (b"mine", b"theirs")
    assert made(dav, "d", publicUpload="true")["permissions"] == 31
    for wrong in ("0", "2", "8"):
        assert dav.shares("POST", path="d", shareType="3", permissions=wrong).status_code == 400
    nextcloud.control.set(public_upload=False)
    assert dav.shares("POST", path="d", shareType="3", permissions="4").status_code == 403


def test_a_link_ends_when_its_day_begins(dav: Dav) -> None:
    dav.put("f", b"1")
    today = datetime.now(UTC).date()
    later = (today + timedelta(days=2)).isoformat()
    link = made(dav, "f", expireDate=later)
    assert link["expiration"] == f"{later} 00:00:00"
    for wrong in (today.isoformat(), "soon"):
        assert dav.shares("PUT", f"/{link['id']}", expireDate=wrong).status_code == 404
    ends = dav.shares("PUT", f"/{link['id']}", expireDate="", label="new").json()["ocs"]["data"]
    assert (ends["expiration"], ends["label"]) == (None, "new")


def test_refusals_of_links(nextcloud: NextcloudServer, dav: Dav, other: Dav) -> None:
    dav.put("f", b"1")
    assert dav.shares("POST", path="none", shareType="3").status_code == 404
    assert dav.shares("POST", path="/", shareType="3").status_code == 403
    assert dav.shares("POST", path="f", shareType="99").status_code == 400
    link = made(dav, "f")
    assert other.shares("DELETE", f"/{link['id']}").status_code == 404
    nextcloud.control.set(links=False)
    refused = dav.shares("POST", path="f", shareType="3")
    assert refused.json()["ocs"]["meta"]["message"] == "Public link sharing is disabled by the administrator"


def test_pictures_have_small_pictures(nextcloud: NextcloudServer, dav: Dav, other: Dav) -> None:
    dav.put("photo.jpg", b"not looked at")
    dav.put("text.txt", b"text")
    picture = dav.page("/index.php/core/preview.png", file="/photo.jpg", x=64, y=64, a=1, forceIcon=0)
    assert (picture.headers["content-type"], picture.content[16:24]) == ("image/png", b"\0\0\0\x40" * 2)
    fileid = dav.stat("photo.jpg").fileid
    assert dav.page("/index.php/core/preview", fileId=fileid, x=64, y=64).content == picture.content
    assert other.page("/index.php/core/preview", fileId=fileid, x=64, y=64).status_code == 404
    assert dav.page("/index.php/core/preview", fileId=fileid, x=0, y=64).status_code == 400
    assert dav.page("/index.php/core/preview.png", file="/text.txt").status_code == 404
