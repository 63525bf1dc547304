"""The extension for file managers on a real mount: with a stand-in everywhere, and in Nautilus where there is one."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.filesystem.caller import Caller
from tests.mount import desk
from tests.mount.fixture import ENCRYPTED_ROOM, PLAIN_ROOM
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.sandbox.account import fresh
from tests.sandbox.fixture import RunningSandbox

pytestmark = pytest.mark.mount
WITHIN_S = 60
KEEP, UNKEEP, FREE = "Keep on this machine", "Keep no longer on this machine", "Free up space"
LINK, VERSIONS, AGAIN = "Copy a link for others", "Older versions", "Try to send it again"


@pytest.fixture(scope="module")
def own_mount(fuse: None, account: Account) -> Iterator[Mount]:
    """One for all tests of this file, with the extension installed."""
    with mounted(account) as mount:
        done = mount.run("filemanager", "enable", "nautilus")
        assert done.returncode == 0, done.stderr
        yield mount


@pytest.fixture(scope="module")
def manager(own_mount: Mount) -> Iterator[Caller]:
    """A stand-in that has the extension loaded."""
    with Caller() as caller:
        directory = own_mount.home / "data/nautilus-python/extensions"
        assert caller(desk.load, directory, own_mount.environment) == ["MountcloudExtension"]
        yield caller


def emblem(state: str) -> list[str]:
    return [f"emblem-mountcloud-{state}"]


def until(manager: Caller, path: Path, state: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while (found := manager(desk.emblems, path)) != emblem(state):
        assert time.monotonic() < deadline, f"{path} is {found}, not {state}"
        time.sleep(0.05)


def stranger(url: str, password: str = "") -> bytes:
    public = url.replace("/public/download-shares/", "/api/v4/public/shares/downloads/")
    with httpx.Client(trust_env=False) as http:
        answer = http.post(public, json={"password": password} if password else {})
        content: bytes = http.get(answer.json()["downloadUrl"]).content
        return content


def test_emblems_and_menus(own_mount: Mount, service: Service, server: RunningSandbox, manager: Caller) -> None:
    folder = f"{PLAIN_ROOM}/{fresh('shown')}"
    service.make_folder(f"/{folder}")
    service.upload(f"/{folder}/file", b"words")
    own_mount.call("refresh")
    place = own_mount.mountpoint / folder
    file = place / "file"
    manager(os.listdir, place)
    server.control.forget_requests()
    assert manager(desk.emblems, file) == emblem("cloud")
    assert manager(desk.labels, file) == [KEEP, LINK, VERSIONS]
    assert manager(desk.labels, place) == [KEEP, FREE, LINK]
    assert manager(desk.labels, file, place) == [KEEP, FREE]
    assert server.control.requests().count("POST", "downloads") == 0
    manager(file.read_bytes)
    assert manager(desk.emblems, file) == emblem("cached")
    elsewhere = own_mount.home / "elsewhere"
    elsewhere.write_bytes(b"")
    for path in (elsewhere, Path("trash:///file"), own_mount.home):
        assert (manager(desk.emblems, path), manager(desk.labels, path)) == ([], [])
    assert manager(desk.labels, file, elsewhere) == []


def test_the_menu_keeps_and_frees(own_mount: Mount, service: Service, manager: Caller) -> None:
    name = f"{PLAIN_ROOM}/{fresh('kept')}"
    service.upload(f"/{name}", b"words")
    own_mount.call("refresh")
    file = own_mount.mountpoint / name
    manager(os.listdir, file.parent)
    assert manager(desk.choose, KEEP, file)[0] == []
    until(manager, file, "pinned")
    assert manager(desk.labels, file) == [UNKEEP, LINK, VERSIONS]
    windows, _, looked_again = manager(desk.choose, UNKEEP, file)
    assert (windows, looked_again) == ([], 1)
    until(manager, file, "cached")
    manager(desk.choose, FREE, file)
    assert manager(desk.emblems, file) == emblem("cloud")


def test_what_is_on_its_way_is_looked_at_again(own_mount: Mount, manager: Caller) -> None:
    """Nobody tells a file manager of what a daemon does."""
    file = own_mount.mountpoint / PLAIN_ROOM / fresh("waiting")
    own_mount.call("queue", action="pause")
    manager(file.write_bytes, b"words")
    assert manager(desk.emblems, file) == emblem("queued")
    assert manager(desk.look_again, file, own_mount.paths.control) == (0, 1)


def test_what_failed_is_tried_again(own_mount: Mount, troubled: RunningSandbox, manager: Caller) -> None:
    file = own_mount.mountpoint / PLAIN_ROOM / fresh("refused")
    troubled.control.fault(".*/nodes/files/uploads.*", status=403)
    manager(file.write_bytes, b"words")
    until(manager, file, "parked")
    assert AGAIN in manager(desk.labels, file)
    troubled.control.clear_faults()
    manager(desk.choose, AGAIN, file)
    own_mount.settle()
    assert manager(desk.emblems, file) == emblem("cloud")


def test_the_menu_makes_links(own_mount: Mount, service: Service, manager: Caller) -> None:
    plain, encrypted = (own_mount.mountpoint / room / fresh("shared") for room in (PLAIN_ROOM, ENCRYPTED_ROOM))
    for file in (plain, encrypted):
        manager(file.write_bytes, b"for strangers")
    own_mount.settle()
    windows, (url,), _ = manager(desk.choose, LINK, plain)
    assert windows == [("The link is copied", [url], 0)]
    assert stranger(url) == b"for strangers"
    [(_, (told, password), _)], (locked,), _ = manager(desk.choose, LINK, encrypted)
    assert (told, "password" in password) == (locked, True)
    (link,) = json.loads(own_mount.run("share", str(encrypted), "--list", "--json").stdout)
    assert (link["url"], link["protected"]) == (locked, True)


def test_the_menu_brings_an_older_version_back(own_mount: Mount, manager: Caller) -> None:
    file = own_mount.mountpoint / PLAIN_ROOM / fresh("versions")
    for content in (b"first", b"the second"):
        manager(file.write_bytes, content)
        own_mount.settle()
    [(title, (present, first), buttons)], _, _ = manager(desk.choose, VERSIONS, file)
    assert (title, present.endswith("10 bytes (present)"), first.endswith(", 5 bytes"), buttons) == (
        VERSIONS,
        True,
        True,
        1,
    )
    assert manager(desk.press, 0) == []
    assert manager(file.read_bytes) == b"first"


def test_trouble_is_shown(own_mount: Mount, service: Service, manager: Caller) -> None:
    folder = own_mount.mountpoint / PLAIN_ROOM / fresh("above")
    manager(folder.mkdir)
    manager((folder / "file").write_bytes, b"words")
    own_mount.settle()
    own_mount.call("pin", path=str(folder.relative_to(own_mount.mountpoint)))
    until(manager, folder / "file", "pinned")
    [(title, (line,), _)], _, _ = manager(desk.choose, UNKEEP, folder / "file")
    assert (title, "above it is" in line) == (UNKEEP, True)


SPY = """\
import json
import mountcloud_extension
from gi.repository import GLib, Gtk

