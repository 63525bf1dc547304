"""How a task stands, and when to ask again (SmartFile facts, 8). Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

FIRST_S, LONGEST_S, GIVE_UP_S = 0.192, 6.144, 393.0
"""When the published client asks for the first time, its longest pause, and when it gives up."""


class Stand(Enum):
    """How far a task is."""

    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Report:
    """``errors`` has a reason for each path that was left alone, ``result`` what the task found out."""

    stand: Stand
    errors: Mapping[str, str] = field(default_factory=dict)
    result: Mapping[str, object] = field(default_factory=dict)
    detail: str = ""


def report_of(answer: object) -> Report:
    """What a poll says. What is not understood is a task under way: it was begun, and its end will be told."""
    outer = answer if isinstance(answer, dict) else {}
    found = outer.get("result")
    inner: Mapping[str, object] = found if isinstance(found, dict) else {}
    status = inner.get("status") or outer.get("status")
    told = inner.get("result")
    result: Mapping[str, object] = told if isinstance(told, dict) else {}
    errors = result.get("errors")
    texts = {str(path): str(text) for path, text in errors.items()} if isinstance(errors, dict) else {}
    stand = {"SUCCESS": Stand.DONE, "FAILURE": Stand.FAILED}.get(str(status), Stand.UNDER_WAY)
    return Report(stand, texts, result, str(result.get("detail") or ""))


def pauses() -> Iterator[float]:
    """Seconds before each poll, until it is given up."""
    pause, waited = FIRST_S, 0.0
    while waited + pause <= GIVE_UP_S:
        yield pause
        waited += pause
        pause = min(2 * pause, LONGEST_S)
