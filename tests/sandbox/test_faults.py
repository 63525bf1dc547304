"""Injected trouble, the request log, and other ways of the control surface."""

import time
from pathlib import Path

import httpx
import pytest

from tests.sandbox.account import Account, login, ok, plain, refusal
from tests.sandbox.fixture import RunningSandbox, start_sandbox

# Who notices a reset while it still writes sees an end without an answer. A time-out would be neither.
BROKEN = (httpx.ReadError, httpx.RemoteProtocolError)


@pytest.fixture
def account(calm_sandbox: RunningSandbox) -> Account:
    return login(calm_sandbox)


@pytest.mark.parametrize("status", [401, 403, 404, 409, 412, 429, 500, 502, 503, 504, 507])
def test_any_status_so_many_times(account: Account, status: int) -> None:
    account.server.control.fault("/user/account$", status=status, error_code=-1, count=2, headers={"Retry-After": "7"})
    for _ in range(2):
        answer = account.get("/user/account")
        assert refusal(answer) == (status, -1)
        assert answer.headers["retry-after"] == "7"
    assert account.get("/user/account").status_code == 200
    assert account.server.control.faults()[0]["hits"] == 2


@pytest.mark.parametrize(("body", "start"), [("empty", b""), ("html", b"<!doctype"), ("garbage", b'{"code": ')])
def test_bodies_that_are_no_json(account: Account, body: str, start: bytes) -> None:
    account.server.control.fault("/nodes", status=502, body=body)
    answer = account.get("/nodes")
    assert answer.status_code == 502
    assert answer.content.startswith(start)
    assert bool(answer.content) == bool(start)


def test_faults_choose_by_method_path_and_order(account: Account) -> None:
    account.server.control.fault(r"/nodes/folders", method="POST", skip=1)
    room = account.room()
    assert account.get("/nodes").status_code == 200
    account.folder(room)
    assert refusal(account.post("/nodes/folders", {"parentId": room, "name": "x"})) == (500, None)
    account.folder(room, "x")


def test_dropped_before_anything_happens(account: Account) -> None:
    room = account.room()
    account.server.control.fault("/nodes/folders", kind="drop")
    with pytest.raises(BROKEN):
        account.post("/nodes/folders", {"parentId": room, "name": "x"})
    assert account.names(room) == []


def test_a_lost_reply_after_the_commit(account: Account) -> None:
    room = account.room()
    account.server.control.fault("/nodes/folders", kind="lost_reply")
    with pytest.raises(BROKEN):
        account.post("/nodes/folders", {"parentId": room, "name": "x"})
    assert account.names(room) == ["x"]


@pytest.mark.parametrize(("kind", "failure"), [("cut", httpx.RemoteProtocolError), ("reset", httpx.ReadError)])
def test_a_body_broken_off(account: Account, kind: str, failure: type[Exception]) -> None:
    file = account.file(account.room(), data=b"x" * 3_000_000)["id"]
    url = ok(account.post(f"/nodes/files/{file}/downloads"))["downloadUrl"]
    account.server.control.fault("/downloads/", kind=kind, after=1_500_000, method="GET")
    pieces: list[bytes] = []
    with plain().stream("GET", url) as answer, pytest.raises(failure):
        pieces.extend(answer.iter_raw())
    received = sum(map(len, pieces))
    assert received == 1_500_000 if kind == "cut" else received <= 1_500_000
    assert plain().get(url).status_code == 200


def test_a_slow_body_is_whole(account: Account) -> None:
    account.server.control.fault("/nodes$", kind="slow", after=50, seconds=0.001)
    room = account.room(name="Slowly")
    assert "Slowly" in [node["name"] for node in ok(account.get("/nodes"))["items"]]
    assert account.node(room)["name"] == "Slowly"


def test_delay_and_latency(account: Account) -> None:
    account.server.control.fault("/user/ping", kind="delay", seconds=0.2)
    begun = time.monotonic()
    account.get("/user/ping")
    assert time.monotonic() - begun >= 0.2
    account.server.control.set(latency=0.1)
    begun = time.monotonic()
    account.get("/user/ping")
    assert time.monotonic() - begun >= 0.1


def test_the_second_listener_has_faults_too(account: Account) -> None:
    account.server.control.set(static_downloads=True)
    file = account.file(account.room())["id"]
    url = ok(account.post(f"/nodes/files/{file}/downloads"))["downloadUrl"]
    account.server.control.fault("^/objects/", kind="drop")
    with pytest.raises(BROKEN):
        plain().get(url)
    assert plain().get(url).content == b"content"


def test_requests_are_counted_by_template(account: Account) -> None:
    room = account.room()
    account.server.control.forget_requests()
    for _ in range(3):
        account.node(room)
    account.get("/nodes", parent_id=room)
    account.content(account.file(room)["id"])
    seen = account.server.control.requests()
    assert seen.counts["GET /api/v4/nodes/{id}"] == 3
    assert seen.counts["GET /api/v4/nodes"] == 1
    assert seen.counts["GET /api/v4/downloads/{token}"] == 1
    assert seen.counts["PUT /api/v4/uploads/{token}"] == 1
    assert seen.count("GET", "/nodes") == 4
    assert seen.items[0] == {
        "method": "GET",
        "path": f"/api/v4/nodes/{room}",
        "template": "/api/v4/nodes/{id}",
        "status": 200,
    }
    assert seen.most_at_once == 1
    account.server.control.forget_requests()
    assert account.server.control.requests().counts == {}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"path": "x", "kind": "magic"}),
        ("/faults", {"path": "("}),
        ("/faults", {"path": "x", "color": 1}),
        ("/faults", {}),
        ("/tokens/expire", {"kinds": ["magic"]}),
    ],
)
def test_the_control_surface_refuses_nonsense(sandbox: RunningSandbox, path: str, body: object) -> None:
    assert plain().post(f"{sandbox.base_url}/_sandbox{path}", json=body).status_code == 400


@pytest.mark.parametrize(
    "switches",
    [{"magic": 1}, {"branch_delay": "soon"}, {"upload_channel": "pigeon"}, {"eula_pending": 1}, {"space_limit": True}],
)
def test_switches_refuse_nonsense(sandbox: RunningSandbox, switches: dict[str, object]) -> None:
    before = sandbox.control.switches()
    answer = plain().put(f"{sandbox.base_url}/_sandbox/switches", json={"latency": 5} | switches)
    assert answer.status_code == 400
    assert sandbox.control.switches() == before


def test_without_the_option_there_is_no_control_surface(tmp_path: Path) -> None:
    running = start_sandbox(tmp_path / "data", control=False)
    try:
        assert refusal(plain().get(f"{running.base_url}/_sandbox/switches")) == (404, None)
        assert plain().get(f"{running.base_url}/api/v4/public/time").status_code == 200
    finally:
        running.stop()


def test_expired_files_go_to_the_bin(account: Account) -> None:
    room = account.room()
    account.put(f"/nodes/rooms/{room}/policies", {"defaultExpirationPeriod": 1})
    account.file(room, "brief")
    deadline = time.monotonic() + 60
    while account.names(room):
        assert time.monotonic() < deadline
    assert [item["name"] for item in ok(account.get(f"/nodes/{room}/deleted_nodes"))["items"]] == ["brief"]
