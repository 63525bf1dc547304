"""The sandbox keeps to the facts: nodes, names, links, listings, properties, trash."""

import time

import httpx
import pytest

from tests.amazon.drive import Drive
from tests.amazon.server import AmazonServer


def test_the_endpoint_and_the_account(drive: Drive) -> None:
    found = drive.ok("GET", "M:account/endpoint")
    assert found["customerExists"] is True
    assert found["metadataUrl"] == f"{drive.customer.url}/drive/v1/"
    assert found["contentUrl"] == f"{drive.customer.url}/cdproxy/"
    drive.put("f", b"12345")
    quota, usage = drive.ok("GET", "M:account/quota"), drive.ok("GET", "M:account/usage")
    assert quota["quota"] - quota["available"] == usage["other"]["total"]["bytes"] == 5
    assert drive.ok("GET", "M:account/info")["status"] == "ACTIVE"


def test_the_root_is_found_by_filter_and_has_no_name(drive: Drive) -> None:
    [root] = drive.ok("GET", "M:nodes", params={"filters": "isRoot:true"})["data"]
    assert (root["id"], root["isRoot"], root["parents"]) == (drive.customer.root, True, [])
    assert "name" not in root


def test_a_file_looks_as_the_facts_say(drive: Drive) -> None:
    node = drive.node(drive.put("notes.txt", b"hello world"))
    content = node["contentProperties"]
    assert (content["size"], content["md5"], content["version"]) == (11, "5eb63bbbe01eeed093cb22bb8f5acdc3", 1)
    assert content["extension"] == "txt"
    assert (len(node["id"]), len(node["eTagResponse"]), node["version"]) == (22, 11, 1)
    again = drive.overwrite(node["id"], b"other")
    assert (again["id"], again["version"], again["contentProperties"]["version"]) == (node["id"], 2, 2)


