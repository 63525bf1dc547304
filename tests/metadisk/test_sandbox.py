"""The sandbox by the fact sheet: buckets, files, tokens (Metadisk facts, 2 to 7)."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mountcloud.crypt.ripemd160 import ContentHash
from tests.metadisk.server import MetadiskServer, start_metadisk
from tests.metadisk.service import Service, follow, sent_password
from tests.metadisk.test_sandbox_identity import refusal

NOTHING = "ba084d3f143f2896809d3f1d7dffed472b39d8de"
HELLO = b"Hello MetaDisk API!"


@pytest.fixture
def bucket(service: Service) -> str:
    return service.make_bucket()


def stored(metadisk: MetadiskServer) -> int:
    """Shards on the server's disk."""
    return len(list(metadisk.data_dir.glob("blobs/*/*")))


def test_it_describes_itself(anybody: httpx.Client) -> None:
    answer = anybody.get("/", headers={"Origin": "https://app.example.org"})
    assert (answer.json()["swagger"], answer.json()["info"]["version"]) == ("2.0", "0.6.0")
    assert set(answer.json()["paths"]["/buckets/{id}/files"]) == {"get", "put"}
    assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
    for method, path in (("GET", "/nothing"), ("PUT", "/buckets"), ("GET", "/users")):
        unknown = anybody.request(method, path)
        assert (unknown.status_code, unknown.text.strip()) == (404, f"Cannot {method} {path}")
        assert unknown.headers["content-type"].startswith("text/html")


def test_buckets(service: Service) -> None:
    plain = service.ok("POST", "/buckets", content=b"no json")
    assert len(plain["id"]) == 24
    shown = {"name": "New Bucket", "storage": 10, "transfer": 30, "status": "Active", "pubkeys": []}
    assert plain == {**shown, "id": plain["id"], "user": service.email, "created": plain["created"]}
    assert plain["created"].endswith("Z")
    twin = service.make_bucket("New Bucket", storage=1.5, transfer=2)
    assert [each["id"] for each in service.ok("GET", "/buckets/")] == [plain["id"], twin]
    changed = service.ok("PATCH", f"/buckets/{twin}", json={"name": "n", "storage": 7, "user": "x", "__nonce": 1})
    assert (changed["name"], changed["storage"], changed["transfer"]) == ("n", 7, 2)
    assert changed["user"] == service.email
    assert service.ok("GET", f"/buckets/{twin}") == changed
    assert refusal(service.send("PATCH", f"/buckets/{twin}", json={"storage": "much"})) == (500, "Validation failed")
    wrong = service.send("PATCH", f"/buckets/{twin}", json={"pubkeys": ["02ff"]})
    assert refusal(wrong) == (400, "Invalid public key supplied")
    gone = service.send("DELETE", f"/buckets/{twin}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert refusal(service.send("GET", f"/buckets/{twin}")) == (404, "Bucket not found")


def test_odd_addresses(metadisk: MetadiskServer, service: Service, bucket: str) -> None:
    cast = 'Cast to ObjectId failed for value "x" at path "_id"'
    assert refusal(service.send("GET", "/buckets/x")) == (500, cast)
    assert refusal(service.send("GET", f"/buckets/{'0' * 24}")) == (404, "Bucket not found")
    metadisk.control.add_user("eve@example.org")
    with Service(metadisk.base_url, "eve@example.org") as eve:
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/files"), ("POST", "/tokens")):
            answer = eve.send(method, f"/buckets/{bucket}{path}")
            assert refusal(answer) == (404, "Bucket not found")
    assert refusal(service.send("DELETE", f"/buckets/{bucket}/files/{NOTHING}")) == (404, "File not found")
    assert refusal(service.send("POST", f"/buckets/{bucket}/tokens", json={"operation": "x"}))[0] == 500


def test_a_file_goes_up_in_shards_and_comes_back(metadisk: MetadiskServer, service: Service, bucket: str) -> None:
    metadisk.control.set(shard_size=1000, cut_exactly=True, piece=300)
    before = stored(metadisk)
    data = bytes(range(256)) * 10
    entry = service.put(bucket, "f.bin", data)
    shown = {"mimetype": "application/octet-stream", "filename": "f.bin", "size": 2560}
    assert entry == {**shown, "bucket": bucket, "hash": ContentHash(data).hexdigest()}
    pointers = service.pointers(bucket, entry["hash"])
    parts = [follow(each).data for each in pointers]
    assert [len(part) for part in parts] == [1000, 1000, 560]
    assert [ContentHash(part).hexdigest() for part in parts] == [each["hash"] for each in pointers]
    assert b"".join(parts) == data
    service.remove(bucket, entry["hash"])
    assert service.files(bucket) == {}
    assert stored(metadisk) == before


def test_shards_are_as_long_as_it_happens(metadisk: MetadiskServer, service: Service, bucket: str) -> None:
    metadisk.control.set(shard_size=100_000)
    hash_ = service.put(bucket, "f", bytes(1_000_000))["hash"]
    sizes = [len(follow(each).data) for each in service.pointers(bucket, hash_)]
    assert sum(sizes) == 1_000_000
    assert all(size >= 100_000 for size in sizes[:-1])
    assert any(size > 100_000 for size in sizes)


def test_equal_content_has_one_name_and_one_name_may_have_many_contents(service: Service, bucket: str) -> None:
    first = service.put(bucket, "a", HELLO, "text/html")
    assert first["hash"] == "d72d91d8ec94f89f5b6b84be2a03ba661a34c1e2"
    service.put(bucket, "b", HELLO, "text/css")
    service.put(bucket, "b", b"other")
    listed = service.ok("GET", f"/buckets/{bucket}/files")
    assert [(each["filename"], each["mimetype"]) for each in listed] == [
        ("b", "text/css"),
        ("b", "application/octet-stream"),
    ]
    assert service.get(bucket, first["hash"]) == HELLO
    elsewhere = service.make_bucket("elsewhere")
    service.put(elsewhere, "a", HELLO)
    service.remove(bucket, first["hash"])
    assert service.get(elsewhere, first["hash"]) == HELLO


def test_removing_a_bucket_removes_what_is_in_it(metadisk: MetadiskServer, service: Service, bucket: str) -> None:
    before = stored(metadisk)
    hash_ = service.put(bucket, "a", HELLO)["hash"]
    token = service.token(bucket, "PULL")
    assert service.send("DELETE", f"/buckets/{bucket}").status_code == 204
    answer = service.send("GET", f"/buckets/{bucket}/files/{hash_}", headers={"x-token": token})
    assert refusal(answer) == (404, "Bucket not found")
    assert stored(metadisk) == before


def test_nothing_is_a_file_without_shards(service: Service, bucket: str) -> None:
    entry = service.put(bucket, "empty", b"")
    assert (entry["size"], entry["hash"]) == (0, NOTHING)
    assert service.pointers(bucket, NOTHING) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("/home/me/a b.txt", "a b.txt"),
        ("C:\\me\\f.txt", "f.txt"),
        ("a\\b/c\\d", "c\\d"),
        ("ü ß 日本.bin", "ü ß 日本.bin"),
        pytest.param("日" * 5000, "日" * 5000, id="long"),
        ("a%2Fb", "a%2Fb"),
        ('say "hi"', "say %22hi%22"),
    ],
)
def test_names_are_reduced(service: Service, bucket: str, sent: str, kept: str) -> None:
    assert service.put(bucket, sent, HELLO)["filename"] == kept


