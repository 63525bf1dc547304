"""The demonstration's server: the sandbox as a process of its own that ends with us."""

import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mountcloud.cli.outcome import CommandFailed
from mountcloud.daemon.paths import make_private

_READY = "listening on "
_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 10.0


@contextmanager
def running_server(data: Path) -> Iterator[str]:
    """The address of a DRACOON sandbox that keeps its files in ``data``; stopped in the end.

    Raises ``CommandFailed`` with its last words if it does not start.
    """
    make_private(data)
    words = data.parent / "server.log"
    with words.open("wb") as log, _process(data, log) as process:
        try:
            yield _address(process, words)
        finally:
            _stop(process)


def _process(data: Path, log: IO[bytes]) -> subprocess.Popen[str]:
    serve = [sys.executable, "-m", "mountcloud", "sandbox", "dracoon", "--listen", "127.0.0.1:0"]
    return subprocess.Popen(  # noqa: S603 - our own program with our own arguments
        [*_ending_with_us(), *serve, "--data", str(data), "--seed", "demo"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
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
