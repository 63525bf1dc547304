"""The sandbox' tree, by the documented behaviour (WebDAV facts, 1 and 2)."""

import pytest

from tests.nextcloud.dav import NC, OC, D, Dav
from tests.nextcloud.server import NextcloudServer


def test_a_file_is_put_listed_read_in_part_and_overwritten_in_place(dav: Dav) -> None:
    first = dav.put("a b+ü.txt", b"hello", X_OC_MTime="1700000000", OC_Checksum="SHA1:aa")
    assert (first.status_code, first.headers["x-oc-mtime"]) == (201, "accepted")
    found = dav.stat("a b+ü.txt")
    assert found.href == f"/remote.php/dav/files/{dav.account}/a%20b%2b%c3%bc.txt"
    assert found.values[f"{D}getlastmodified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert found.values[f"{OC}checksums"] == "SHA1:aa"
    assert found.etag == first.headers["etag"] == first.headers["oc-etag"]
    assert first.headers["oc-fileid"] == found.values[f"{OC}id"]
    assert found.permissions == "RGDNVW"
    assert dav.ok("GET", "a b+ü.txt", headers={"Range": "bytes=1-3"}).content == b"ell"
    second = dav.put("a b+ü.txt", b"other")
    assert second.status_code == 204
    assert dav.stat("a b+ü.txt").fileid == found.fileid
    assert second.headers["etag"] != first.headers["etag"]


def test_one_change_gives_all_directories_above_it_one_new_etag(dav: Dav) -> None:
    for path in ("a", "a/b", "other"):
        dav.ok("MKCOL", path)
    dav.put("a/b/file", b"1")
    before = {path: dav.stat(path).etag for path in ("", "a", "a/b", "other")}
    dav.put("a/b/file", b"22")
    after = {path: dav.stat(path).etag for path in ("", "a", "a/b", "other")}
    assert after["other"] == before["other"]
    assert len({after[path] for path in ("", "a", "a/b")}) == 1
    assert all(after[path] != before[path] for path in ("", "a", "a/b"))


def test_a_directory_counts_what_is_below_it(dav: Dav) -> None:
    dav.ok("MKCOL", "a")
    dav.put("a/file", b"12345")
    assert dav.stat("").values[f"{OC}size"] == "5"
    dav.put("a/file", b"12")
    dav.ok("DELETE", "a/file")
    assert dav.stat("a").values[f"{OC}size"] == "0"
    assert dav.stat("a").permissions == "RGDNVCK"


def test_preconditions_are_evaluated(dav: Dav) -> None:
    etag = dav.put("f", b"1").headers["etag"]
    assert dav.ask("PUT", "f", content=b"2", headers={"If-None-Match": "*"}).status_code == 412
    assert dav.ask("PUT", "f", content=b"2", headers={"If-Match": '"stale"'}).status_code == 412
    assert dav.ask("PUT", "g", content=b"2", headers={"If-Match": "*"}).status_code == 412
    assert dav.ask("DELETE", "f", headers={"If-Match": '"stale"'}).status_code == 412
    assert dav.ask("GET", "f", headers={"If-None-Match": etag}).status_code == 304
    assert dav.ask("PUT", "f", content=b"2", headers={"If": '(["stale"])'}).status_code == 412
    assert dav.ask("PUT", "f", content=b"2", headers={"If": f"([{etag}])"}).status_code == 204
    new = dav.stat("f").etag
    assert dav.ask("PUT", "g", content=b"2", headers={"If": f"<{dav.url('f')}> ([{etag}])"}).status_code == 412
    assert dav.ask("PUT", "g", content=b"2", headers={"If": f"<{dav.url('f')}> ([{new}])"}).status_code == 201


def test_refusals(dav: Dav) -> None:
    dav.ok("MKCOL", "d")
    assert dav.ask("MKCOL", "d").status_code == 405
    assert dav.ask("MKCOL", "no/d").status_code == 409
    assert dav.ask("PUT", "no/f", content=b"").status_code == 409
    assert dav.ask("PUT", "d", content=b"").status_code == 409
    assert dav.ask("GET", "d").status_code == 501
    assert dav.ask("GET", "nothing").status_code == 404
    assert dav.ask("LOCK", "d").status_code == 501
    body = '<sync-collection xmlns="DAV:"><sync-token/><prop/></sync-collection>'
    assert dav.ask("REPORT", "", content=body).status_code == 415
    assert dav.ok("PUT", "x/y/f", content=b"1", headers={"X-NC-WebDAV-AutoMkcol": "1"}).status_code == 201


def test_move_keeps_identity_and_etag_and_checks_before_it_acts(dav: Dav) -> None:
    dav.put("f", b"1")
    dav.put("g", b"2")
    before = dav.stat("f")
    assert dav.move("f", "g", Overwrite="F").status_code == 412
    assert dav.move("nothing", "g").status_code == 404
    assert dav.get("g") == b"2"
    answer = dav.move("f", "h", Overwrite="F")
    assert (answer.status_code, answer.headers["oc-etag"]) == (201, before.etag)
    assert (dav.stat("h").fileid, dav.stat("h").etag) == (before.fileid, before.etag)
    dav.ok("MKCOL", "d")
    dav.put("d/f", b"3")
    assert dav.move("d", "d/e").status_code == 409
    assert dav.move("d/f", "d").status_code == 403
    assert dav.move("d/f", "no/f").status_code == 409
    assert dav.move("d", "d").status_code == 403


def test_move_over_a_file_deletes_it_first_so_that_its_identity_is_lost(dav: Dav) -> None:
    dav.put("target", b"old")
    dav.put("temporary", b"new")
    ids = dav.stat("target").fileid, dav.stat("temporary").fileid
    assert dav.move("temporary", "target").status_code == 204
    assert dav.stat("target").fileid == ids[1] != ids[0]
    trash = dav.list("trash", space="trashbin", names=[f"{NC}trashbin-original-location", f"{OC}fileid"])
    assert [each.values[f"{NC}trashbin-original-location"] for each in trash[1:]] == ["target"]
    assert trash[1].fileid == ids[0]


def test_copy_makes_new_identities(dav: Dav) -> None:
    dav.ok("MKCOL", "d")
    dav.put("d/f", b"12")
    dav.ok("COPY", "d", headers={"Destination": dav.url("e")})
    assert dav.get("e/f") == b"12"
    assert dav.stat("e/f").fileid != dav.stat("d/f").fileid
    assert dav.stat("").values[f"{OC}size"] == "4"


def test_a_removed_directory_can_be_restored_whole(dav: Dav) -> None:
    dav.ok("MKCOL", "d")
    dav.put("d/f", b"12")
    dav.ok("DELETE", "d")
    assert dav.names() == set()
    [item] = dav.list("trash", space="trashbin")[1:]
    assert (item.name.rpartition(".d")[0], item.directory) == ("d", True)
    headers = {"Destination": dav.url("restore/d", "trashbin")}
    assert dav.ask("MOVE", f"trash/{item.name}", space="trashbin", headers=headers).status_code == 201
    assert dav.get("d/f") == b"12"
    dav.ok("DELETE", "d")
    dav.ok("DELETE", "trash", space="trashbin")
    assert dav.list("trash", space="trashbin")[1:] == []


def test_versions_are_kept_and_restored(dav: Dav) -> None:
    for number, data in enumerate([b"one", b"three", b"five!"]):
        dav.put("f", data, X_OC_MTime=str(1_700_000_000 + number))
    found = dav.stat("f")
    top = f"versions/{found.fileid}"
    assert [each.name for each in dav.list("versions", space="versions")[1:]] == []
    listed = [each.name for each in dav.list(top, space="versions")[1:]]
    assert listed == ["1700000000", "1700000001", "1700000002"], "the present one is among them"
    assert dav.ok("GET", f"{top}/{listed[0]}", space="versions").content == b"one"
    headers = {"Destination": dav.url("restore/target", "versions")}
    assert dav.ask("MOVE", f"{top}/{listed[2]}", space="versions", headers=headers).status_code == 404
    assert dav.ask("MOVE", f"{top}/{listed[0]}", space="versions", headers=headers).status_code == 201
    assert (dav.get("f"), dav.stat("f").fileid) == (b"one", found.fileid)
    assert dav.older("f") == ("1700000001", "1700000002")


def test_what_is_shared_has_versions_for_both(nextcloud: NextcloudServer, dav: Dav, other: Dav) -> None:
    dav.ok("MKCOL", "d")
    for number, data in enumerate([b"one", b"two"]):
        dav.put("d/f", data, X_OC_MTime=str(1_700_000_000 + number))
    share = {"account": dav.account, "path": "d", "recipient": other.account}
    nextcloud.control.call("POST", "/shares", **share, permissions="RG")
    assert other.older("d/f") == ("1700000000",)
    path = f"versions/{dav.stat('d/f').fileid}/1700000000"
    headers = {"Destination": other.url("restore/target", "versions")}
    assert other.ask("MOVE", path, space="versions", headers=headers).status_code == 403
    assert dav.get("d/f") == b"two"
    with_none = other.ask("PROPFIND", f"versions/{dav.stat('d').fileid}", space="versions")
    assert with_none.status_code == 404, "directories have none"


def restored(dav: Dav, name: str) -> int:
    """Bring back what was removed under this name; the status."""
    [item] = [each for each in dav.list("trash", space="trashbin")[1:] if each.name.rpartition(".d")[0] == name]
    headers = {"Destination": dav.url("restore/x", "trashbin")}
    return dav.ask("MOVE", f"trash/{item.name}", space="trashbin", headers=headers).status_code


def test_what_comes_back_finds_a_free_name_a_directory_and_room(nextcloud: NextcloudServer, dav: Dav) -> None:
    for name in ("a.txt", "a (restored).txt"):
        dav.put(name, b"1")
        dav.ok("DELETE", name)
        dav.put(name, b"other")
    assert restored(dav, "a.txt") == 201
    assert dav.get("a (restored 2).txt") == b"1"
    dav.ok("MKCOL", "d")
    dav.put("d/f", b"2")
    dav.ok("DELETE", "d/f")
    dav.ok("DELETE", "d")
    assert restored(dav, "f") == 201
    assert dav.get("f") == b"2", "where the directory is gone, it comes back at the top"
    dav.put("g", b"3")
    dav.ok("DELETE", "g")
    nextcloud.control.call("PUT", "/accounts", account=dav.account, quota=50_000)
    assert restored(dav, "g") == 507


def test_apps_that_are_switched_off(nextcloud: NextcloudServer, dav: Dav) -> None:
    nextcloud.control.set(trash=False, versions=False)
    dav.put("f", b"1", X_OC_MTime="1700000000")
    fileid = dav.stat("f").fileid
    dav.put("f", b"2")
    assert dav.ask("PROPFIND", "trash", space="trashbin").status_code == 404
    assert dav.ask("PROPFIND", f"versions/{fileid}", space="versions").status_code == 404
    dav.ok("DELETE", "f")
    nextcloud.control.set(trash=True, versions=True)
    assert dav.list("trash", space="trashbin")[1:] == []


def test_setting_a_time_makes_a_new_etag(dav: Dav) -> None:
    dav.put("f", b"1")
    before = dav.stat("f")
    prop = "<prop><lastmodified>1600000000</lastmodified></prop>"
    dav.ok("PROPPATCH", "f", content=f'<propertyupdate xmlns="DAV:"><set>{prop}</set></propertyupdate>')
    assert dav.stat("f").values[f"{D}getlastmodified"] == "Sun, 13 Sep 2020 12:26:40 GMT"
    assert dav.stat("f").etag != before.etag


def test_dead_properties_are_kept_and_live_ones_refused(dav: Dav) -> None:
    dav.put("f", b"1")
    dead = "<set><prop><x xmlns='urn:x'>text &amp; more</x></prop></set>"
    dav.ok("PROPPATCH", "f", content=f'<propertyupdate xmlns="DAV:">{dead}</propertyupdate>')
    assert dav.list("f", depth=0, names=["{urn:x}x"])[0].values == {"{urn:x}x": "text & more"}
    live = "<set><prop><getetag>x</getetag></prop></set>"
    answer = dav.ok("PROPPATCH", "f", content=f'<propertyupdate xmlns="DAV:">{live}</propertyupdate>')
    assert "403 Forbidden" in answer.text


def test_names(nextcloud: NextcloudServer, dav: Dav) -> None:
    for name in (".htaccess", "x.part", "a\\b", "x" * 251, "tab\there"):
        assert dav.ask("PUT", name, content=b"").status_code == 400, name
    dav.put("cafe\u0301", b"1")
    assert dav.names() == {"caf\u00e9"}
    dav.put("a:b", b"1")
    nextcloud.control.set(windows_names=True)
    for name in ("c:d", "con.txt", "end.", "end "):
        assert dav.ask("PUT", name, content=b"").status_code == 400, name
    assert dav.get("a:b") == b"1"


def test_a_share_is_a_storage_of_its_own(nextcloud: NextcloudServer, dav: Dav, other: Dav) -> None:
    dav.ok("MKCOL", "team")
    dav.put("team/f", b"1")
    share = {"account": dav.account, "path": "team", "recipient": other.account}
    nextcloud.control.call("POST", "/shares", **share, name="from them", permissions="RG")
    mount, inside = other.list("from them")
    assert (mount.permissions, inside.permissions) == ("SRMGDNV", "SRG")
    assert mount.values[f"{NC}is-mount-root"] == "true"
    assert (mount.values[f"{NC}mount-type"], inside.values[f"{NC}mount-type"]) == ("shared", "shared")
    assert inside.fileid == dav.stat("team/f").fileid
    for method, path in (
        ("PUT", "from them/f"),
        ("PUT", "from them/g"),
        ("MKCOL", "from them/d"),
        ("DELETE", "from them/f"),
    ):
        assert other.ask(method, path).status_code == 403, path
    before = other.stat("").etag
    dav.put("team/f", b"22")
    assert other.stat("").etag != before
    assert other.get("from them/f") == b"22"
    assert other.move("from them", "mine").status_code == 201
    other.ok("DELETE", "mine")
    assert dav.get("team/f") == b"22"


def test_changes_on_an_external_storage_are_seen_when_somebody_looks(nextcloud: NextcloudServer, dav: Dav) -> None:
    nextcloud.control.call("POST", "/externals", account=dav.account, name="nas")
    dav.put("nas/f", b"1")
    before = dav.stat("").etag
    change = {"account": dav.account, "path": "nas", "name": "f"}
    nextcloud.control.call("POST", "/externals/change", **change, text="changed")
    assert dav.stat("").etag == before
    dav.list("nas")
    assert dav.stat("").etag != before
    assert dav.get("nas/f") == b"changed"
    nextcloud.control.call("POST", "/externals/change", **change, text=None)
    assert {each.name for each in dav.list("nas")[1:]} == set()


@pytest.mark.parametrize(("quota", "shown"), [(-3, "-3"), (-2, "-2"), (-1, "-1"), (100, "95")])
def test_quota(nextcloud: NextcloudServer, dav: Dav, quota: int, shown: str) -> None:
    dav.put("f", b"12345")
    nextcloud.control.call("PUT", "/accounts", account=dav.account, quota=quota)
    assert dav.stat("").values[f"{D}quota-available-bytes"] == shown
    assert dav.ask("PUT", "f", content=b"x" * 101).status_code == (204 if quota < 0 else 507)