def form(
    service: Service, bucket: str, body: bytes, size: int, kind: str = "multipart/form-data; boundary=B"
) -> object:
    headers = {"x-token": service.token(bucket, "PUSH"), "x-filesize": str(size), "content-type": kind}
    answer = service.send("PUT", f"/buckets/{bucket}/files", headers=headers, content=body)
    return answer.json() if answer.is_success else refusal(answer)


def part(disposition: str, content: bytes, kind: str = "") -> bytes:
    more = f"Content-Type: {kind}\r\n" if kind else ""
    return f"--B\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n".encode() + content + b"\r\n"


END = b"--B--\r\n"


def test_the_first_file_of_a_form_counts(service: Service, bucket: str) -> None:
    field, other = part('name="x"', b"no file"), part('name="y"; filename="y"', b"later")
    first = part('name="any"; filename="f"', b"content")
    entry = form(service, bucket, field + first + other + END, 7)
    assert isinstance(entry, dict)
    assert (entry["filename"], entry["mimetype"], entry["size"]) == ("f", "text/plain", 7)
    nameless = form(service, bucket, part('name="any"', b"stream", "application/octet-stream; a=b") + END, 6)
    assert isinstance(nameless, dict)
    assert (nameless["filename"], nameless["mimetype"]) == (nameless["hash"], "application/octet-stream")
    written = "name=\"any\"; filename*=utf-8''%E2%82%AC.txt"
    extended = form(service, bucket, part(written, b"1") + END, 1)
    assert isinstance(extended, dict)
    assert extended["filename"] == "€.txt"


def test_forms_that_are_none(metadisk: MetadiskServer, service: Service, bucket: str) -> None:
    whole, before = part('name="d"; filename="f"', b"content"), stored(metadisk)
    assert form(service, bucket, whole + END, 6) == (400, "File size exceeds declared size")
    assert form(service, bucket, whole + END, 8) == (400, "File does not match the declared size")
    assert form(service, bucket, END, 0) == (400, "File does not match the declared size")
    assert form(service, bucket, whole, 7) == (500, "Unexpected end of multipart data")
    assert form(service, bucket, b"{}", 2, "application/json") == (500, "Unsupported content type: application/json")
    assert form(service, bucket, b"", 2, "multipart/form-data") == (500, "Multipart: Boundary not found")
    assert service.files(bucket) == {}
    assert stored(metadisk) == before


