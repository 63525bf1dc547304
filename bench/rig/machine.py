"""Where a measurement was taken."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def facts(arguments: Sequence[str]) -> dict[str, str]:
    """Machine, kernel, versions, and the command that was given."""
    return {
        "command": "./run bench " + " ".join(arguments),
        "processor": f"{os.cpu_count()} x {_first('/proc/cpuinfo', 'model name')}",
        "memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) >> 20} GiB",
        "load before": " ".join(f"{each:.2f}" for each in os.getloadavg()),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}, pyfuse3 {version('pyfuse3')}, httpx {version('httpx')}",
        "rclone": _answer("rclone", "version"),
        "davfs2": _answer("mount.davfs", "--version"),
        "curl": _answer("curl", "--version"),
        "git": _answer("git", "--version"),
    }


def _first(path: str, name: str) -> str:
    match = re.search(rf"^{name}\s*: *(.+)", Path(path).read_text(), re.MULTILINE)
    return match[1] if match else "0"


def _answer(program: str, word: str) -> str:
    if not shutil.which(program):
        return "missing"
    done = subprocess.run([program, word], capture_output=True, text=True, timeout=30)
    return (done.stdout or done.stderr).partition("\n")[0]
