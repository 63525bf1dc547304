"""The sandbox in trouble, and its restart."""

from pathlib import Path

import httpx
import pytest

from tests.nextcloud.dav import Dav
from tests.nextcloud.server import NextcloudServer, start_nextcloud


def test_maintenance(nextcloud: NextcloudServer, dav: Dav) -> None:
    nextcloud.control.set(maintenance=True)
    answer = dav.ask("PROPFIND", "")
    assert (answer.status_code, answer.headers["x-nextcloud-maintenance-mode"]) == (503, "1")
    assert httpx.get(f"{nextcloud.base_url}/status.php").json()["maintenance"] is True


def test_too_many_requests(nextcloud: NextcloudServer, dav: Dav) -> None:
    nextcloud.control.set(throttled=True)
    answer = dav.ask("PROPFIND", "")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_a_locked_file(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.put("f", b"1")
    nextcloud.control.call("PUT", "/locks", account=dav.account, path="f", locked=True)
    for method in ("PUT", "DELETE"):
        assert dav.ask(method, "f").status_code == 423
    assert dav.move("f", "g").status_code == 423
    nextcloud.control.call("PUT", "/locks", account=dav.account, path="f", locked=False)
    dav.put("f", b"2")


def test_a_full_disk(nextcloud: NextcloudServer, dav: Dav) -> None:
    nextcloud.control.set(disk_full=True)
    assert dav.ask("PUT", "f", content=b"1").status_code == 507


def test_a_compressing_proxy_changes_etags(nextcloud: NextcloudServer, dav: Dav) -> None:
    nextcloud.control.set(gzip_etags=True)
    etag = dav.put("f", b"1").headers["oc-etag"]
    answer = dav.ok("GET", "f")
    assert (answer.headers["etag"], answer.headers["oc-etag"]) == (f'{etag[:-1]}-gzip"', etag)
    assert dav.ok("GET", "f", headers={"Accept-Encoding": "identity"}).headers["etag"] == etag
    assert dav.ask("PUT", "f", content=b"2", headers={"If-Match": answer.headers["etag"]}).status_code == 412


def test_a_short_body_leaves_the_old_content(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.put("f", b"old")
    nextcloud.control.fault("/f$", method="PUT", kind="lost_reply")
    with pytest.raises(httpx.TransportError):
        dav.ask("PUT", "f", content=b"new")
    assert dav.get("f") == b"new"
    nextcloud.control.fault("/f$", method="PUT", kind="drop")
    with pytest.raises(httpx.TransportError):
        dav.ask("PUT", "f", content=b"newer")
    assert dav.get("f") == b"new"


def test_requests_are_counted_by_kind(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.put("f", b"1")
    dav.list()
    assert nextcloud.control.requests().count("PROPFIND", "/files/") == 1
    assert nextcloud.control.requests().count("PUT", "/files/{user}/{path}") == 1


def test_unknown_switches_are_refused(nextcloud: NextcloudServer) -> None:
    with pytest.raises(AssertionError, match="UnknownSwitch"):
        nextcloud.control.set(nonsense=1)
    with pytest.raises(AssertionError, match="UnknownSwitch"):
        nextcloud.control.set(maintenance=1)


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    server = start_nextcloud(tmp_path / "data")
    account = server.control.add_account("someone")
    with Dav(server.base_url, account, "someone", "secret") as dav:
        dav.put("f", b"kept")
        fileid = dav.stat("f").fileid
    server.control.set(chunk_minimum=7)
    server.kill()
    again = start_nextcloud(tmp_path / "data")
    try:
        assert again.control.switches()["chunk_minimum"] == 7
        with Dav(again.base_url, account, "someone", "secret") as dav:
            assert (dav.get("f"), dav.stat("f").fileid) == (b"kept", fileid)
    finally:
        assert again.stop() == 0
