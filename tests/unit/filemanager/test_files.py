"""What the file manager's extension decides, without a file manager and without a mount."""

import json
import os
from importlib.resources import files as resources
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mountcloud.daemon import control
from mountcloud.daemon.paths import AccountPaths
from mountcloud.filemanager import files
from mountcloud.filemanager.files import Deed, Failed, Item, Link, Mount, Mounts, menu, restoring
from mountcloud.policy.file_state import FileState

LINE = "36 24 0:31 / {root} rw,nosuid,nodev,relatime shared:1 - fuse.{kind} {source} rw,user_id={user},group_id=0\n"


def table(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text("22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n" + "".join(lines))
    return path


def line(root: str, source: str = "mountcloud:work", kind: str = "mountcloud", user: int | None = None) -> str:
    return LINE.format(root=root, source=source, kind=kind, user=os.getuid() if user is None else user)


def item(state: str, *, directory: bool = False, encrypted: bool = False, offers: str = "links versions") -> Item:
    mount = Mount("work", Path("/work"), Path("/nowhere/control.sock"))
    return Item(mount, "a/file", state, encrypted, directory, frozenset(offers.split()))


def names(*items: Item) -> list[str]:
    return [deed.name for deed in menu(items)]


def test_every_state_has_an_emblem_that_is_a_picture() -> None:
    assert set(files.EMBLEMS) == {state.value for state in FileState}
    there = {each.name: each for each in resources("mountcloud.filemanager").joinpath("icons").iterdir()}
    assert set(there) == {f"{name}.svg" for name in files.EMBLEMS.values()}
    for each in there.values():
        assert ElementTree.fromstring(each.read_text()).tag.endswith("svg")
    assert {FileState.QUEUED.value, FileState.UPLOADING.value} == files.PASSING


@pytest.mark.parametrize("root", ["/home/me/Work", "/home/me/My Work"])
@pytest.mark.parametrize("kind", ["mountcloud", "sshfs"])
def test_mounts_are_found_by_their_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str, kind: str
) -> None:
    told = {"state": "cached", "encrypted": "yes", "offers": "links,versions"}
    monkeypatch.setattr(files, "attribute", lambda path, name: told[name])
    mounts = Mounts({"XDG_RUNTIME_DIR": "/run/user/1"}, table(tmp_path, line(root.replace(" ", "\\040"), kind=kind)))
    found = mounts.item(f"{root}/Projects/plan")
    assert found is not None
    assert (found.mount.account, found.below) == ("work", "Projects/plan")
    assert (found.state, found.encrypted, found.offers) == ("cached", True, frozenset({"links", "versions"}))
    top = mounts.item(root)
    assert top is not None
    assert top.below == ""
    assert mounts.item(f"{root}ing/plan") is None
    assert mounts.state("/etc/passwd") == ""


def test_mounts_of_others_and_of_other_programs_are_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's account may have the name of one of ours; its files must never move our daemon."""
    monkeypatch.setattr(files, "attribute", lambda path, name: "cached")
    found = table(tmp_path, line("/theirs", user=os.getuid() + 1), line("/other", source="rclone:work"))
    assert [Mounts({}, found).item(path) for path in ("/theirs/a", "/other/a")] == [None, None]


def test_the_table_is_read_again_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "attribute", lambda path, name: "cached")
    now = [0.0]
    mounts = Mounts({}, table(tmp_path), clock=lambda: now[0])
    assert mounts.state("/work/a") == ""
    table(tmp_path, line("/work"))
    assert mounts.state("/work/a") == ""
    now[0] = 10.0
    assert mounts.state("/work/a") == "cached"


@pytest.mark.parametrize(
    "environment",
    [{"XDG_RUNTIME_DIR": "/run/user/7"}, {"XDG_STATE_HOME": "/state"}, {"XDG_RUNTIME_DIR": "relative"}, {}],
)
def test_the_socket_is_where_the_daemon_listens(tmp_path: Path, environment: dict[str, str]) -> None:
    environment = {"HOME": "/home/me", **environment}
    (mount,) = files._mounts(table(tmp_path, line("/work")), environment)
    assert mount.socket == AccountPaths.of("work", environment).control


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("cloud", ["pin", "share", "versions"]),
        ("cached", ["pin", "evict", "share", "versions"]),
        ("pinned", ["unpin", "share", "versions"]),
        ("conflict", ["pin", "share", "versions"]),
        ("queued", ["share", "versions"]),
        ("parked", ["retry", "share", "versions"]),
    ],
)
def test_the_menu_offers_what_can_be_done(state: str, wanted: list[str]) -> None:
    assert names(item(state)) == wanted


