"""Commands that speak with the service themselves, with and without a mount: the real ones, before a sandbox."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.filesystem.caller import Caller
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.sandbox.account import fresh
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount
LARGE = os.urandom(17 << 20)


@pytest.fixture(scope="module")
def own_mount(fuse: None, account: Account) -> Iterator[Mount]:
    """One for all tests of this file."""
    with mounted(account) as mount:
        yield mount


def ran(mount: Mount, *words: str, entered: str = "") -> str:
    """What a command that succeeds says."""
    done = mount.run(*words, entered=entered)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def test_getting_and_putting(own_mount: Mount, service: Service, troubled: RunningSandbox, tmp_path: Path) -> None:
    name = fresh("large")
    (tmp_path / name).write_bytes(LARGE)
    for room in (PLAIN_ROOM, ENCRYPTED_ROOM):
        assert "17.0 MiB" in ran(own_mount, "put", str(tmp_path / name), f"test:{room}/")
        with Caller() as caller:
            assert name in caller(os.listdir, own_mount.mountpoint / room)  # the daemon was told
        ran(own_mount, "get", f"test:{room}/{name}", str(tmp_path / room))
        assert (tmp_path / room).read_bytes() == LARGE
    assert service.download(f"/{ENCRYPTED_ROOM}/{name}") != LARGE
    again = own_mount.run("put", str(tmp_path / name), f"test:{PLAIN_ROOM}/{name}")
    assert (again.returncode, "--overwrite" in again.stderr) == (1, True)
    (tmp_path / name).write_bytes(b"short")
    ran(own_mount, "put", str(tmp_path / name), str(own_mount.mountpoint / PLAIN_ROOM / name), "--overwrite")
    assert service.download(f"/{PLAIN_ROOM}/{name}") == b"short"
    assert ran(own_mount, "get", f"test:{PLAIN_ROOM}/{name}", "-") == "short"
    nothing = own_mount.run("pin", str(own_mount.mountpoint / PLAIN_ROOM / "nothing"))
    assert (nothing.returncode, f"there is no '{PLAIN_ROOM}/nothing'" in nothing.stderr) == (1, True)
    absent = own_mount.run("get", f"test:{PLAIN_ROOM}/absent", str(tmp_path / "absent"))
    assert (absent.returncode, "has no" in absent.stderr) == (1, True)


def test_a_download_that_was_cut_off_goes_on(own_mount: Mount, troubled: RunningSandbox, tmp_path: Path) -> None:
    name = fresh("resumed")
    (tmp_path / name).write_bytes(LARGE)
    own_mount.run("put", str(tmp_path / name), f"test:{PLAIN_ROOM}/")
    troubled.control.fault(".*/downloads/.*", kind="status", status=500, skip=4, count=-1)
    cut = own_mount.run("get", f"test:{PLAIN_ROOM}/{name}", str(tmp_path / "got"))
    assert (cut.returncode, (tmp_path / "got").exists()) == (69, False), cut.stderr
    troubled.control.clear_faults()
    troubled.control.forget_requests()
    ran(own_mount, "get", f"test:{PLAIN_ROOM}/{name}", str(tmp_path / "got"))
    assert (tmp_path / "got").read_bytes() == LARGE
    assert troubled.control.requests().count("GET", "downloads") < 5


def test_a_link_for_strangers(own_mount: Mount, service: Service) -> None:
    path = f"/{PLAIN_ROOM}/{fresh('shared')}"
    service.upload(path, b"for strangers")
    inside = str(own_mount.mountpoint / path.strip("/"))
    words = ("share", inside, "--password-stdin", "--expires", "7", "--max-downloads", "2")
    url = ran(own_mount, *words, entered="Open sesame 1\n").strip()
    assert re.fullmatch(r"http://\S+/public/download-shares/\S+", url)
    listed = json.loads(ran(own_mount, "share", inside, "--list", "--json"))
    assert [(each["protected"], each["max_downloads"], each["url"]) for each in listed] == [(True, 2, url)]
    with httpx.Client(trust_env=False) as stranger:
        public = url.replace("/public/download-shares/", "/api/v4/public/shares/downloads/")
        answer = stranger.post(public, json={"password": "Open sesame 1"})
        assert stranger.get(answer.json()["downloadUrl"]).content == b"for strangers"
    ran(own_mount, "share", inside, "--end", listed[0]["id"])
    assert "no links" in ran(own_mount, "share", inside, "--list")
    assert "/public/upload-shares/" in ran(own_mount, "share", f"test:{PLAIN_ROOM}", "--upload")
    unprotected = own_mount.run("share", inside, "--password-stdin")
    assert (unprotected.returncode, unprotected.stdout) == (78, "")
    wrong = own_mount.run("share", inside, "--expires", "tomorrow")
    assert (wrong.returncode, "neither a number of days" in wrong.stderr) == (2, True)


def test_what_was_removed_comes_back(own_mount: Mount, service: Service) -> None:
    name = fresh("removed")
    place = own_mount.mountpoint / PLAIN_ROOM
    with Caller() as caller:
        caller((place / name).write_bytes, b"1")
        own_mount.settle()
        caller((place / name).unlink)
        own_mount.settle()
        (found,) = [
            each for each in json.loads(ran(own_mount, "trash", "list", str(place), "--json")) if name in each["path"]
        ]
        assert found["path"] == f"{PLAIN_ROOM}/{name}"
        ran(own_mount, "trash", "restore", str(place), found["id"])
        assert caller((place / name).read_bytes) == b"1"
        caller((place / name).unlink)
        own_mount.settle()
        again = own_mount.run("trash", "purge", f"test:{PLAIN_ROOM}", found["id"], entered="n\n")
        assert again.returncode == 1
        ran(own_mount, "trash", "purge", f"test:{PLAIN_ROOM}", found["id"], "--yes")
    assert name not in service.deleted(f"/{PLAIN_ROOM}")


def test_an_older_version_comes_back(own_mount: Mount) -> None:
    file = own_mount.mountpoint / PLAIN_ROOM / fresh("versions")
    with Caller() as caller:
        for content in (b"first", b"the second"):
            caller(file.write_bytes, content)
            own_mount.settle()
        listed = json.loads(ran(own_mount, "versions", str(file), "list", "--json"))
        assert [(each["size"], each["present"]) for each in listed] == [(10, True), (5, False)]
        assert "(present)" in ran(own_mount, "versions", str(file))
        ran(own_mount, "versions", str(file), "restore", listed[1]["id"])
        assert caller(file.read_bytes) == b"first"
    directory = own_mount.run("versions", str(file.parent))
    assert (directory.returncode, "no versions" in directory.stderr) == (78, True)


def test_the_services_own_interface(own_mount: Mount, service: Service) -> None:
    told = json.loads(ran(own_mount, "api", "test", "GET", "/v4/user/account"))
    assert told["userName"] == "user"
    room = service.id(f"/{PLAIN_ROOM}")
    fields = ("--field", f"parentId={room}", "--field", f"name={fresh('by hand')}")
    made = json.loads(ran(own_mount, "api", "test", "post", "/v4/nodes/folders", *fields))
    pages = json.loads(ran(own_mount, "api", "test", "GET", "/v4/nodes", "--paginate", "--field", f"parent_id={room}"))
    assert made["id"] in [each["id"] for each in pages]
    assert ran(own_mount, "api", "test", "DELETE", f"/v4/nodes/{made['id']}") == ""
    refused = own_mount.run("api", "test", "GET", f"/v4/nodes/{made['id']}")
    assert (refused.returncode, "the node is gone" in refused.stderr) == (1, True)
