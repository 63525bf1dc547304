"""A company's tree in the index: the mount is there as fast as with a small one, walks quickly and stays small."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.large_index import Large
from tests.mount.session import Account, Mount
from tests.mount.shared import new_home

pytestmark = pytest.mark.mount

NOBODY = Account("http://127.0.0.1:9", 1, "user", "a password", "another password")
"""No service listens there: everything comes from the index."""
SIZES = [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)]
MEMORY_MIB = 150
WALKED = 100_000
WALK_S = 30.0
"""Ten seconds are the aim on a machine that does nothing else."""


@contextmanager
def offline(nodes: int) -> Iterator[tuple[Mount, float]]:
    """A mount without a service, and the seconds of work until it was ready: other work of the machine says nothing."""
    with new_home(None) as home:
        mount = Mount(home, NOBODY)
        Large(nodes).fill(mount.paths.index)
        try:
            mount.start()
            yield mount, worked_s(mount.pid)
        finally:
            mount.destroy()


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk through a tree came to."""

    seen: int
    seconds: float


def walk(top: Path, most: int) -> Walk:
    """As ``find`` does: every name, and ``lstat`` of each."""
    start, seen, pending = time.perf_counter(), 0, [top]
    while pending and seen < most:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                seen += 1
                entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))
    return Walk(seen, time.perf_counter() - start)


def worked_s(pid: int) -> float:
    """Seconds that the process kept a processor busy; proc_pid_stat(5), fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """The most that the process ever held in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.parametrize("nodes", SIZES)
def test_a_large_tree_is_there_at_once_and_costs_little(nodes: int) -> None:
    with offline(1000) as (_, small_s):
        pass
    with offline(nodes) as (mount, ready_s), Caller(None, limit_s=120) as caller:
        walked = caller(walk, mount.mountpoint, WALKED)
        memory = resident_mib(mount.pid)
        told = f"{nodes} nodes: ready in {ready_s:.2f} s (small: {small_s:.2f}), {walked}, {memory:.0f} MiB"
        assert ready_s < 2 * small_s + 0.5, told
        assert walked.seen >= min(nodes, WALKED) - 100, told
        assert walked.seconds < WALK_S, told
        assert memory < MEMORY_MIB, told