def test_tokens_are_good_for_one_look(metadisk: MetadiskServer, service: Service, bucket: str) -> None:
    over = (500, "Invalid or expired token")
    push = service.token(bucket, "PUSH")
    bad_size = (400, "Missing or invalid x-filesize header sent")
    assert refusal(service.upload(bucket, push, "f", HELLO, declared="much")) == bad_size
    assert refusal(service.upload(bucket, push, "f", HELLO)) == over
    assert service.upload(bucket, service.token(bucket, "PUSH"), "f", HELLO).is_success
    assert refusal(service.upload(bucket, "", "f", HELLO)) == over
    late = service.token(bucket, "PUSH")
    metadisk.control.expire_tokens()
    assert refusal(service.upload(bucket, late, "f", HELLO)) == over
    metadisk.control.set(token_lifetime=0.0)
    assert refusal(service.upload(bucket, service.token(bucket, "PUSH"), "f", HELLO)) == over


def test_tokens_fit_one_bucket_and_one_direction(service: Service, bucket: str) -> None:
    other, hash_ = service.make_bucket("other"), service.put(bucket, "f", HELLO)["hash"]
    no_store = (401, "Not authorized to store in bucket")
    assert refusal(service.upload(bucket, service.token(other, "PUSH"), "f", HELLO)) == no_store
    assert refusal(service.upload(bucket, service.token(bucket, "PULL"), "f", HELLO)) == no_store
    assert refusal(service.upload("0" * 24, service.token(bucket, "PUSH"), "f", HELLO)) == (404, "Bucket not found")

    def pull(token: str, hash_: str = hash_) -> httpx.Response:
        return service.send("GET", f"/buckets/{bucket}/files/{hash_}", headers={"x-token": token})

    no_retrieve = (401, "Not authorized to retrieve from bucket")
    assert refusal(pull(service.token(other, "PULL"))) == no_retrieve
    assert refusal(pull(service.token(bucket, "PUSH"))) == no_retrieve
    assert refusal(pull(service.token(bucket, "PULL"), NOTHING)) == (404, "The requested file was not found")
    used = service.token(bucket, "PULL")
    assert pull(used).is_success
    assert refusal(pull(used)) == (500, "Invalid or expired token")


def test_an_upload_that_breaks_off_leaves_nothing(metadisk: MetadiskServer, service: Service, bucket: str) -> None:
    before = stored(metadisk)

    def body() -> Iterator[bytes]:
        yield part('name="d"; filename="f"', bytes(100_000))
        raise ConnectionAbortedError

    headers = {"x-token": service.token(bucket, "PUSH"), "x-filesize": "200000"}
    headers["content-type"] = "multipart/form-data; boundary=B"
    with pytest.raises(ConnectionAbortedError):
        service.send("PUT", f"/buckets/{bucket}/files", headers=headers, content=body())
    deadline = time.monotonic() + 60
    while stored(metadisk) != before:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert service.files(bucket) == {}


def test_trouble_on_demand(metadisk: MetadiskServer, service: Service, bucket: str) -> None:
    metadisk.control.fault("/files$", method="GET", status=500, error="Something broke")
    assert refusal_of_fault(service.send("GET", f"/buckets/{bucket}/files")) == (500, "Something broke")
    metadisk.control.set(corrupt_uploads=1, reverse_listings=True)
    wrong, right = service.put(bucket, "f", HELLO), service.put(bucket, "g", HELLO)
    assert wrong["hash"] != right["hash"] == ContentHash(HELLO).hexdigest()
    assert list(service.files(bucket)) == ["g", "f"]
    metadisk.control.populate(bucket, 3)
    assert len(service.files(bucket)) == 5
    assert metadisk.control.requests().count("PUT", "/buckets/{id}/files") == 2


def refusal_of_fault(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("typed\n")
    running = start_metadisk(tmp_path / "data", "--password-file", str(tmp_path / "password"))
    try:
        with Service(running.base_url, "demo@example.org", "typed") as demo:
            bucket = demo.make_bucket()
            hash_ = demo.put(bucket, "f", HELLO)["hash"]
        running.control.set(latency=0.001)
        assert running.stop() == 0
        running = start_metadisk(tmp_path / "data")
        with Service(running.base_url, "demo@example.org", "typed") as demo:
            assert demo.get(bucket, hash_) == HELLO
        assert running.control.switches()["latency"] == 0.001
    finally:
        running.stop()
    stored = (tmp_path / "data" / "sandbox.db").read_bytes()
    assert sent_password("typed").encode() not in stored
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
