import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import pytest
import trio
from click.testing import CliRunner, Result

from mountcloud.cli.main import main
from mountcloud.cli.places import Place, place_of
from mountcloud.daemon import control
from mountcloud.daemon.paths import AccountPaths
from mountcloud.model.errors import Unavailable
from tests.unit.commands import NoOffers


class Daemon(NoOffers):
    """A daemon without a mount."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.parked = 0
        self.more: dict[str, object] = {}

    def status(self) -> dict[str, object]:
        return {"state": "ready", "mountpoint": "/srv/work", "online": True, "owed": 3, "message": "", **self.more}

    async def info(self, path: str | None) -> dict[str, object]:
        self.asked.append(("info", path))
        return {"path": path or "", "kind": "file", "size": 5, "mtime_ns": 0, "state": "cached", "error": ""}

    async def refresh(self, path: str | None) -> None:
        if path == "gone":
            raise Unavailable("no network", hint="plug in the cable")
        self.asked.append(("refresh", path))

    async def sync(self, path: str | None) -> None:
        self.asked.append(("sync", path))

    async def pin(self, path: str | None) -> dict[str, int]:
        self.asked.append(("pin", path))
        return {"files": 12, "bytes": 3 << 20}

    async def unpin(self, path: str | None) -> None:
        self.asked.append(("unpin", path))

    async def evict(self, path: str | None) -> int:
        self.asked.append(("evict", path))
        return 5 << 20

    def retry_parked(self) -> int:
        return self.parked

    async def queue(self, action: str, path: str | None, keep: str | None) -> object:
        raise Unavailable("asked elsewhere")


@pytest.fixture
def accounts(home: Path) -> Path:
    file = home / ".config" / "mountcloud" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[accounts.work]\nprovider = "memory"\n[accounts.idle]\nprovider = "memory"\n')
    return file


@pytest.fixture
def daemon(accounts: Path) -> Iterator[Daemon]:
    paths = AccountPaths.of("work")
    paths.create()
    commands = Daemon()
    stop: SimpleQueue[Callable[[], None]] = SimpleQueue()

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            token = trio.lowlevel.current_trio_token()
            await nursery.start(partial(control.serve, paths.control, commands))
            stop.put(lambda: trio.from_thread.run_sync(nursery.cancel_scope.cancel, trio_token=token))

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    end = stop.get(timeout=30)
    yield commands
    end()
    thread.join(30)
    assert not thread.is_alive()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_status_of_one(daemon: Daemon) -> None:
    result = run("status", "work")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        ["work", "  state   ready at /srv/work", "  online  yes", "  owed    3 changes"],
    )


def test_status_tells_what_is_on_its_way_and_what_helps(daemon: Daemon) -> None:
    upload = {"path": "a/large", "size": 3 << 20, "sent": 1 << 20, "rate": 1 << 19, "seconds_left": 4.0}
    parked = {"path": "b's", "kind": "upload", "reason": "the quota is used up"}
    daemon.more = {
        "last_poll": time.time() - 130,
        "trouble": "no network (plug in the cable)",
        "uploads": [upload, {**upload, "path": "new", "rate": None, "seconds_left": None}],
        "parked_changes": [parked],
        "cache_used": 5 << 20,
        "cache_limit": 10 << 30,
        "pinned": ["a"],
        "pinned_missing": 2,
        "altered": ["broken"],
        "paused": True,
    }
    told = run("status", "work").stdout
    for line in (
        "online   yes, looked for changes 2 min ago: no network (plug in the cable)",
        "owed     3 changes, paused",
        "cache    5.0 MiB of 10.0 GiB",
        "pinned   a (2 files still to come)",
        "altered  broken",
        "sending  a/large: 1.0 MiB of 3.0 MiB, 512.0 KiB/s, 4 s left",
        "sending  new: 1.0 MiB of 3.0 MiB",
        "failed   b's: the quota is used up",
        "mountcloud queue work retry 'b'\"'\"'s', or discard",
    ):
        assert line in told


def test_info_of_a_path_in_a_mount(daemon: Daemon) -> None:
    told = run("info", "/srv/work/a/b")
    assert (told.exit_code, daemon.asked) == (0, [("info", "a/b")])
    assert "state    cached" in told.stdout
    assert "error" not in told.stdout
    assert json.loads(run("info", "--json", "/srv/work").stdout)["size"] == 5
    elsewhere = run("info", "/srv/other")
    assert (elsewhere.exit_code, "is in no mount" in elsewhere.stderr) == (78, True)


def test_status_of_all_for_programs(daemon: Daemon) -> None:
    result = run("status", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "work": daemon.status(),
        "idle": {"state": "not running", "message": "start it with: mountcloud mount idle"},
    }


def test_status_without_daemon(accounts: Path) -> None:
    result = run("status", "idle")
    assert (result.exit_code, "mountcloud mount idle" in result.stdout) == (3, True)
    assert run("status").exit_code == 0


def test_status_of_an_account_that_there_is_not(accounts: Path) -> None:
    result = run("status", "idel")
    assert (result.exit_code, "did you mean 'idle'" in result.stderr) == (78, True)


def test_status_without_accounts(accounts: Path) -> None:
    accounts.unlink()
    result = run("status")
    assert (result.exit_code, "mountcloud demo" in result.stdout) == (0, True)


def test_refresh(daemon: Daemon) -> None:
    assert run("refresh", "work").exit_code == 0
    assert run("refresh", "work", "/a/b/").exit_code == 0
    assert run("refresh", "work", "/").exit_code == 0
    assert daemon.asked == [("refresh", None), ("refresh", "a/b"), ("refresh", None)]


def test_a_failed_refresh_says_why(daemon: Daemon) -> None:
    result = run("refresh", "work", "gone")
    assert (result.exit_code, result.stderr) == (1, "Error: no network (plug in the cable)\n")


def test_sync_that_waits(daemon: Daemon) -> None:
    result = run("sync", "work", "--wait", "a")
    assert (result.exit_code, result.stdout) == (0, "Everything is on the service.\n")
    assert daemon.asked == [("sync", "a")]


def test_sync_that_does_not_wait_tells_what_is_owed(daemon: Daemon) -> None:
    daemon.parked = 2
    result = run("sync", "work")
    assert "Trying 2 changes again that failed." in result.stdout
    assert "3 changes on the way to the service; --wait" in result.stdout
    assert daemon.asked == []
    daemon.more, daemon.parked = {"owed": 0}, 0
    assert run("sync", "work").stdout == "Everything is on the service.\n"


def test_a_path_in_the_mount_stands_for_account_and_path(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("sync", "/srv/work/a", "--wait").exit_code == 0
    monkeypatch.chdir("/")
    assert run("refresh", "./srv/work").exit_code == 0
    assert daemon.asked == [("sync", "a"), ("refresh", None)]
    assert "is in no mount" in run("sync", "/elsewhere").stderr


def test_a_file_in_a_mount_may_have_a_colon_in_its_name(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert place_of("./srv/work/a: b") == Place("work", "a: b")
    assert place_of("work:a: b") == Place("work", "a: b")
    monkeypatch.setattr("os.getcwd", lambda: "/srv/work")
    assert place_of("new: file") == Place("work", "new: file")


@pytest.mark.parametrize("words", [("sync", "wrok"), ("queue", "wrok"), ("refresh", "wrok"), ("get", "wrok:file")])
def test_an_unknown_account_is_not_said_to_lack_a_daemon(accounts: Path, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert (result.exit_code, "did you mean 'work'?" in result.stderr) == (78, True)


def test_who_asks_a_daemon_that_does_not_run_hears_how_to_start_it(accounts: Path) -> None:
    result = run("queue", "work")
    assert (result.exit_code, "mountcloud mount work)" in result.stderr) == (3, True)


def test_what_helps_names_the_account(daemon: Daemon) -> None:
    daemon.more = {"message": "sending is paused: mountcloud queue NAME resume", "trouble": "x (mountcloud login NAME)"}
    told = run("status", "work").stdout
    assert "mountcloud queue work resume" in told
    assert "mountcloud login work" in told


def test_what_is_kept_here_is_named_by_ordinary_paths(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "12 files, 3.0 MiB, are kept" in run("pin", "/srv/work/a/b/").stdout
    monkeypatch.chdir("/")
    assert run("unpin", "srv/work").exit_code == 0
    assert "5.0 MiB are free" in run("evict", "/srv/x/../work/a").stdout
    assert daemon.asked == [("pin", "a/b"), ("unpin", None), ("evict", "a")]


@pytest.mark.parametrize("path", ["/srv/workshop", "/srv", "elsewhere"])
def test_a_path_in_no_mount_cannot_be_kept(daemon: Daemon, path: str) -> None:
    result = run("pin", path)
    assert (result.exit_code, "in no mount" in result.stderr) == (78, True)


@pytest.mark.parametrize("command", ["refresh", "sync"])
def test_commands_without_daemon(accounts: Path, command: str) -> None:
    result = run(command, "idle")
    assert (result.exit_code, "start it with: mountcloud mount" in result.stderr) == (3, True)


def test_a_name_that_is_a_path_is_refused(accounts: Path) -> None:
    assert run("status", "../../etc").exit_code == 78
