import json
import shlex
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import pytest
import trio
from click.testing import CliRunner, Result

from mountcloud.cli.main import main
from mountcloud.daemon import control
from mountcloud.daemon.paths import AccountPaths
from mountcloud.model.errors import Busy
from tests.unit.commands import NoOffers

ITEM = {
    "kind": "upload",
    "path": "Work/report.odt",
    "size": 12345,
    "state": "parked",
    "attempts": 2,
    "next_try": None,
    "reason": "the room is full",
}
HELD = {**ITEM, "kind": "remove", "path": "old", "state": "held", "reason": "too many", "attempts": 0}


class Daemon(NoOffers):
    """A daemon without a mount."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.items: list[dict[str, object]] = []
        self.busy = False

    def status(self) -> dict[str, object]:
        return {}

    async def info(self, path: str | None) -> dict[str, object]:
        raise NotImplementedError

    async def refresh(self, path: str | None) -> None: ...

    async def sync(self, path: str | None) -> None: ...

    async def pin(self, path: str | None) -> dict[str, int]:
        return {}

    async def unpin(self, path: str | None) -> None: ...

    async def evict(self, path: str | None) -> int:
        return 0

    def retry_parked(self) -> int:
        return 0

    async def queue(self, action: str, path: str | None, keep: str | None) -> object:
        if action == "list":
            return self.items
        if self.busy:
            raise Busy("a program has it open", hint="close it first")
        self.asked.append((action, path, keep))
        return 2


@pytest.fixture
def daemon(home: Path) -> Iterator[Daemon]:
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
    end = stop.get(timeout=60)
    yield commands
    end()
    thread.join(10)


def queue(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["queue", "work", *words], input=answer)


def test_an_empty_queue(daemon: Daemon) -> None:
    result = queue()
    assert (result.exit_code, result.output) == (0, "Nothing is owed to the service.\n")


def test_the_list_names_the_command_that_helps(daemon: Daemon) -> None:
    daemon.items = [ITEM, HELD]
    output = queue().output
    assert "Work/report.odt" in output
    assert "the room is full" in output
    assert "mountcloud queue work retry Work/report.odt" in output
    assert "mountcloud queue work --allow-deletes" in output
    told = json.loads(queue("--json").output)
    assert [each["path"] for each in told] == ["Work/report.odt", "old"]
    assert told[0]["help"].startswith("mountcloud queue work retry")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("retry", "Work"), ("retry", "Work", None)),
        (("retry", "--all"), ("retry", None, None)),
        (("pause",), ("pause", None, None)),
        (("resume",), ("resume", None, None)),
        (("--allow-deletes",), ("allow_deletes", None, None)),
        (("--discard-deletes",), ("discard_deletes", None, None)),
    ],
)
def test_what_the_daemon_is_asked(
    daemon: Daemon, words: tuple[str, ...], asked: tuple[str, str | None, str | None]
) -> None:
    result = queue(*words)
    assert result.exit_code == 0, result.output
    assert daemon.asked == [asked]


def test_nothing_is_discarded_without_a_yes(daemon: Daemon, tmp_path: Path) -> None:
    daemon.items = [ITEM]
    refused = queue("discard", "Work/report.odt", answer="n\n")
    assert refused.exit_code == 1
    assert "12345 bytes" in refused.output
    assert daemon.asked == []
    assert queue("discard", "Work/report.odt", answer="y\n").exit_code == 0
    assert queue("discard", "Work/report.odt", "--yes").exit_code == 0
    assert queue("discard", "Work/report.odt", "--keep", str(tmp_path)).exit_code == 0
    path = "Work/report.odt"
    assert daemon.asked == [("discard", path, None)] * 2 + [("discard", path, str(tmp_path.resolve()))]


def test_a_refusal_reaches_the_user(daemon: Daemon) -> None:
    daemon.items, daemon.busy = [ITEM], True
    result = queue("discard", "Work/report.odt", "--yes")
    assert result.exit_code == 1
    assert "close it first" in result.output


@pytest.mark.parametrize("words", [("discard",), ("retry",), ("--allow-deletes", "--discard-deletes"), ("burn",)])
def test_wrong_usage(daemon: Daemon, words: tuple[str, ...]) -> None:
    assert queue(*words).exit_code == 2
    assert daemon.asked == []


def test_nothing_to_discard(daemon: Daemon) -> None:
    assert "nothing is owed" in queue("discard", "x", "--yes").output


def test_a_name_that_others_chose_neither_commands_the_terminal_nor_the_shell(daemon: Daemon) -> None:
    daemon.items = [{**ITEM, "path": "a\x1b[2J'; touch gone; '"}]
    shown = queue("list")
    assert "\x1b" not in shown.output
    [line] = [each for each in shown.output.splitlines() if "retry" in each]
    assert shlex.split(line.removesuffix(", or discard"))[:5] == [
        *("mountcloud", "queue", "work", "retry"),
        "a\\x1b[2J'; touch gone; '",
    ]
