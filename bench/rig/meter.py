"""What a process costs: processor seconds and the peak of its resident memory, with its children."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
RESET_PEAK = "5"
"""Written to ``clear_refs``: the peak begins anew (proc(5))."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds, and bytes of memory at the worst moment."""

    cpu_s: float = 0.0
    peak: int = 0


class Meter:
    """Counts from its making on."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        for each in family(pid):
            Path(f"/proc/{each}/clear_refs").write_text(RESET_PEAK)
        self._before = sum(map(cpu_seconds, family(pid)))

    def read(self) -> Cost:
        """Since the making. Children that have ended count as their parent's."""
        members = family(self._pid)
        return Cost(sum(map(cpu_seconds, members)) - self._before, sum(map(peak_memory, members)))


def family(pid: int | None) -> list[int]:
    """The process and all below it; nothing for none."""
    if pid is None:
        return []
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            found += [int(word) for word in task.read_text().split()]
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time, of ended children too (proc(5), stat, fields 14 to 17)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, after_name[11:15])) / TICKS_PER_S


def peak_memory(pid: int) -> int:
    """``VmHWM`` in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
