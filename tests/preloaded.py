"""``mountcloud`` in processes that are forked from one that has imported everything already.

Tests start hundreds of daemons and servers, and importing is most of what a start costs. What runs is the same: the
command's own entry, with its own arguments, environment, directory and user. Commands that end by themselves are
started as usual. As a script (the names of packages are its arguments) this is the process that forks.
"""

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from tests.mount.launcher import LATE, OTHERS, become, import_everything

CHECKOUT = Path(__file__).parents[1]
DAEMON = ("encodings", "mountcloud", *LATE)
SERVER = (
    *("encodings", "mountcloud.cli", "mountcloud.sandbox", "anyio._backends._asyncio", "uvicorn.lifespan.on"),
    *("uvicorn.loops.asyncio", "uvicorn.protocols.http.h11_impl", "uvicorn.protocols.websockets.wsproto_impl"),
)
_MOST = 1 << 17


class Forked:
    """A running ``mountcloud``, to be used as ``subprocess.Popen``. Its parent tells how it ended."""

    def __init__(self, pid: int, ended: BinaryIO, stdout: TextIO | None) -> None:
        self.pid = pid
        self.stdout = stdout
        self._ended = ended
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code (the negative number of a signal), None while it runs."""
        if self._code is None and select.select([self._ended], [], [], 0)[0]:
            with self._ended:
                told = self._ended.readline()
            assert told, f"nobody knows how process {self.pid} ended"
            self._code = os.waitstatus_to_exitcode(int(told))
        return self._code

    def wait(self, timeout: float) -> int:
        """The exit code. Raises ``subprocess.TimeoutExpired``."""
        if self._code is None and not select.select([self._ended], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        """Nothing happens to a process that ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Preloaded:
    """The process that forks, started when it is first needed; it ends with this one."""

    def __init__(self, *packages: str) -> None:
        self._packages = packages
        self._line: socket.socket | None = None

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        output: int,
        errors: int,
        *,
        user: tuple[int, int] | None = None,
    ) -> Forked:
        """``mountcloud WORD...`` in ``/``, without input, and with these descriptors for what it says."""
        line = self._line = self._line or self._begun()
        reading, writing = os.pipe()
        ended = os.fdopen(reading, "rb", buffering=0)
        try:
            wanted = json.dumps({"words": list(words), "environment": dict(environment), "user": user}).encode()
            assert len(wanted) < _MOST
            socket.send_fds(line, [wanted], [output, errors, writing])
        finally:
            os.close(writing)
        pid = ended.readline()
        assert pid, "the process that forks has ended"
        return Forked(int(pid), ended, None)

    def with_output(self, words: Sequence[str], environment: Mapping[str, str], errors: int) -> Forked:
        """The same; what it prints is read from ``stdout``."""
        reading, writing = os.pipe()
        try:
            forked = self.start(words, environment, writing, errors)
        finally:
            os.close(writing)
        forked.stdout = os.fdopen(reading)
        return forked

    def _begun(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {
            **os.environ,
            "LC_ALL": "C.UTF-8",
            "PYTHONFAULTHANDLER": "1",
            "PYTHONPATH": str(CHECKOUT),
        }
        with theirs:
            command = [sys.executable, "-m", "tests.preloaded", str(theirs.fileno()), *self._packages]
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], cwd="/"
            )
        atexit.register(_end, ours, process)
        return ours


def _end(line: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    """Other processes of the tests may have the line too, so that closing it would not be noticed."""
    with line, suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


daemons = Preloaded(*DAEMON)
servers = Preloaded(*SERVER)


def _preload(packages: Sequence[str]) -> None:
    for each in packages:
        module = importlib.import_module(each)
        if hasattr(module, "__path__"):
            import_everything(each, OTHERS if each == "mountcloud" else ())
    gc.collect()
    gc.freeze()  # what all have in common stays in common


def _forked(line: socket.socket) -> Sequence[str]:
    """Returns in each forked process, with its words; ends in the one that forks, when nobody wants any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who run the tests and for what they started
    while True:
        message, descriptors, _, _ = socket.recv_fds(line, _MOST, 3)
        if not message:
            sys.exit()
        if not os.fork():
            line.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            return _kept(json.loads(message), *descriptors)
        for each in descriptors:
            os.close(each)


def _kept(wanted: dict[str, object], output: int, errors: int, ended: int) -> Sequence[str]:
    """Fork once more: the parent stays, to tell how its child ended."""
    pid = os.fork()
    if pid:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.write(ended, b"%d\n" % pid)
        for each in (0, 1, 2, output, errors):
            os.close(each)
        os.write(ended, b"%d\n" % os.waitpid(pid, 0)[1])
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, each in enumerate((nothing, output, errors)):
        os.dup2(each, number)
    for each in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if each > 2:
            with suppress(OSError):  # that of the list is closed already
                os.close(each)
    environment, user, words = wanted["environment"], wanted["user"], wanted["words"]
    assert isinstance(environment, dict)
    assert isinstance(words, list)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    if isinstance(user, list):
        become(*user)
    return words


if __name__ == "__main__":
    _preload(sys.argv[2:])
    with socket.socket(fileno=int(sys.argv[1])) as _line:
        sys.argv = ["mountcloud", *_forked(_line)]
    from mountcloud.cli.main import main

    main()
