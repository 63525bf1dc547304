"""The daemon's control socket: one JSON object a line each way, for the command line and for scripts.

Request: ``{"version": 1, "command": "refresh", "arguments": {"path": "Projects"}}``.
Answer: ``{"version": 1, "result": ...}`` or ``{"version": 1, "error": {"kind", "message", "hint"}}``.
"""

import json
import logging
import os
import socket
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Protocol

import trio

from mountcloud.model.errors import Failure, InvalidArgument, Unsupported

log = logging.getLogger(__name__)

VERSION = 1
_LINE_LIMIT = 64 * 1024


class Commands(Protocol):
    """What the daemon does when asked. Paths are below the mount point, without a leading slash; None is everything.

    All raise ``model/errors.py`` failures, which reach the asker.
    """

    def status(self) -> dict[str, object]:
        """How things are, as JSON values.

        Known to the command line: ``state`` ("starting", "ready", "stopping"), ``mountpoint``, ``online`` (bool),
        ``owed`` and ``parked`` (operations), ``message`` (what the user should know); more may follow.
        """

    async def info(self, path: str | None) -> dict[str, object]:
        """How the file or directory at the path is: the texts of its attributes, ``size`` and ``mtime_ns``."""

    async def refresh(self, path: str | None) -> None:
        """Ask the service now what is there."""

    async def sync(self, path: str | None) -> None:
        """Return when nothing is owed to the service (below the path)."""

    async def pin(self, path: str | None) -> dict[str, int]:
        """Keep it on this machine, with all that is below it; tells how many ``files`` and ``bytes`` that is now."""

    async def unpin(self, path: str | None) -> None:
        """Keep it no longer than other files."""

    async def evict(self, path: str | None) -> int:
        """Give back what is cached of it; tells how many bytes."""

    async def share(self, path: str | None, password: str | None) -> dict[str, object]:
        """Make a download link: what ``model/offers.Link`` tells of it. Raises ``Busy``, ``Unsupported``, ..."""

    async def versions(self, path: str | None) -> Sequence[dict[str, object]]:
        """The contents that a file has and had, the newest first, as ``model/offers.PastVersion``. Likewise."""

    async def restore_version(self, path: str | None, version: str) -> None:
        """Make an older content of the file the present one. Likewise."""

    def retry_parked(self) -> int:
        """Try again what was given up; tells how many operations."""

    async def queue(self, action: str, path: str | None, keep: str | None) -> object:
        """``list``, ``retry``, ``discard`` (with ``keep``, a directory for its content), ``pause``, ``resume``,
        ``allow_deletes``, ``discard_deletes``: a list of objects, a count, or None. Raises ``Unsupported``.
        """


