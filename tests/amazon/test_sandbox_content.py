"""The sandbox keeps to the facts: content and the change feed."""

from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.amazon.drive import Drive, form
from tests.amazon.server import AmazonServer, start_amazon


def test_what_clients_send_is_taken(drive: Drive) -> None:
    metadata = {"kind": "FILE", "name": "f", "parents": [drive.customer.root]}
    made = form(b"chunked", metadata, epilogue=b"multipart/form-data; boundary=x")

    def pieces() -> Iterator[bytes]:
        yield made["content"][:40]
        yield made["content"][40:]

    answer = drive.ask("POST", "C:nodes?suppress=deduplication", content=pieces(), headers=made["headers"])
    assert (answer.status_code, answer.json()["name"]) == (201, "f")
    assert drive.read(answer.json()["id"]) == b"chunked"
    assert drive.read(drive.put("empty", b"")) == b""
    nothing = form(b"", {**metadata, "name": "nothing"})
    answer = drive.ask("POST", "C:nodes", content=iter([nothing["content"]]), headers=nothing["headers"])
    assert answer.status_code == 400


def test_ranges(drive: Drive) -> None:
    file = drive.put("f", b"hello world")
    path = f"C:nodes/{file}/content"
    answer = drive.ask("GET", path, headers={"Range": "bytes=6-100"})
    assert (answer.status_code, answer.content) == (206, b"world")
    assert answer.headers["content-range"] == "bytes 6-10/11"
    assert drive.ask("GET", path, headers={"Range": "bytes=6-"}).content == b"world"
    assert drive.ask("GET", path, headers={"Range": "bytes=11-"}).status_code == 416
    assert drive.ask("GET", f"C:nodes/{drive.put('e', b'')}/content", headers={"Range": "bytes=0-"}).status_code == 416


def test_redirects_lead_to_another_host_that_takes_no_token(drive: Drive, amazon: AmazonServer) -> None:
    file = drive.put("f", b"hello")
    amazon.control.set(redirect_downloads=True)
    answer = drive.ask("GET", f"C:nodes/{file}/content")
    assert answer.status_code == 302
    address = answer.headers["location"]
    assert httpx.get(address, headers={"Range": "bytes=1-2"}).content == b"el"
    assert httpx.get(address, headers={"Authorization": "Bearer x"}).status_code == 400
    shared = drive.ok("GET", f"M:nodes/{file}", params={"tempLink": "true"})["tempLink"]
    assert httpx.get(shared).content == b"hello"


def test_thumbnails_are_of_pictures(drive: Drive) -> None:
    picture = form(b"not really one", {"kind": "FILE", "name": "p.png"})
    picture["content"] = picture["content"].replace(b"application/octet-stream", b"image/png")
    file = drive.ok("POST", "C:nodes", **picture)["id"]
    assert drive.ask("GET", f"C:nodes/{file}/content", params={"viewBox": 32}).content.startswith(b"\x89PNG")
    assert drive.ask("GET", f"C:nodes/{drive.put('t', b't')}/content", params={"viewBox": 32}).status_code == 400


def test_the_feed_tells_the_present_state_once_and_goes_on_from_checkpoints(drive: Drive) -> None:
    first, end = drive.changes()
    assert (first["reset"], first["statusCode"], end) == (True, 200, {"end": True})
    assert [node["id"] for node in first["nodes"]] == [drive.customer.root]
    file = drive.put("a", b"1")
    drive.rename(file, "b")
    gone = drive.put("gone", b"2")
    drive.trash(gone)
    line, _ = drive.changes(first["checkpoint"])
    assert [(node["id"], node["name"], node["status"]) for node in line["nodes"]] == [
        (file, "b", "AVAILABLE"),
        (gone, "gone", "TRASH"),
    ]
    quiet, _ = drive.changes(line["checkpoint"])
    assert (quiet["nodes"], quiet["reset"]) == ([], False)


def test_the_feed_in_lines_cut_and_reset(drive: Drive, amazon: AmazonServer) -> None:
    start = drive.changes()[0]["checkpoint"]
    made = [drive.mkdir(f"d{number}") for number in range(7)]
    lines = drive.changes(start, chunkSize=3)
    assert [len(line.get("nodes", [])) for line in lines] == [3, 3, 1, 0]
    assert len(drive.changes(start, chunkSize=3, maxNodes=4)) == 3
    amazon.control.set(cut_changes=1, cut_after=1)
    [only] = drive.changes(start, chunkSize=3)
    rest = drive.changes(only["checkpoint"], chunkSize=3)
    assert [node["id"] for line in [only, *rest] for node in line.get("nodes", [])] == made
    amazon.control.call("POST", "/changes/forget")
    assert drive.changes(start)[0]["reset"] is True


def test_what_is_purged_is_told_to_those_who_ask(drive: Drive, amazon: AmazonServer) -> None:
    file = drive.put("f", b"1")
    since = drive.changes()[0]["checkpoint"]
    amazon.control.call("POST", "/purge", node=file)
    assert drive.changes(since)[0]["nodes"] == []
    assert drive.changes(since, includePurged="true")[0]["nodes"] == [{"id": file, "status": "PURGED"}]


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    server = start_amazon(tmp_path / "data")
    customer = server.control.new_customer()
    with Drive(customer) as drive:
        file = drive.put("f", b"kept")
        since = drive.changes()[0]["checkpoint"]
    server.control.set(page_size=7)
    server.kill()
    again = start_amazon(tmp_path / "data")
    try:
        assert again.control.switches()["page_size"] == 7
        moved = type(customer)(again.base_url, customer.root, customer.access_token, customer.refresh_token)
        with Drive(moved) as drive:
            assert drive.read(file) == b"kept"
            assert drive.changes(since)[0]["nodes"] == []
    finally:
        assert again.stop() == 0
