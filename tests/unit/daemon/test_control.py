import json
import logging
import socket
import stat
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from mountcloud.daemon import control
from mountcloud.daemon.control import ControlError, NotRunning, call
from mountcloud.model.errors import NotFound


class Recorder:
    """Commands that remember what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.owed = trio.Event()

    def status(self) -> dict[str, object]:
        return {"state": "ready", "owed": 3}

    async def info(self, path: str | None) -> dict[str, object]:
        self.asked.append(("info", path))
        return {"path": path or "", "kind": "file", "size": 5, "mtime_ns": 0, "state": "cached", "error": ""}

    async def refresh(self, path: str | None) -> None:
        if path == "missing":
            raise NotFound("there is no missing", hint="look again")
        if path == "bug":
            raise ZeroDivisionError
        self.asked.append(("refresh", path))

    async def sync(self, path: str | None) -> None:
        self.asked.append(("sync", path))
        await self.owed.wait()

    async def pin(self, path: str | None) -> dict[str, int]:
        self.asked.append(("pin", path))
        return {"files": 1, "bytes": 2}

    async def unpin(self, path: str | None) -> None:
        self.asked.append(("unpin", path))

    async def evict(self, path: str | None) -> int:
        self.asked.append(("evict", path))
        return 5

    async def share(self, path: str | None, password: str | None) -> dict[str, object]:
        self.asked.append(("share", path))
        return {"url": "https://a.example/1", "protected": bool(password)}

    async def versions(self, path: str | None) -> Sequence[dict[str, object]]:
        self.asked.append(("versions", path))
        return [{"id": "7"}]

    async def restore_version(self, path: str | None, version: str) -> None:
        self.asked.append((f"restore_version {version}", path))

    def retry_parked(self) -> int:
        return 2

    async def queue(self, action: str, path: str | None, keep: str | None) -> object:
        self.asked.append((f"queue {action}", path))
        return [action, path, keep]


Conversation = Callable[[Path, Recorder], Awaitable[None]]


def with_daemon(path: Path, conversation: Conversation) -> None:
    async def main() -> None:
        commands = Recorder()
        with trio.fail_after(100):
            async with trio.open_nursery() as nursery:
                await nursery.start(partial(control.serve, path, commands))
                await conversation(path, commands)
                nursery.cancel_scope.cancel()

    trio.run(main)


async def ask(path: Path, command: str, /, **arguments: object) -> object:
    return await trio.to_thread.run_sync(partial(call, path, command, timeout_s=60, **arguments))


def test_every_command(tmp_path: Path) -> None:
    async def conversation(path: Path, commands: Recorder) -> None:
        assert await ask(path, "status") == {"state": "ready", "owed": 3}
        assert await ask(path, "retry_parked") == 2
        assert await ask(path, "refresh", path="a/b") is None
        assert await ask(path, "refresh") is None
        commands.owed.set()
        assert await ask(path, "sync", path=None) is None
        assert await ask(path, "pin", path="a") == {"files": 1, "bytes": 2}
        assert await ask(path, "unpin", path="a") is None
        assert await ask(path, "evict", path="a") == 5
        assert await ask(path, "share", path="a") == {"url": "https://a.example/1", "protected": False}
        assert await ask(path, "share", path="a", password="p") == {"url": "https://a.example/1", "protected": True}
        assert await ask(path, "versions", path="a") == [{"id": "7"}]
        assert await ask(path, "restore_version", path="a", version="7") is None
        asked: list[tuple[str, str | None]] = [
            ("refresh", "a/b"),
            ("refresh", None),
            ("sync", None),
            ("pin", "a"),
            ("unpin", "a"),
            ("evict", "a"),
        ]
        asked += [("share", "a"), ("share", "a"), ("versions", "a"), ("restore_version 7", "a")]
        assert commands.asked == asked

    with_daemon(tmp_path / "c.sock", conversation)


def test_others_are_answered_while_one_waits(tmp_path: Path) -> None:
    async def conversation(path: Path, commands: Recorder) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, path, "sync")
            assert await ask(path, "status") == {"state": "ready", "owed": 3}
            commands.owed.set()

    with_daemon(tmp_path / "c.sock", conversation)


def test_failures_reach_the_asker_with_their_hint(tmp_path: Path) -> None:
    async def conversation(path: Path, _: Recorder) -> None:
        with pytest.raises(ControlError, match=r"there is no missing \(look again\)") as caught:
            await ask(path, "refresh", path="missing")
        assert (caught.value.kind, caught.value.hint) == ("NotFound", "look again")
        with pytest.raises(ControlError, match="path must be a text"):
            await ask(path, "refresh", path=5)
        with pytest.raises(ControlError, match="no command 'explode'"):
            await ask(path, "explode")

    with_daemon(tmp_path / "c.sock", conversation)


def test_a_bug_in_a_command_is_logged_and_the_daemon_lives(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def conversation(path: Path, _: Recorder) -> None:
        with pytest.raises(ControlError, match="failed inside"):
            await ask(path, "refresh", path="bug")
        assert await ask(path, "retry_parked") == 2

    with_daemon(tmp_path / "c.sock", conversation)
    assert "ZeroDivisionError" in caplog.text


def test_several_requests_on_one_connection_and_bad_ones(tmp_path: Path) -> None:
    requests = [
        {"version": 1, "command": "retry_parked"},
        {"version": 2, "command": "retry_parked"},
        {"version": 1, "command": "status", "arguments": []},
        [],
        {"version": 1, "command": "retry_parked"},
    ]

    async def conversation(path: Path, _: Recorder) -> None:
        lines = [json.dumps(each).encode() for each in requests]
        answers = await exchange(path, b"\n".join([*lines, b"no json", b""]))
        kinds = [answer.get("result", answer.get("error", {}).get("kind")) for answer in answers]
        assert kinds == [2, "Unsupported", "InvalidArgument", "Unsupported", 2, "InvalidArgument"]
        assert {answer["version"] for answer in answers} == {1}

    with_daemon(tmp_path / "c.sock", conversation)


async def exchange(path: Path, data: bytes) -> list[dict[str, Any]]:
    stream = await trio.open_unix_socket(path)
    received = b""
    async with stream:
        await stream.send_all(data)
        await stream.send_eof()
        async for piece in stream:
            received += piece
    return [json.loads(line) for line in received.splitlines()]


def test_an_endless_line_is_cut_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def conversation(path: Path, _: Recorder) -> None:
        stream = await trio.open_unix_socket(path)
        async with stream:
            with pytest.raises(trio.BrokenResourceError):
                await stream.send_all(b"x" * 4_000_000)
        assert await ask(path, "retry_parked") == 2

    with_daemon(tmp_path / "c.sock", conversation)
    assert "more than 65536 bytes" in caplog.text


def test_an_asker_that_leaves_does_no_harm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def conversation(path: Path, commands: Recorder) -> None:
        stream = await trio.open_unix_socket(path)
        await stream.send_all(b'{"version": 1, "command": "sync"}\n')
        while not commands.asked:
            await trio.lowlevel.checkpoint()
        await stream.aclose()
        commands.owed.set()
        while "left before its answer" not in caplog.text:
            await trio.lowlevel.checkpoint()
        assert await ask(path, "retry_parked") == 2

    with_daemon(tmp_path / "c.sock", conversation)


def test_the_socket_is_private_and_vanishes(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"

    async def conversation(path: Path, _: Recorder) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    with_daemon(path, conversation)
    assert not path.exists()


def test_a_socket_of_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NotRunning, match="mountcloud mount"):
        call(path, "status")

    async def conversation(path: Path, _: Recorder) -> None:
        assert await ask(path, "retry_parked") == 2

    with_daemon(path, conversation)


def test_no_daemon(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="no daemon runs"):
        call(tmp_path / "c.sock", "status")
    with pytest.raises(NotRunning, match="no daemon runs"):
        call(tmp_path / "no" / "directory" / "c.sock", "status")


def test_a_path_longer_than_the_kernel_takes(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)

    async def conversation(path: Path, _: Recorder) -> None:
        assert await ask(path, "retry_parked") == 2

    with_daemon(deep / "control.sock", conversation)


def test_a_daemon_that_hangs_or_ends(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(ControlError, match="gave no answer"):
            call(path, "status", timeout_s=0.1)
        listener.accept()[0].close()

        async def ended() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.to_thread.run_sync, lambda: _hang_up(listener))
                with pytest.raises(ControlError, match="before it answered"):
                    await ask(path, "status")

        trio.run(ended)


def _hang_up(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.recv(1000)
    connection.close()