def test_the_menu_of_several_of_directories_and_of_poorer_services() -> None:
    assert names() == []
    assert names(item("cached"), item("pinned")) == ["pin", "unpin", "evict"]
    assert names(item("cached"), item("queued")) == ["evict"]
    assert names(item("cached", directory=True)) == ["pin", "evict", "share"]
    assert names(item("cloud", offers="")) == ["pin"]
    assert names(item("local-only", offers="")) == []


def asked(deed: Deed) -> list[dict[str, object]]:
    return [json.loads(deed.line(each)) for each in deed.items]


def answer(result: object) -> bytes:
    return json.dumps({"version": 1, "result": result}).encode() + b"\n"


@pytest.mark.parametrize(
    ("state", "name", "command", "arguments"),
    [
        ("cloud", "pin", "pin", {}),
        ("pinned", "unpin", "unpin", {}),
        ("cached", "evict", "evict", {}),
        ("parked", "retry", "queue", {"action": "retry"}),
        ("cached", "share", "share", {}),
        ("cached", "versions", "versions", {}),
    ],
)
def test_what_the_daemon_is_asked(state: str, name: str, command: str, arguments: dict[str, str]) -> None:
    (deed,) = [each for each in menu([item(state)]) if each.name == name]
    assert asked(deed) == [
        {"version": control.VERSION, "command": command, "arguments": {"path": "a/file", **arguments}}
    ]
    assert deed.line(deed.items[0]).endswith(b"\n")


def test_only_what_is_meant_is_asked_for() -> None:
    cached, pinned = item("cached"), item("pinned")
    assert {each.name: list(each.items) for each in menu([cached, pinned])} == {
        "pin": [cached, pinned],
        "unpin": [pinned],
        "evict": [cached],
    }
    top = Item(cached.mount, "", "cached", False, True, frozenset())
    assert asked(menu([top])[0])[0]["arguments"] == {"path": None}


def test_a_link_has_a_password_where_it_must_have_one() -> None:
    links = {}
    for encrypted in (True, False):
        file = item("cached", encrypted=encrypted)
        (deed,) = [each for each in menu([file]) if each.name == "share"]
        link = deed.result(file, answer({"url": "https://a.example/1"}))
        assert isinstance(link, Link)
        assert asked(deed)[0]["arguments"] == {"path": "a/file"} | ({"password": link.password} if encrypted else {})
        assert link.url == "https://a.example/1"
        assert link.password not in repr(deed) or not encrypted
        links[encrypted] = link.password
    assert (len(links[True]) >= 16, links[False]) == (True, "")
    (again,) = [each for each in menu([item("cached", encrypted=True)]) if each.name == "share"]
    assert again.arguments["password"] != links[True]


def test_versions_are_told_and_restored() -> None:
    file = item("cached")
    told = [{"id": "7", "changed_at": 0, "size": 2048, "present": True}, {"id": "5", "changed_at": None, "size": None}]
    contents = menu([file])[-1].result(file, answer(told))
    assert isinstance(contents, list)
    assert [(each.version, each.present) for each in contents] == [("7", True), ("5", False)]
    assert contents[0].label.endswith(", 2.0 KiB")
    assert contents[1].label == "?, ?"
    (request,) = asked(restoring(file, contents[1]))
    assert (request["command"], request["arguments"]) == ("restore_version", {"path": "a/file", "version": "5"})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            b'{"error": {"kind": "Busy", "message": "it is pinned", "hint": "unpin it"}}\n',
            r"^it is pinned \(unpin it\)$",
        ),
        (b'{"error": {"kind": "", "message": "the daemon failed inside", "hint": ""}}\n', "^the daemon failed inside$"),
        (b"", "mountcloud status work"),
        (b"[]", "mountcloud status work"),
        (b"{", "mountcloud status work"),
        (b'{"result": 7}', "none"),
    ],
)
def test_refusals_and_silence_are_told(line: bytes, words: str) -> None:
    file = item("cached")
    for deed in menu([file])[-2:]:
        with pytest.raises(Failed, match=words):
            deed.result(file, line)


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (1 << 41, "2048.0 GiB")],
)
def test_sizes(size: int, words: str) -> None:
    assert files._size(size) == words
