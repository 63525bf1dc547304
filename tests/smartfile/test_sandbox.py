"""The sandbox by the fact sheet: what a client of the service relies on."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.smartfile.server import SmartFileServer
from tests.smartfile.service import Service

INDIANAPOLIS = ZoneInfo("America/Indiana/Indianapolis")


def test_answers_have_exactly_the_type_that_the_published_client_reads(service: Service) -> None:
    for slash in ("", "/"):
        answer = service.ok("GET", f"/ping{slash}")
        assert (answer.json(), answer.headers["content-type"]) == ({"ping": "pong"}, "application/json")
    assert "username" in service.ok("GET", "/whoami/").json()


@pytest.mark.parametrize("password", ["", "wrong"])
def test_wrong_credentials_are_refused(smartfile: SmartFileServer, service: Service, password: str) -> None:
    auth = (service.key, password) if password else None
    answer = httpx.get(f"{smartfile.base_url}/api/2/ping/", auth=auth, trust_env=False)
    assert (answer.status_code, answer.headers["www-authenticate"][:5]) == (401, "Basic")
    assert answer.json()["detail"]


def test_a_node_tells_what_the_facts_say(service: Service) -> None:
    service.mkdir("d")
    made = service.put("d/a b.txt", b"hello world")
    assert made["path"] == "/d/a b.txt"
    assert (made["name"], made["isfile"], made["isdir"], made["size"]) == ("a b.txt", True, False, 11)
    assert (made["extension"], made["mime"], made["items"]) == (".txt", "text/plain", None)
    assert made["acl"] == {"list": True, "read": True, "write": True, "remove": True}
    local = datetime.fromisoformat(made["time"])
    assert local.tzinfo is None
    assert abs(local.replace(tzinfo=INDIANAPOLIS).timestamp() - time.time()) < 60
    directory = service.info("d/")
    assert directory is not None
    assert (directory["size"], directory["items"], directory["mime"]) == (11, 1, "application/x-directory")


def test_lists_come_in_pages(service: Service) -> None:
    for number in range(5):
        service.put(f"f{number}", b"")
    first = service.ok("GET", "/path/info/", params={"children": "true", "limit": 2, "page": 1}).json()
    assert (first["page"], first["pages"], first["total"], first["per_page"]) == (1, 3, 5, 2)
    assert [each["name"] for each in first["children"]] == ["f0", "f1"]
    thin = service.ok("GET", "/path/info/", params={"children": "on", "fields": ["name", "size"]}).json()
    assert thin["children"][0] == {"name": "f0", "size": 0}
    service.mkdir("empty")
    empty = service.ok("GET", "/path/info/empty", params={"children": "true"}).json()
    assert (empty["children"], empty["page"], empty["pages"]) == ([], 1, 1)


def test_several_files_go_up_at_once_and_replace_what_is_there(service: Service) -> None:
    service.put("a", b"old")
    parts = [("file", ("a", b"new")), ("other", ("ü ß.bin", b"\0\1"))]
    answer = service.ok("POST", "/path/data/", files=parts).json()
    assert [each["name"] for each in answer] == ["a", "ü ß.bin"]
    assert (service.get("a"), service.get("ü ß.bin")) == (b"new", b"\0\1")
    assert service.send("POST", "/path/data/nowhere/", files=parts).status_code == 409


def test_parts_of_files(smartfile: SmartFileServer, service: Service) -> None:
    service.put("f", b"0123456789")
    for asked, expected in (("2-4", b"234"), ("7-", b"789"), ("-3", b"789")):
        answer = service.ok("GET", "/path/data/f", headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.content) == (206, expected)
    assert service.send("GET", "/path/data/f", headers={"Range": "bytes=10-"}).status_code == 416
    smartfile.control.set(ranges=False)
    answer = service.ok("GET", "/path/data/f", headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (200, b"0123456789")


def test_version_3_streams_and_says_errors_softly(smartfile: SmartFileServer, service: Service) -> None:
    made = service.ok("PUT", "/api/3/path/data/f", content=b"hello").json()
    assert made["size"] == 5
    service.ok("PATCH", "/api/3/path/data/f", content=b"p!", headers={"Range": "bytes=3-"})
    assert service.get("f") == b"help!"
    soft = service.ok("PUT", "/api/3/path/data/nowhere/f", content=b"").json()
    assert soft["status"] == 409
    assert soft["detail"]
    assert service.ok("DELETE", "/api/3/path/data/f").status_code == 204
    smartfile.control.set(soft_errors=False)
    assert service.send("DELETE", "/api/3/path/data/f").status_code == 404


def test_operations_at_once(smartfile: SmartFileServer, service: Service) -> None:
    service.mkdir("d")
    service.mkdir("d")
    service.ok("PUT", "/path/oper/mkdir/d/e")
    service.put("f", b"1")
    service.put("g", b"2")
    service.rename("f", "d/e/f")
    assert service.get("d/e/f") == b"1"
    form = {"src": "/g", "dst": "/d/e/f"}
    assert service.send("POST", "/path/oper/rename/", data=form).status_code == 409
    smartfile.control.set(rename_replaces=True)
    service.ok("POST", "/path/oper/rename/", data=form)
    assert service.get("d/e/f") == b"2"
    gone = service.send("POST", "/path/oper/rename/", data=form)
    assert (gone.status_code, list(gone.json())) == (400, ["src"])


def test_tasks_take_their_time(smartfile: SmartFileServer, service: Service) -> None:
    smartfile.control.set(task_seconds=3)
    service.mkdir("d")
    service.put("d/f", b"1")
    uuid = service.ok("POST", "/path/oper/remove/", data={"path": "/d"}).json()["uuid"]
    assert service.task(uuid)["result"] == {"status": "PENDING", "result": {}}
    assert service.info("d") is not None
    while service.task(uuid)["status"] == "PENDING":
        time.sleep(0.05)
    assert service.task(uuid)["result"] == {"status": "SUCCESS", "result": {"errors": {}}}
    assert service.info("d") is None


def test_tasks_may_fail_in_part(smartfile: SmartFileServer, service: Service) -> None:
    smartfile.control.set(task_refuses="/keep$")
    for name in ("d", "d/e"):
        service.mkdir(name)
    for name in ("d/keep", "d/e/f", "g"):
        service.put(name, b"1")
    uuid = service.ok("POST", "/path/oper/remove/", data={"path": ["/d", "/g"]}).json()["uuid"]
    ended = service.task(uuid)
    assert ended["result"]["status"] == "SUCCESS"
    assert ended["result"]["result"]["errors"] == {"/d": "Directory is not empty"}
    assert (service.names(), service.names("d")) == ({"d"}, {"keep"})


def test_move_and_copy_go_into_a_directory(service: Service) -> None:
    service.mkdir("d")
    service.put("f", b"1")
    service.ok("POST", "/path/oper/copy/", data={"src": "/f", "dst": "/d/"})
    service.ok("POST", "/path/oper/move/", data={"src": "/f", "dst": "/made"})
    assert (service.get("d/f"), service.get("made/f"), service.names()) == (b"1", b"1", {"d", "made"})
    lost = service.send("POST", "/path/oper/remove/", data={"path": "/f"})
    assert (lost.status_code, list(lost.json())) == (400, ["path"])


def test_checksums(service: Service) -> None:
    service.put("f", b"abc")
    form = {"path": "/f", "algorithm": "MD5"}
    uuid = service.ok("POST", "/path/oper/checksum/", data=form).json()["uuid"]
    found = service.task(uuid)["result"]["result"]
    assert found["checksums"] == {"/f": "900150983cd24fb0d6963f7d28e17f72"}


def test_attributes_are_kept(service: Service) -> None:
    service.put("f", b"abc")
    before = service.info("f")
    service.ok("POST", "/path/info/f", data={"attributes": ["a=1=2", "b="]})
    after = service.info("f")
    assert before is not None
    assert after == {**before, "attributes": {"a": "1=2", "b": ""}}


def test_both_ways_to_be_throttled(smartfile: SmartFileServer, service: Service) -> None:
    for kind, header in (("503", "x-throttle"), ("429", "retry-after")):
        smartfile.control.set(throttle=kind, calls_per_second=1.0)
        assert service.send("GET", "/ping").status_code == 200
        refused = service.send("GET", "/ping")
        assert refused.status_code == int(kind)
        assert header in refused.headers


def test_what_is_denied_is_refused_below_too(smartfile: SmartFileServer, service: Service) -> None:
    service.mkdir("d")
    service.put("d/f", b"1")
    smartfile.control.call("PUT", "/rights", account=service.key, path="/d", denied="wd")
    assert service.send("POST", "/path/data/d/", files={"file": ("f", b"2")}).status_code == 403
    seen = service.info("d/f")
    assert seen is not None
    assert seen["acl"] == {"list": True, "read": True, "write": False, "remove": False}


@pytest.mark.parametrize(
    ("seconds", "told"), [(1_700_000_000, "2023-11-14T17:13:20"), (1_690_000_000, "2023-07-22T00:26:40")]
)
def test_times_are_told_by_the_clock_of_indianapolis(
    smartfile: SmartFileServer, service: Service, seconds: int, told: str
) -> None:
    service.put("f", b"")
    smartfile.control.call("PUT", "/times", account=service.key, path="/f", time=seconds)
    seen = service.info("f")
    assert seen is not None
    assert seen["time"] == told
