"""The demonstration's server: the sandbox as a process of its own that ends with us."""

import fcntl
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from mountcloud.cli.outcome import CommandFailed
from mountcloud.daemon.paths import make_private

_READY = "listening on "
_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 10.0


@contextmanager
def running_server(data: Path, service: str = "dracoon") -> Iterator[str]:
    """The address of a sandbox that keeps its files in ``data``; stopped in the end.

    Raises ``CommandFailed`` with its last words if it does not start.
    """
    make_private(data)
    words = data.parent / "server.log"
    with _alone(data) as lock, words.open("wb") as log, _process(data, log, lock, service) as process:
        try:
            yield _address(process, words)
        finally:
            _stop(process)


def token_file(data: Path) -> Path:
    """Where a server that knows no passwords puts the log-in of its only customer."""
    return data.with_suffix(".token")


@contextmanager
def running_webdav(data: Path) -> Iterator[dict[str, str]]:
    """The options of an account on the first WebDAV server that this machine has, which keeps its files in ``data``.

    Raises ``CommandFailed`` if there is none, or if it does not start.
    """
    from mountcloud.sandbox.webdav.server import CannotStartError, installed, serving

    found = installed()
    if not found:
        raise CommandFailed("no WebDAV server is installed: pip install 'mountcloud[sandbox]' brings one")
    make_private(data)
    click.echo(f"Starting the WebDAV server {found[0]} on this machine ...")
    with _alone(data):
        try:
            with serving(found[0], data) as site:
                yield {"url": site.url}
        except CannotStartError as failure:
            raise CommandFailed(str(failure)) from failure


@contextmanager
def _alone(data: Path) -> Iterator[int]:
    """A lock that the server inherits, so that it is free when both have ended, in whatever order and however."""
    with data.with_suffix(".lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            click.echo("Waiting for the server of another demo to end ...", err=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _process(data: Path, log: IO[bytes], lock: int, service: str) -> subprocess.Popen[str]:
    serve = [sys.executable, "-m", "mountcloud", "sandbox", service, "--listen", "127.0.0.1:0"]
    more = {"dracoon": ["--seed", "demo"], "amazon": ["--token-file", str(token_file(data))]}
    return subprocess.Popen(  # noqa: S603 - our own program with our own arguments
        [*_ending_with_us(), *serve, "--data", str(data), *more.get(service, [])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        pass_fds=(lock,),
        # Ctrl-C in the terminal is for the mount alone, which still needs the server for its last uploads.
        start_new_session=True,
    )


def _ending_with_us() -> list[str]:
    """setpriv(1) asks the kernel to end the server even where we are killed and cannot."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def _address(process: subprocess.Popen[str], words: Path) -> str:
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_drain, args=(process, lines), daemon=True, name="demo-server-output").start()
    try:
        while line := lines.get(timeout=_START_WITHIN_S):
            if line.startswith(_READY):
                return line.removeprefix(_READY).strip()
    except queue.Empty:
        raise CommandFailed(f"the demonstration server is not ready after {_START_WITHIN_S:g} s; see {words}") from None
    last = words.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    raise CommandFailed("the demonstration server did not start: " + (" / ".join(last) or f"see {words}"))


def _drain(process: subprocess.Popen[str], lines: "queue.SimpleQueue[str]") -> None:
    """Pass on what it prints, an empty text at the end; a full pipe would stop the server."""
    if process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put("")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
