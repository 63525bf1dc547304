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
    """A server of our own with one command at a time; all that is ever written to the terminal is kept."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.environment = {**environment, "TERM": "screen", "SHELL": "/bin/sh"}
        self._tmux = ["tmux", "-S", str(home / "tmux"), "-f", "/dev/null"]
        self._record = home / "terminal"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, timeout=60)

    def start(self, *words: str) -> None:
        """Run ``mountcloud`` with these words on an empty screen."""
        variables = (f"{name}={value}" for name, value in self.environment.items())
        command = ["env", "-i", *variables, sys.executable, "-m", "mountcloud", *words]
        # The command begins after the recording, so that nothing is missing in it.
        waiting = ["sh", "-c", 'read -r _; clear; exec "$@"', "sh", *command]
        subprocess.run([*self._tmux, "kill-session"], capture_output=True, timeout=60)
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

    def _screen(self) -> str:
        done = subprocess.run([*self._tmux, "capture-pane", "-p", "-J"], capture_output=True, text=True, timeout=60)
        return done.stdout

    def _run(self, *words: str) -> None:
        subprocess.run([*self._tmux, *words], check=True, timeout=60)
