"""From samples to medians, ratios and text. Pure."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: ``amount`` of ``unit`` in ``seconds``, and what it cost peer and server.

    ``group`` says which peers are compared with each other; the first one is what the others are
    measured by.
    """

    case: str
    rtt_ms: float
    group: str
    peer: str
    seconds: float
    amount: float
    unit: str
    requests: int = 0
    sent: int = 0
    got: int = 0
    cpu_s: float = 0.0
    peak: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """The median of a peer's samples. ``ratio``: how many times as long as the first of its group it took."""

    case: str
    rtt_ms: float
    group: str
    peer: str
    ratio: float
    samples: int
    seconds: float
    rate: float
    unit: str
    requests: float
    sent_mib: float
    got_mib: float
    cpu_s: float
    cpu_s_per_gib: float
    peak_mib: float


def rows(samples: Iterable[Sample]) -> list[Row]:
    """One row for each case, round trip and peer, in the order in which they first came."""
    taken: dict[tuple[str, float, str, str], list[Sample]] = {}
    for sample in samples:
        taken.setdefault((sample.case, sample.rtt_ms, sample.group, sample.peer), []).append(sample)
    first: dict[tuple[str, float, str], float] = {}
    found = []
    for (case, rtt_ms, group, _), each in taken.items():
        reference = first.setdefault((case, rtt_ms, group), _median(sample.seconds for sample in each))
        found.append(_row(each, reference))
    return sorted(found, key=_order([(row.case, row.rtt_ms, row.group) for row in found]))


def _order(keys: Sequence[tuple[str, float, str]]) -> "_Order":
    return _Order({key: number for number, key in reversed(list(enumerate(keys)))})


class _Order:
    """Rows of one comparison stand together."""

    def __init__(self, places: dict[tuple[str, float, str], int]) -> None:
        self._places = places

    def __call__(self, row: Row) -> int:
        return self._places[row.case, row.rtt_ms, row.group]


def _row(samples: Sequence[Sample], reference: float) -> Row:
    one, seconds = samples[0], _median(sample.seconds for sample in samples)
    cpu, moved = _median(sample.cpu_s for sample in samples), one.amount / 1024 if one.unit == "MiB" else 0
    return Row(
        case=one.case,
        rtt_ms=one.rtt_ms,
        group=one.group,
        peer=one.peer,
        ratio=seconds / reference if reference else 0.0,
        samples=len(samples),
        seconds=seconds,
        rate=one.amount / seconds if seconds else 0.0,
        unit=one.unit,
        requests=_median(sample.requests for sample in samples),
        sent_mib=_median(sample.sent for sample in samples) / MIB,
        got_mib=_median(sample.got for sample in samples) / MIB,
        cpu_s=cpu,
        cpu_s_per_gib=cpu / moved if moved else 0.0,
        peak_mib=max(sample.peak for sample in samples) / MIB,
    )


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


HEADINGS = ("ratio", "seconds", "rate", "requests", "sent MiB", "got MiB", "CPU s", "CPU s/GiB", "peak MiB")


def text(found: Iterable[Row]) -> str:
    """A table for people: one block for each comparison, its first line is what the others are measured by."""
    lines: list[str] = []
    block: tuple[str, float, str] | None = None
    for row in found:
        if (row.case, row.rtt_ms, row.group) != block:
            block = (row.case, row.rtt_ms, row.group)
            title = f"{row.case}, {row.group}, {row.rtt_ms:g} ms"
            lines += ["", f"{title:<52}" + "".join(f"{heading:>12}" for heading in HEADINGS)]
        lines.append(f"  {row.peer:<50}" + "".join(f"{cell:>12}" for cell in _cells(row)))
    return "\n".join(lines[1:])


def _cells(row: Row) -> Sequence[str]:
    return (
        f"{row.ratio:.2f}",
        f"{row.seconds:.3f}",
        f"{row.rate:.0f} {row.unit}/s",
        f"{row.requests:.0f}",
        f"{row.sent_mib:.1f}",
        f"{row.got_mib:.1f}",
        f"{row.cpu_s:.2f}",
        f"{row.cpu_s_per_gib:.2f}" if row.cpu_s_per_gib else "",
        f"{row.peak_mib:.0f}" if row.peak_mib else "",
    )


def as_json(found: Iterable[Row]) -> list[dict[str, object]]:
    """The rows for programs."""
    return [asdict(row) for row in found]