theirs = mountcloud_extension.MountcloudExtension
seen = {"emblems": {}, "labels": [], "link": ""}


class Shown:
    def __init__(self, file):
        self.file = file

    def add_emblem(self, name):
        seen["emblems"][self.file.get_name()] = name
        self.file.add_emblem(name)

    def __getattr__(self, name):
        return getattr(self.file, name)


def update_file_info(self, file, original=theirs.update_file_info):
    original(self, Shown(file))
    if file.get_name() == "shared.txt" and not seen["labels"]:
        (top,) = self.get_file_items([file])
        entries = top.get_property("menu").get_items()
        seen["labels"] = [each.get_property("label") for each in entries]
        entries[-2].emit("activate")
    tell()


def tell():
    for window in Gtk.Window.list_toplevels():
        if window.get_title() == "The link is copied":
            seen["link"] = window.get_child().get_child_at(0, 0).get_label()
    with open("%s", "w") as file:
        json.dump(seen, file)
    return True


theirs.update_file_info = update_file_info
GLib.timeout_add(200, tell)
"""


def _why_no_nautilus() -> str:
    missing = [each for each in ("nautilus", "Xvfb", "dbus-run-session") if shutil.which(each) is None]
    if missing:
        return f"{', '.join(missing)} is missing"
    libraries = Path("/usr/lib")
    if not [*libraries.glob("*/nautilus/extensions-4/libnautilus-python.so")]:
        return "python3-nautilus is missing"
    typelibs = [*libraries.glob("*/girepository-1.0/Gtk-4.0.typelib")]
    return "" if typelibs else "gir1.2-gtk-4.0 is missing"


@pytest.fixture
def nautilus(own_mount: Mount, tmp_path: Path) -> Iterator[Path]:
    """Nautilus with the extension and a spy, in a desktop that nobody sees; a file with what the spy saw.

    A desktop is no requirement of the tests, so this skips where there is none, whatever is required.
    """
    if reason := _why_no_nautilus():
        pytest.skip(f"Nautilus with the extension is not tried: {reason}")
    told = tmp_path / "told.json"
    spy = own_mount.home / "data/nautilus-python/extensions/spy.py"
    spy.write_text(SPY % told)
    numbers, ours = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(ours), "-screen", "0", "1000x700x24"], pass_fds=[ours], stderr=subprocess.DEVNULL
    )
    os.close(ours)
    with os.fdopen(numbers) as file:
        display = f":{file.readline().strip()}"
    environment = {
        **own_mount.environment,
        **{"DISPLAY": display, "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo", "GTK_A11Y": "none"},
        **{"GSETTINGS_BACKEND": "memory", "GIO_USE_VFS": "local", "GIO_USE_VOLUME_MONITOR": "unix"},
    }
    command = ["dbus-run-session", "--", "nautilus", "--new-window", str(own_mount.mountpoint / PLAIN_ROOM / "desk")]
    with (tmp_path / "log").open("wb") as log:
        session = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    yield told
    os.killpg(session.pid, signal.SIGKILL)
    session.wait(10)
    screen.terminate()
    screen.wait(10)
    spy.unlink()


@pytest.fixture
def folder(own_mount: Mount, service: Service) -> Path:
    service.make_folder(f"/{PLAIN_ROOM}/desk")
    for name in ("shared.txt", "read.txt"):
        service.upload(f"/{PLAIN_ROOM}/desk/{name}", b"for strangers")
    own_mount.call("refresh")
    place = own_mount.mountpoint / PLAIN_ROOM / "desk"
    with Caller() as caller:
        caller(os.listdir, place)
        caller((place / "read.txt").read_bytes)
    return place


def test_nautilus_shows_emblems_and_makes_a_link(folder: Path, nautilus: Path, tmp_path: Path) -> None:
    deadline = time.monotonic() + 2 * WITHIN_S
    seen: dict[str, object] = {}
    while not seen.get("link"):
        assert time.monotonic() < deadline, f"{seen}\n{(tmp_path / 'log').read_text()[-3000:]}"
        time.sleep(0.2)
        try:
            seen = json.loads(nautilus.read_text())
        except (OSError, ValueError):
            continue
    assert seen["emblems"] == {"shared.txt": "emblem-mountcloud-cloud", "read.txt": "emblem-mountcloud-cached"}
    assert seen["labels"] == [KEEP, LINK, VERSIONS]
    assert stranger(str(seen["link"])) == b"for strangers"
