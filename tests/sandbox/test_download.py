"""Download URLs: ranges, expiry, counts, both listeners (DRACOON facts, 11)."""

import httpx
import pytest

from tests.sandbox.account import FILE_KEY, Account, login, ok, plain, refusal
from tests.sandbox.fixture import RunningSandbox

DATA = bytes(range(256)) * 20_000


@pytest.fixture(scope="module")
def account(sandbox: RunningSandbox) -> Account:
    return login(sandbox)


@pytest.fixture(scope="module")
def file(account: Account) -> int:
    return int(account.file(account.room(), data=DATA)["id"])


@pytest.fixture(params=[False, True], ids=["api", "static"])
def url(request: pytest.FixtureRequest, calm_sandbox: RunningSandbox, account: Account, file: int) -> str:
    calm_sandbox.control.set(static_downloads=request.param)
    found: str = ok(account.post(f"/nodes/files/{file}/downloads"))["downloadUrl"]
    assert found.startswith(calm_sandbox.base_url) is not request.param
    return found


def test_whole(url: str) -> None:
    answer = plain().get(url)
    assert (answer.status_code, answer.content == DATA) == (200, True)
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=1000000-3999999", 1_000_000, 4_000_000),
        ("bytes=5119990-", 5_119_990, 5_120_000),
        ("bytes=5119990-99999999", 5_119_990, 5_120_000),
        ("bytes=-5", 5_119_995, 5_120_000),
        ("bytes=-99999999", 0, 5_120_000),
    ],
)
def test_ranges(url: str, header: str, start: int, end: int) -> None:
    answer = plain().get(url, headers={"range": header})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert answer.content == DATA[start:end]


@pytest.mark.parametrize("header", ["bytes=5120000-", "bytes=6000000-6000001", "bytes=-0", "bytes=20-10"])
def test_ranges_outside(url: str, header: str) -> None:
    answer = plain().get(url, headers={"range": header})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(DATA)}")


@pytest.mark.parametrize("header", ["lines=1-2", "bytes=a-b", "bytes=-", "bytes=1-2,5-6"])
def test_ranges_that_are_not_understood(url: str, header: str) -> None:
    assert plain().get(url, headers={"range": header}).status_code == 200


def test_head(url: str) -> None:
    answer = plain().head(url)
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, str(len(DATA)), b"")


def test_an_empty_file(account: Account) -> None:
    file = account.file(account.room(), data=b"")["id"]
    assert account.content(file) == b""
    url = ok(account.post(f"/nodes/files/{file}/downloads"))["downloadUrl"]
    assert plain().get(url, headers={"range": "bytes=0-"}).status_code == 416


def expired(answer: httpx.Response) -> bool:
    if answer.headers["content-type"] == "application/xml":
        return answer.status_code == 403 and "<Code>AccessDenied</Code>" in answer.text
    return refusal(answer) == (401, -20502) and answer.headers["content-type"] == "application/octet-stream"


def test_expiry(calm_sandbox: RunningSandbox, url: str, account: Account, file: int) -> None:
    calm_sandbox.control.expire("download", user=account.id)
    assert expired(plain().get(url))
    calm_sandbox.control.set(download_lifetime=0)
    assert expired(plain().get(ok(account.post(f"/nodes/files/{file}/downloads"))["downloadUrl"]))
    assert expired(plain().get(url[:-1]))


def test_count_of_uses(calm_sandbox: RunningSandbox, account: Account, file: int) -> None:
    calm_sandbox.control.set(download_uses=2)
    url = ok(account.post(f"/nodes/files/{file}/downloads"))["downloadUrl"]
    assert [plain().head(url).status_code for _ in range(3)] == [200, 200, 200]
    assert [plain().get(url).status_code for _ in range(3)] == [200, 200, 401]


def test_stored_bytes_that_another_server_offers(calm_sandbox: RunningSandbox, account: Account, file: int) -> None:
    calm_sandbox.control.set(downloads_at="http://127.0.0.1:1/blobs")
    url: str = ok(account.post(f"/nodes/files/{file}/downloads"))["downloadUrl"]
    place = url.removeprefix("http://127.0.0.1:1/")
    assert (calm_sandbox.data_dir / place).read_bytes() == DATA


def test_a_replaced_file_is_gone(calm_sandbox: RunningSandbox, account: Account) -> None:
    room = account.room()
    file = account.file(room, "a")["id"]
    for static, status in ((False, 404), (True, 404)):
        calm_sandbox.control.set(static_downloads=static)
        url = ok(account.post(f"/nodes/files/{file}/downloads"))["downloadUrl"]
        account.file(room, "a", b"new", resolutionStrategy="overwrite")
        assert plain().get(url).status_code == status
        account.post(
            "/nodes/deleted_nodes/actions/restore", {"deletedNodeIds": [file], "resolutionStrategy": "overwrite"}
        )


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("IN_PROGRESS", (403, -40764)), ("MALICIOUS", (403, -40765)), ("NOT_SCANNING", (403, -40764))],
)
def test_the_virus_scanner(account: Account, verdict: str, expected: tuple[int, int]) -> None:
    file = account.file(account.room())["id"]
    account.server.control.set_verdict(file, verdict)
    assert refusal(account.post(f"/nodes/files/{file}/downloads")) == expected
    account.server.control.set_verdict(file, "CLEAN")
    assert account.content(file) == b"content"


def test_refused(account: Account, file: int) -> None:
    assert refusal(account.post(f"/nodes/files/{account.room()}/downloads")) == (404, -40751)
    other = login(account.server)
    assert refusal(other.post(f"/nodes/files/{file}/downloads")) == (403, None)


def test_encrypted_files_need_a_key_pair(sandbox: RunningSandbox) -> None:
    owner, other = login(sandbox, key_pair=True), login(sandbox)
    room = owner.room(encrypted=True)
    file = owner.file(room, fileKey=FILE_KEY)["id"]
    sandbox.control.set_rights(room, other.id, ("read",))
    assert refusal(other.post(f"/nodes/files/{file}/downloads")) == (403, -70020)
    assert owner.content(file) == b"content"


def test_tampered_bytes(account: Account) -> None:
    file = account.file(account.room(), data=b"abc")["id"]
    account.server.control.tamper(file, 1)
    assert account.content(file) == account.server.control.stored(file) == b"a\x9dc"