class ControlError(Exception):
    """The daemon could not be asked, or refused; then ``kind`` names the failure of ``model/errors.py``."""

    def __init__(self, message: str, *, hint: str = "", kind: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.hint = hint
        self.kind = kind


class NotRunning(ControlError):
    """No daemon listens on the socket."""


async def serve(
    path: Path, commands: Commands, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Answer on a socket at ``path`` (mode 0600) until cancelled; its directory must be private to this user.

    A socket left behind by a killed daemon is replaced: the caller holds the lock of the account.
    """
    listener = _listen(path)
    try:
        async with trio.open_nursery() as connections:
            task_status.started()
            while True:
                accepted, _ = await listener.accept()
                connections.start_soon(_converse, trio.SocketStream(accepted), commands)
    finally:
        _end(listener, path)


def call(path: Path, command: str, /, *, timeout_s: float | None = None, **arguments: object) -> object:
    """Ask the daemon and return its answer; blocks, for ever without ``timeout_s``.

    Raises ``NotRunning`` if there is no daemon, ``ControlError`` if it refuses or answers nonsense.
    """
    request = json.dumps({"version": VERSION, "command": command, "arguments": arguments})
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            with _short_name(path) as name:
                connection.connect(name)
            connection.sendall(request.encode() + b"\n")
            answer = connection.makefile("rb").readline()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            hint = f"start it with: mountcloud mount {path.parent.name}"
            raise NotRunning("no daemon runs for this account", hint=hint) from error
        except OSError as error:
            raise ControlError(f"the daemon gave no answer: {error}") from error
    return _result(answer)


def _result(answer: bytes) -> object:
    try:
        reply = json.loads(answer)
    except ValueError as error:
        raise ControlError("the daemon ended before it answered") from error
    if "error" not in reply:
        return reply["result"]
    refusal = reply["error"]
    raise ControlError(refusal["message"], hint=refusal["hint"], kind=refusal["kind"])


def _listen(path: Path) -> trio.socket.SocketType:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short_name(path) as name:
            listener.bind(name)
        # Nobody can connect before listen(), so there is no moment at which others could.
        path.chmod(0o600)
        listener.listen()
        return trio.socket.from_stdlib_socket(listener)
    except BaseException:
        listener.close()
        raise


def _end(listener: trio.socket.SocketType, path: Path) -> None:
    listener.close()
    path.unlink(missing_ok=True)


@contextmanager
def _short_name(path: Path) -> Iterator[str]:
    """A name for the socket that fits into the 108 bytes of sun_path, however long the path is (unix(7))."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


async def _converse(stream: trio.SocketStream, commands: Commands) -> None:
    async with stream:
        try:
            async with aclosing(_lines(stream)) as lines:
                async for line in lines:
                    answer = await _answer(line, commands)
                    await stream.send_all(json.dumps({"version": VERSION, **answer}).encode() + b"\n")
        except trio.BrokenResourceError:
            log.debug("a control client left before its answer")


async def _lines(stream: trio.SocketStream) -> AsyncGenerator[bytes, None]:
    pending = b""
    while len(pending) <= _LINE_LIMIT:
        received = await stream.receive_some()
        if not received:
            return
        *complete, pending = (pending + received).split(b"\n")
        for line in complete:
            yield line
    log.warning("a control client sent a line of more than %d bytes", _LINE_LIMIT)


async def _answer(line: bytes, commands: Commands) -> dict[str, object]:
    try:
        return {"result": await _perform(line, commands)}
    except Failure as failure:
        return {"error": {"kind": type(failure).__name__, "message": failure.message, "hint": failure.hint}}
    except Exception:
        # One broken command must not end the daemon, which guards the user's files.
        log.exception("a control command failed")
        return {"error": {"kind": "", "message": "the daemon failed inside", "hint": "its log tells more"}}


async def _perform(line: bytes, commands: Commands) -> object:
    command, arguments = _request(line)
    path = _text(arguments, "path")
    match command:
        case "status":
            return commands.status()
        case "info":
            return await commands.info(path)
        case "refresh":
            await commands.refresh(path)
        case "sync":
            await commands.sync(path)
        case "pin":
            return await commands.pin(path)
        case "unpin":
            await commands.unpin(path)
        case "evict":
            return await commands.evict(path)
        case "retry_parked":
            return commands.retry_parked()
        case "queue":
            return await commands.queue(_text(arguments, "action") or "", path, _text(arguments, "keep"))
        case _:
            return await _offer(command, path, arguments, commands)
    return None


async def _offer(command: object, path: str | None, arguments: Mapping[str, object], commands: Commands) -> object:
    """Commands that are about what a service offers besides files."""
    match command:
        case "share":
            return await commands.share(path, _text(arguments, "password"))
        case "versions":
            return await commands.versions(path)
        case "restore_version":
            await commands.restore_version(path, _text(arguments, "version") or "")
        case _:
            raise Unsupported(f"the daemon knows no command {command!r}", hint="is it of another version?")
    return None


def _text(arguments: Mapping[str, object], name: str) -> str | None:
    value = arguments.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidArgument(f"{name} must be a text")


def _request(line: bytes) -> tuple[object, Mapping[str, object]]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise InvalidArgument("the request is not JSON") from error
    if not isinstance(request, dict) or request.get("version") != VERSION:
        raise Unsupported(f"the daemon speaks version {VERSION} of the control protocol", hint="restart the daemon")
    arguments = request.get("arguments", {})
    if not isinstance(arguments, dict):
        raise InvalidArgument("arguments must be an object")
    return request.get("command"), arguments
