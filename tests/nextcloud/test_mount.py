"""A real mount of a Nextcloud account: what saving leaves on the server, other clients, trouble, kill -9."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.mount.session import Account, Mount
from tests.mount.shared import AllowedLog, complaints, mounted
from tests.nextcloud.dav import Dav
from tests.nextcloud.server import NextcloudServer

pytestmark = pytest.mark.mount
MIB = 1 << 20
SEEN_WITHIN_S = 60.0


def account_of(server: NextcloudServer, dav: Dav) -> Account:
    return Account(server.base_url, 0, dav.login, dav.password, "", provider="nextcloud")


@pytest.fixture
def allowed() -> AllowedLog:
    return AllowedLog()


@pytest.fixture
def mount(fuse: None, nextcloud: NextcloudServer, dav: Dav, allowed: AllowedLog) -> Iterator[Mount]:
    with mounted(account_of(nextcloud, dav)) as mount:
        yield mount
        mount.settle()
        assert complaints(mount.new_log(), allowed) == []


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SEEN_WITHIN_S
    while not seen():
        assert time.monotonic() < deadline, "it was never seen"
        time.sleep(0.1)


def in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"in place")
        file.truncate()


def over_it(path: Path) -> None:
    subprocess.run(["sh", "-c", 'echo again > "$0"', path], check=True, timeout=60)


def beside_and_renamed(path: Path) -> None:
    new = path.with_name("new file")
    new.write_bytes(b"beside, then renamed")
    new.replace(path)


def by_vim(path: Path) -> None:
    vim = shutil.which("vim") or shutil.which("vim.tiny") or shutil.which("vi")
    assert vim
    how = ["-u", "NONE", "-es", "-c", "set backup backupcopy=no backupdir=.", "-c", "normal ochanged", "-c", "wq"]
    subprocess.run([vim, *how, path.name], cwd=path.parent, check=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("save", [in_place, over_it, beside_and_renamed, by_vim])
def test_saving_keeps_id_and_versions(
    mount: Mount, dav: Dav, nextcloud: NextcloudServer, save: Callable[[Path], None]
) -> None:
    path = mount.mountpoint / "notes.txt"
    path.write_bytes(b"first\n")
    mount.settle()
    before = dav.stat("notes.txt")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    mount.settle()
    nextcloud.control.forget_requests()
    save(path)
    expected = path.read_bytes()
    mount.settle()
    assert dav.get("notes.txt") == expected
    assert dav.stat("notes.txt").fileid == before.fileid
    assert dav.older("notes.txt") == ("1700000000",)
    assert nextcloud.control.requests().count("PUT", "/files/") - ("notes.txt~" in dav.names()) == 1


def test_what_other_clients_do_is_seen(mount: Mount, dav: Dav) -> None:
    top = mount.mountpoint
    (top / "d").mkdir()
    (top / "d" / "f").write_bytes(b"ours")
    mount.settle()
    inode = (top / "d" / "f").stat().st_ino
    dav.put("d/f", b"theirs, longer")
    until(lambda: (top / "d" / "f").stat().st_size == 14)
    assert (top / "d" / "f").read_bytes() == b"theirs, longer"
    dav.move("d/f", "d/g")
    until((top / "d" / "g").exists)
    until(lambda: not (top / "d" / "f").exists())
    assert (top / "d" / "g").stat().st_ino == inode
    dav.move("d", "e")
    until((top / "e" / "g").exists)
    assert (top / "e" / "g").read_bytes() == b"theirs, longer"
    dav.ok("DELETE", "e")
    until(lambda: list(top.iterdir()) == [])


def test_both_contents_survive_when_two_save_at_once(
    mount: Mount, dav: Dav, nextcloud: NextcloudServer, allowed: AllowedLog
) -> None:
    allowed.allow("conflict")
    path = mount.mountpoint / "f.txt"
    path.write_bytes(b"first")
    mount.settle()
    with path.open("r+b", buffering=0) as file:
        file.write(b"ours!")
        dav.put("f.txt", b"theirs")
    mount.settle()
    contents = {name: dav.get(name) for name in dav.names()}
    assert contents.pop("f.txt") == b"theirs"
    assert list(contents.values()) == [b"ours!"]


def test_a_reader_without_rights_is_refused_here(
    mount: Mount, dav: Dav, other: Dav, nextcloud: NextcloudServer
) -> None:
    other.ok("MKCOL", "team")
    other.put("team/f", b"1")
    share = {"account": other.account, "path": "team", "recipient": dav.account}
    nextcloud.control.call("POST", "/shares", **share, permissions="RG")
    team = mount.mountpoint / "team"
    until(team.exists)
    assert (team / "f").read_bytes() == b"1"
    nextcloud.control.forget_requests()
    for refused in (
        partial((team / "f").write_bytes, b"2"),
        (team / "g").touch,
        (team / "d").mkdir,
        (team / "f").unlink,
    ):
        with pytest.raises(PermissionError):
            refused()
    requests = nextcloud.control.requests()
    assert sum(requests.count(method) for method in ("PUT", "MKCOL", "DELETE", "MOVE")) == 0


def test_maintenance_is_being_offline(mount: Mount, dav: Dav, nextcloud: NextcloudServer, allowed: AllowedLog) -> None:
    allowed.allow("maintenance")
    path = mount.mountpoint / "f"
    path.write_bytes(b"cached")
    mount.settle()
    assert path.read_bytes() == b"cached"
    nextcloud.control.set(maintenance=True)
    path.write_bytes(b"written meanwhile")
    (mount.mountpoint / "d").mkdir()
    assert path.read_bytes() == b"written meanwhile"
    assert {each.name for each in mount.mountpoint.iterdir()} == {"d", "f"}
    nextcloud.control.set(maintenance=False)
    mount.settle()
    assert (dav.get("f"), dav.names()) == (b"written meanwhile", {"d", "f"})


def test_a_large_upload_goes_on_after_kill_minus_nine(fuse: None, nextcloud: NextcloudServer, dav: Dav) -> None:
    data = os.urandom(50 * MIB)
    nextcloud.control.fault("/uploads/.*/00003$", method="PUT", kind="drop", count=-1)
    with mounted(account_of(nextcloud, dav)) as mount:
        (mount.mountpoint / "large").write_bytes(data)
        until(lambda: chunks_sent(nextcloud).count("00002") == 1)
        until(lambda: "00003" in chunks_tried(nextcloud))
        mount.kill()
        nextcloud.control.clear_faults()
        mount.start()
        mount.settle()
        assert (mount.mountpoint / "large").read_bytes() == data
    assert dav.get("large") == data
    assert sorted(chunks_sent(nextcloud)) == ["00001", "00002", "00003", "00004"]
    assert nextcloud.control.call("GET", "/uploads")["uploads"] == {}


def chunks_tried(server: NextcloudServer, *statuses: int) -> list[str]:
    found = [
        each for each in server.control.requests().items if each["method"] == "PUT" and "/uploads/" in each["path"]
    ]
    return [each["path"].rpartition("/")[2] for each in found if not statuses or each["status"] in statuses]


def chunks_sent(server: NextcloudServer) -> list[str]:
    return chunks_tried(server, 201)


def ran(mount: Mount, *words: str, entered: str = "") -> str:
    """What a command that succeeds says."""
    done = mount.run(*words, entered=entered)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def test_the_commands_reach_what_the_server_keeps(mount: Mount, dav: Dav, tmp_path: Path) -> None:
    """Trash bin, older versions, links, pictures, its own interface; what comes back is seen in the mount."""
    top = mount.mountpoint
    (top / "d").mkdir()
    file = top / "d" / "notes.txt"
    file.write_bytes(b"first")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    mount.settle()
    file.write_bytes(b"second")
    mount.settle()
    present, old = json.loads(ran(mount, "versions", str(file), "--json"))
    assert (present["present"], present["size"], old["id"], old["size"]) == (True, 6, "1700000000", 5)
    ran(mount, "versions", str(file), "restore", old["id"])
    until(lambda: file.read_bytes() == b"first")
    file.unlink()
    mount.settle()
    [gone] = json.loads(ran(mount, "trash", "list", str(top / "d"), "--json"))
    assert (gone["path"], gone["kind"]) == ("d/notes.txt", "file")
    assert "d/notes.txt is back" in ran(mount, "trash", "restore", str(top / "d"), gone["id"])
    until(file.exists)
    assert file.read_bytes() == b"first"
    url = ran(mount, "share", str(file), "--password-stdin", "--expires", "7", entered="a secret\n").strip()
    listed = ran(mount, "share", str(file), "--list")
    assert url in listed
    assert "with a password, until " in listed
    ran(mount, "share", str(file), "--end", listed.split()[0])
    assert "no links" in ran(mount, "share", str(file), "--list")
    (top / "d/photo.jpg").write_bytes(b"not looked at")
    mount.settle()
    ran(mount, "thumbnail", "--size", "64", str(top / "d/photo.jpg"), str(tmp_path / "small.png"))
    assert (tmp_path / "small.png").read_bytes()[16:24] == b"\0\0\0\x40" * 2
    none = mount.run("thumbnail", str(file), str(tmp_path / "none.png"))
    assert (none.returncode, "no picture" in none.stderr) == (1, True)
    assert not (tmp_path / "none.png").exists()
    assert json.loads(ran(mount, "api", "test", "GET", "/cloud/user"))["id"] == dav.account
    assert "Nextcloud 31.0.2" in mount.run("doctor").stdout