def test_names_are_unique_without_regard_to_case(drive: Drive) -> None:
    first = drive.put("Notes.txt", b"1")
    for answer in (
        drive.post("nOTES.TXT", b"2"),
        drive.ask("POST", "M:nodes", json={"kind": "FOLDER", "name": "NOTES.txt"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "NAME_ALREADY_EXISTS")
        assert answer.json()["info"]["nodeId"] == first
        assert "notes.txt" in answer.json()["message"]
    drive.trash(first)
    drive.put("NOTES.TXT", b"3")
    assert drive.ask("POST", f"M:trash/{first}/restore").status_code == 409


def test_equal_content_is_refused_unless_that_is_suppressed(drive: Drive) -> None:
    first = drive.put("a", b"same")
    answer = drive.post("b", b"same", query="")
    assert (answer.status_code, answer.json()["info"]["nodeId"]) == (409, first)
    assert answer.json()["code"] == "MD5_ALREADY_EXISTS"


def test_listings_come_in_pages_that_expire(drive: Drive, amazon: AmazonServer) -> None:
    amazon.control.set(page_size=3)
    made = {drive.mkdir(f"d{number}") for number in range(8)}
    assert {node["id"] for node in drive.children()} == made
    path = f"M:nodes/{drive.customer.root}/children"
    token = drive.ok("GET", path)["nextToken"]
    assert drive.ask("GET", path, params={"startToken": token, "limit": 2}).status_code == 400
    amazon.control.set(page_token_lifetime=-1.0)
    token = drive.ok("GET", path)["nextToken"]
    answer = drive.ask("GET", path, params={"startToken": token})
    assert (answer.status_code, "expired" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind:FOLDER", {"a b"}),
        (r"name:a\ b", {"a b"}),
        ("kind:FILE AND contentProperties.md5:c4ca4238a0b923820dcc509a6f75849b", {"one"}),
        ("status:TRASH", {"gone"}),
    ],
)
def test_filters(drive: Drive, text: str, expected: set[str]) -> None:
    drive.mkdir("a b")
    drive.put("one", b"1")
    drive.put("two", b"2")
    drive.trash(drive.put("gone", b"3"))
    within = f"parents:{drive.customer.root} AND {text}"
    assert {node["name"] for node in drive.ok("GET", "M:nodes", params={"filters": within})["data"]} == expected


def test_a_node_may_have_several_parents_and_never_none(drive: Drive) -> None:
    one, two = drive.mkdir("one"), drive.mkdir("two")
    file = drive.put("f", b"1", one)
    assert drive.link(file, two)["parents"] == [one, two]
    assert drive.names(one) == drive.names(two) == {"f"}
    drive.rename(file, "g")
    assert drive.names(one) == drive.names(two) == {"g"}
    assert drive.unlink(file, one)["parents"] == [two]
    assert drive.unlink(file, two)["parents"] == [drive.customer.root]


def test_moving(drive: Drive) -> None:
    one, two = drive.mkdir("one"), drive.mkdir("two")
    file = drive.put("f", b"1", one)
    assert drive.move(file, one, two)["parents"] == [two]
    drive.put("f", b"2", one)
    assert drive.ask("POST", f"M:nodes/{one}/children", json={"fromParent": two, "childId": file}).status_code == 409
    assert drive.ok("PATCH", f"M:nodes/{file}", json={"parents": [drive.customer.root]})["parents"] != [two]
    drive.trash(file)
    assert drive.ask("PATCH", f"M:nodes/{file}", json={"parents": [two]}).status_code == 403


def test_trash_and_restore_and_no_purge(drive: Drive) -> None:
    folder = drive.mkdir("d")
    file = drive.put("f", b"1", folder)
    assert drive.trash(folder)["status"] == "TRASH"
    assert (drive.names(), drive.node(file)["status"]) == (set(), "AVAILABLE")
    assert [node["id"] for node in drive.ok("GET", "M:trash")["data"]] == [folder]
    assert drive.ok("POST", f"M:trash/{folder}/restore")["status"] == "AVAILABLE"
    answer = drive.ask("DELETE", f"M:nodes/{folder}")
    assert (answer.status_code, "purgeNode" in answer.text) == (403, True)
    assert drive.ask("PUT", f"M:trash/{drive.customer.root}").status_code == 403


def test_properties_and_their_limits(drive: Drive) -> None:
    file = drive.put("f", b"1")
    made = drive.ask("PUT", f"M:nodes/{file}/properties/me/k0", json={"value": "v"})
    assert (made.status_code, made.json()["value"]) == (201, "v")
    assert drive.node(file)["properties"] == {"me": {"k0": "v"}}
    assert drive.ok("GET", f"M:nodes/{file}/properties/me") == {"count": 1, "data": {"k0": "v"}}
    assert drive.ask("PUT", f"M:nodes/{file}/properties/me/k", json={"value": "x" * 501}).status_code == 400
    for number in range(1, 10):
        drive.ok("PUT", f"M:nodes/{file}/properties/me/k{number}", json={"value": "v"})
    assert drive.ask("PUT", f"M:nodes/{file}/properties/me/k10", json={"value": "v"}).status_code == 400
    assert drive.ask("DELETE", f"M:nodes/{file}/properties/me/k0").status_code == 204
    nobody = drive.ask("GET", f"M:nodes/{file}/properties/")
    assert (nobody.status_code, nobody.text.strip()) == (404, "<UnknownOperationException/>")


def test_listings_lag_behind_and_single_nodes_do_not(drive: Drive, amazon: AmazonServer) -> None:
    amazon.control.set(listing_lag=3600.0)
    file = drive.put("f", b"1")
    assert (drive.names(), drive.node(file)["name"]) == (set(), "f")
    amazon.control.set(listing_lag=0.0)
    assert drive.names() == {"f"}


def test_tokens_end(drive: Drive, amazon: AmazonServer) -> None:
    amazon.control.call("POST", "/tokens/expire")
    assert drive.ask("GET", "M:account/info").status_code == 401
    assert httpx.get(f"{amazon.base_url}/drive/v1/account/info").status_code == 403
    form = {
        "refresh_token": drive.customer.refresh_token,
        "client_id": "mountcloud",
        "client_secret": "mountcloud-secret",
    }
    answer = httpx.post(f"{amazon.base_url}/auth/o2/token", data={"grant_type": "refresh_token", **form})
    assert {"access_token", "refresh_token", "expires_in", "token_type"} <= answer.json().keys()
    with Drive(drive.customer, token=answer.json()["access_token"]) as again:
        assert again.ok("GET", "M:account/info")
    wrong = httpx.post(
        f"{amazon.base_url}/auth/o2/token", data={**form, "grant_type": "refresh_token", "refresh_token": "x"}
    )
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")


def test_the_consent_page_and_the_helper(amazon: AmazonServer) -> None:
    amazon.control.set(authorize_as="demo")
    query = {"client_id": "mountcloud", "response_type": "code", "redirect_uri": "http://localhost", "state": "s"}
    sent = httpx.get(f"{amazon.base_url}/ap/oa", params=query)
    back = httpx.URL(sent.headers["location"]).params
    assert (sent.status_code, back["state"]) == (302, "s")
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": "http://localhost"}
    who = {"client_id": "mountcloud", "client_secret": "mountcloud-secret"}
    assert httpx.post(f"{amazon.base_url}/auth/o2/token", data={**form, **who}).status_code == 200
    assert httpx.post(f"{amazon.base_url}/auth/o2/token", data={**form, **who}).status_code == 400
    given = httpx.get(f"{amazon.base_url}/appspot/").json()
    renewed = httpx.post(f"{amazon.base_url}/appspot/", data={"refresh_token": given["refresh_token"]}).json()
    info = httpx.get(f"{amazon.base_url}/auth/o2/tokeninfo", params={"access_token": renewed["access_token"]}).json()
    assert 0 < info["exp"] <= 3600


def test_an_upload_answered_with_504_may_be_stored_later(drive: Drive, amazon: AmazonServer) -> None:
    amazon.control.set(stored_but_504=1, stored_after=0.3)
    assert drive.post("f", b"1").status_code == 504
    deadline = time.monotonic() + 60
    while drive.names() != {"f"}:
        assert time.monotonic() < deadline
        time.sleep(0.02)
