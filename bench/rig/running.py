"""Programs are run in processes of their own, with a limit: a mount that hangs must not hang the measurement."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LIMIT_S = 240.0
ROOT = Path(__file__).parents[2]


def run(*words: str | Path, cwd: Path | None = None) -> None:
    """Run a program to its end; its output is of no interest. Raises ``RuntimeError`` if it fails."""
    together([words], cwd)


def together(commands: Sequence[Sequence[str | Path]], cwd: Path | None = None) -> None:
    """Run programs at the same time. Raises ``RuntimeError`` with the words of one that fails."""
    started = [
        subprocess.Popen(
            list(map(str, words)), cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for words in commands
    ]
    for process in started:
        try:
            _, errors = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        if process.returncode:
            raise RuntimeError(f"{process.args!r}: {errors.decode(errors='replace')[-500:]}")


def program(name: str, *words: str | Path | int) -> float:
    """Run one of ``bench/rig/programs.py``; the seconds that it says it took."""
    command = [sys.executable, "-m", "bench.rig.programs", name, *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-500:]}")
    return float(done.stdout)


def read_whole(file: Path) -> Sequence[str]:
    """The command that reads a file from its begin to its end."""
    return ["dd", f"if={file}", "of=/dev/null", "bs=1M", "status=none"]
