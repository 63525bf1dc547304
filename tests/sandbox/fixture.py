"""The sandbox as a process, for tests of any folder."""

import os
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import pytest

from tests.preloaded import Forked, servers
from tests.sandbox.control import Control
from tests.sandbox.surface import Surface

_START_WITHIN_S = 60
_STOP_WITHIN_S = 60


@dataclass
class ServerProcess:
    """A server process; ``stop`` ends it, ``kill`` does so without warning. Its data stay."""

    base_url: str
    data_dir: Path
    process: Forked

    def stop(self) -> int:
        """The exit code after SIGTERM; idempotent."""
        if self.process.poll() is None:
            self.process.terminate()
        return self._wait()

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self._wait()

    def _wait(self) -> int:
        try:
            return self.process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(_STOP_WITHIN_S)
            raise
        finally:
            if self.process.stdout:
                self.process.stdout.close()


C = TypeVar("C", bound=Surface)


@dataclass
class ControlledProcess(ServerProcess, Generic[C]):
    """With its control surface."""

    surface: Callable[[str], C]
    control: C = field(init=False)

    def __post_init__(self) -> None:
        self.control = self.surface(self.base_url)

    def stop(self) -> int:
        self.control.close()
        return super().stop()

    def kill(self) -> None:
        self.control.close()
        super().kill()


RunningSandbox = ControlledProcess[Control]


def start_sandbox(
    data_dir: Path,
    *,
    seed: str = "none",
    port: int = 0,
    static_port: int = 0,
    control: bool = True,
    password_file: Path | None = None,
) -> RunningSandbox:
    """A server on 127.0.0.1 with its control surface; its log is ``server.log`` beside ``data_dir``."""
    options = ["--static-port", str(static_port), "--seed", seed, *["--control"] * control]
    if password_file is not None:
        options += ["--password-file", str(password_file)]
    return RunningSandbox(*launched("dracoon", data_dir, *options, port=port), Control)


def launched(service: str, data_dir: Path, *options: str, port: int = 0) -> tuple[str, Path, Forked]:
    """A sandbox that answers: its address, its data, its process."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    words = ["sandbox", service, "--listen", f"127.0.0.1:{port}", "--data", str(data_dir), *options]
    log_path = data_dir.with_suffix(".log")
    with log_path.open("w") as log:
        process = servers.with_output(words, os.environ, log.fileno())
    line = _first_line(process)
    if not line.startswith("listening on "):
        process.kill()
        process.wait(_STOP_WITHIN_S)
        raise RuntimeError(f"the sandbox did not start: {log_path.read_text()}")
    return line.removeprefix("listening on ").strip(), data_dir, process


def _first_line(process: Forked) -> str:
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert process.stdout is not None
    threading.Thread(target=lambda stream: lines.put(stream.readline()), args=(process.stdout,), daemon=True).start()
    try:
        return lines.get(timeout=_START_WITHIN_S)
    except queue.Empty:
        return ""


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One server for the whole run; tests make accounts and rooms of their own in it."""
    running = start_sandbox(tmp_path_factory.mktemp("sandbox") / "data")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def calm_sandbox(sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """The same server without faults and counts; switches that the test sets are put back."""
    with sandbox.control.undisturbed():
        yield sandbox
