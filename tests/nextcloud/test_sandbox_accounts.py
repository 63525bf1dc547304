"""Accounts of the sandbox: names, passwords, the login flow (WebDAV facts, 2)."""

import httpx

from tests.nextcloud.dav import Dav
from tests.nextcloud.server import NextcloudServer


def ocs(dav: Dav, method: str, path: str) -> httpx.Response:
    return dav.ocs(method, path, **{"OCS-APIRequest": "true"})


def test_the_id_in_addresses_is_not_the_login_name(dav: Dav) -> None:
    data = ocs(dav, "GET", "/cloud/user").json()["ocs"]["data"]
    assert data["id"] == dav.account != dav.login
    assert dav.ocs("GET", "/cloud/user").status_code == 412


def test_capabilities(dav: Dav) -> None:
    found = ocs(dav, "GET", "/cloud/capabilities").json()["ocs"]["data"]["capabilities"]
    assert found["files"]["forbidden_filename_characters"] == ["\\", "/"]
    assert found["dav"]["chunking"] == "1.0"


def test_nobody_sees_the_files_of_others(nextcloud: NextcloudServer, dav: Dav, other: Dav) -> None:
    url = f"{nextcloud.base_url}/remote.php/dav/files/{other.account}/"
    assert dav._http.request("PROPFIND", url).status_code == 404
    assert httpx.request("PROPFIND", url).status_code == 401


def test_a_typed_password_is_refused_with_a_second_factor(nextcloud: NextcloudServer) -> None:
    account = nextcloud.control.add_account("careful", "typed")
    with Dav(nextcloud.base_url, account, "careful", "typed") as dav:
        assert dav.ask("PROPFIND", "").status_code == 207
        app_password = ocs(dav, "GET", "/core/getapppassword").json()["ocs"]["data"]["apppassword"]
        nextcloud.control.call("PUT", "/accounts", account=account, two_factor=True)
        assert dav.ask("PROPFIND", "").status_code == 401
    with Dav(nextcloud.base_url, account, "careful", app_password) as dav:
        assert dav.ask("PROPFIND", "").status_code == 207
        assert ocs(dav, "GET", "/core/getapppassword").status_code == 403
        assert ocs(dav, "DELETE", "/core/apppassword").status_code == 200
        answer = dav.ask("PROPFIND", "")
        assert (answer.status_code, answer.headers["www-authenticate"][:5]) == (401, "Basic")


def test_login_flow(nextcloud: NextcloudServer) -> None:
    account = nextcloud.control.add_account("flowing", "typed")
    with httpx.Client(base_url=nextcloud.base_url, trust_env=False) as http:
        begun = http.post("/index.php/login/v2", headers={"User-Agent": "a <device>"}).json()
        poll = begun["poll"]
        assert http.post(poll["endpoint"], data={"token": poll["token"]}).status_code == 404
        assert "a &lt;device&gt;" in http.get(begun["login"]).text
        assert http.post(begun["login"], data={"user": "flowing", "password": "wrong"}).status_code == 403
        assert http.post(begun["login"], data={"user": "flowing", "password": "typed"}).status_code == 200
        granted = http.post(poll["endpoint"], data={"token": poll["token"]}).json()
        assert (granted["server"], granted["loginName"]) == (nextcloud.base_url, "flowing")
        assert http.post(poll["endpoint"], data={"token": poll["token"]}).status_code == 404
    with Dav(nextcloud.base_url, account, "flowing", granted["appPassword"]) as dav:
        assert dav.names() == set()


def test_a_login_that_takes_too_long_is_over(nextcloud: NextcloudServer) -> None:
    account = nextcloud.control.add_account("late", "typed")
    begun = httpx.post(f"{nextcloud.base_url}/index.php/login/v2").json()
    nextcloud.control.call("POST", "/login_flows/grant", account=account)
    nextcloud.control.set(flow_lifetime=0)
    assert httpx.post(begun["poll"]["endpoint"], data={"token": begun["poll"]["token"]}).status_code == 404
