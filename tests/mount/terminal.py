"""A person at a terminal: commands of mountcloud in tmux, what the screen shows, and what is typed."""

import re
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

WITHIN_S = 60


class Terminal:
    """Servers of our own, one for each command; all that is ever written to the terminal is kept."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.environment = {**environment, "TERM": "screen", "SHELL": "/bin/sh"}
        self._home = home
        self._servers = 0
        self._record = home / "terminal"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def start(self, *words: str) -> None:
        """Run ``mountcloud`` with these words on an empty screen."""
        variables = (f"{name}={value}" for name, value in self.environment.items())
        command = ["env", "-i", *variables, sys.executable, "-m", "mountcloud", *words]
        # The command begins after the recording, so that nothing is missing in it.
        waiting = ["sh", "-c", 'read -r _; clear; exec "$@"', "sh", *command]
        self._end()
        # Whoever comes while the last session of a server ends is sent away, so each has a server of its own.
        self._servers += 1
        self._run("new-session", "-d", "-x", "300", "-y", "50", *waiting, ";", "set", "remain-on-exit", "on")
        self._run("pipe-pane", f"cat >>'{self._record}'")
        self._run("send-keys", "Enter")

    def wait(self, wanted: str) -> re.Match[str]:
        """Until the screen shows something like it."""
        deadline = time.monotonic() + WITHIN_S
        while not (found := re.search(wanted, seen := self._screen(), re.DOTALL)):
            assert time.monotonic() < deadline, f"{wanted!r} never came:\n{seen}"
            time.sleep(0.1)
        return found

    def answer(self, question: str, text: str) -> None:
        """Wait for the question as the last line of the screen, and type."""
        self.wait(rf"{question}[^\n]*\s*\Z")
        self._run("send-keys", "-l", text)
        self._run("send-keys", "Enter")

    def written(self) -> str:
        """All that was ever written to the terminal."""
        return self._record.read_text(errors="replace")

    @property
    def _tmux(self) -> list[str]:
        return ["tmux", "-S", str(self._home / f"tmux{self._servers}"), "-f", "/dev/null"]

    def _end(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, timeout=60)

    def _screen(self) -> str:
        done = subprocess.run([*self._tmux, "capture-pane", "-p", "-J"], capture_output=True, text=True, timeout=60)
        return done.stdout

    def _run(self, *words: str) -> None:
        subprocess.run([*self._tmux, *words], check=True, timeout=60)
