from typing import Any

import pytest

from mountcloud.model.operation import Operation, Slot
from mountcloud.policy.ordering import next_due, ready, stuck
from tests.unit.policy.operations import (
    DIR,
    PARKED,
    R1,
    ROOT,
    SENDING,
    TRIED,
    A,
    B,
    C,
    D,
    R,
    S,
    X,
    Y,
    dated,
    mkdir,
    move,
    removal,
    upload,
)


def startable(*operations: Operation, now: float = 0.0, limit: int = 99, held: Any = None) -> list[int]:
    return [each.id for each in ready(operations, now, limit, held or (lambda _: False))]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (upload(1, X), dated(2, X)),
        (upload(1, X, A), upload(2, Y, A)),
        (removal(1, R, A), upload(2, X, A)),
        (removal(1, R, Slot(ROOT, "FILE")), upload(2, X, Slot(ROOT, "file"))),
        (removal(1, R, Slot(ROOT, "e\u0301")), upload(2, X, Slot(ROOT, "\u00e9"))),
        (move(1, R, A, B), upload(2, X, A)),
        (move(1, R, A, B), removal(2, S, B)),
        (move(1, R, A, B), move(2, S, C, A)),
        (upload(1, R, B), upload(2, X, A, replaces=R1)),
        (upload(1, X, A, replaces=R1), dated(2, R)),
        (mkdir(1, D), upload(2, X, Slot(D, "f"))),
        (move(1, DIR, A, B), upload(2, X, Slot(DIR, "f"))),
        (removal(1, R, Slot(DIR, "f")), removal(2, DIR, A)),
        (move(1, R, Slot(DIR, "f"), A), removal(2, DIR, B)),
        (upload(1, X, Slot(DIR, "f")), removal(2, DIR, B)),
        (move(1, R, A, B, is_directory=True), move(2, S, C, Slot(DIR, "x"), is_directory=True)),
    ],
)
def test_the_second_waits_for_the_first(first: Operation, second: Operation) -> None:
    assert startable(first, second) == [1]
    assert startable(second) == [2] or second.target is not None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (upload(1, X, A), upload(2, Y, B)),
        (removal(1, R, A), removal(2, S, B)),
        (mkdir(1, D, A), upload(2, X, B)),
        (move(1, R, A, B), move(2, S, C, Slot(DIR, "a"))),
        (upload(1, X, Slot(DIR, "f")), dated(2, DIR)),
    ],
)
def test_the_second_need_not_wait(first: Operation, second: Operation) -> None:
    assert startable(first, second) == [1, 2]


def test_a_directory_is_waited_for_wherever_its_creation_stands() -> None:
    assert startable(upload(1, X, Slot(D, "f")), mkdir(2, D)) == [2]


@pytest.mark.parametrize(("fields", "runs"), [({}, True), (TRIED, True), (SENDING, False), (PARKED, False)])
def test_only_what_is_queued_or_waiting_starts(fields: dict[str, Any], runs: bool) -> None:
    assert startable(upload(1, X, **fields)) == ([1] if runs else [])
    assert startable(upload(1, X, **fields), dated(2, X)) == ([1] if runs else [])


def test_time_limit_and_held() -> None:
    later = upload(1, X, A, not_before=5.0)
    assert startable(later, now=4.9) == []
    assert startable(later, now=5.0) == [1]
    assert startable(upload(1, X, A), upload(2, Y, B), dated(3, R), limit=2) == [1, 2]
    assert startable(upload(1, X, A), upload(2, Y, B), held=lambda each: each.id == 1) == [2]
    assert startable(upload(1, X, A), dated(2, X), held=lambda each: each.id == 1) == []


def test_the_next_due_time_counts_what_may_run_only() -> None:
    operations = [
        upload(1, X, not_before=9.0),
        upload(2, Y, not_before=7.0, **TRIED),
        dated(3, R, not_before=5.0, **PARKED),
        dated(4, S, not_before=1.0),
    ]
    assert next_due(operations, 2.0) == 7.0
    assert next_due(operations, 9.0) is None
    assert next_due([], 0.0) is None


def test_what_waits_for_something_parked_is_stuck_and_nothing_else() -> None:
    parked = mkdir(4, D, A, **PARKED)
    operations = [
        upload(1, X, Slot(D, "f")),
        dated(2, X),
        upload(3, Y, B),
        parked,
        removal(5, R, A),
        upload(6, S, C, **SENDING),
    ]
    assert stuck(operations) == {1, 2, 4, 5}
    assert stuck(operations[:3]) == set()


def test_what_is_due_at_a_time_that_only_a_wrong_clock_can_have_told_is_due_now() -> None:
    far, soon = upload(1, X, A, not_before=5 * 3600.0), upload(2, Y, B, not_before=3 * 3600.0)
    assert startable(far, soon) == [1]
    assert next_due([far, soon], 0.0) == 3 * 3600.0
