"""Large uploads and small operations beside each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.model.ids import NodeId, OperationId
from mountcloud.model.operation import Operation, OperationKind
from mountcloud.policy.lanes import LARGE, QUICK, Lanes, is_large

SMALL = Operation(OperationId(1), OperationKind.UPLOAD, NodeId("s"), size=LARGE - 1)
QUICK_ONE = Operation(OperationId(3), OperationKind.UPLOAD, NodeId("q"), size=QUICK)
BIG = Operation(OperationId(2), OperationKind.UPLOAD, NodeId("b"), size=LARGE)


@pytest.mark.parametrize(
    ("parallel", "small", "big", "small_goes", "big_goes"),
    [
        (4, 0, 0, True, True),
        (4, 3, 0, True, True),
        (4, 4, 0, False, False),
        (4, 0, 2, True, True),
        (4, 0, 3, True, False),
        (4, 1, 3, False, False),
        (2, 0, 1, True, False),
        (1, 0, 0, True, True),
        (1, 0, 1, True, False),
        (1, 1, 1, False, False),
        (1, 1, 0, False, False),
    ],
)
def test_who_may_go(parallel: int, small: int, big: int, small_goes: bool, big_goes: bool) -> None:
    running = [SMALL] * small + [BIG] * big
    assert Lanes(parallel, parallel).admits(SMALL, running) == small_goes
    assert Lanes(parallel, parallel).admits(BIG, running) == big_goes


def test_only_uploads_are_large() -> None:
    assert not is_large(Operation(OperationId(1), OperationKind.MOVE, NodeId("s"), size=LARGE))


@given(st.integers(1, 8), st.lists(st.sampled_from([SMALL, BIG]), max_size=40))
def test_all_places_are_used_and_one_is_left_for_something_small(parallel: int, wanted: list[Operation]) -> None:
    running: list[Operation] = []
    for operation in wanted:
        if Lanes(parallel, parallel).admits(operation, running):
            running.append(operation)
    assert len(running) <= max(parallel, 2)
    assert sum(each is BIG for each in running) <= max(parallel - 1, 1)
    if SMALL not in running:
        assert Lanes(parallel, parallel).admits(SMALL, running)


@pytest.mark.parametrize(
    ("quick", "small", "big", "quick_goes", "small_goes", "big_goes"),
    [
        (0, 4, 0, True, False, False),
        (8, 3, 0, True, True, False),
        (11, 0, 0, True, True, False),
        (12, 0, 0, False, False, False),
        (8, 4, 0, False, False, False),
        (3, 0, 0, True, True, True),
        (0, 1, 3, True, False, False),
    ],
)
def test_more_places_are_for_what_is_quick(
    quick: int, small: int, big: int, quick_goes: bool, small_goes: bool, big_goes: bool
) -> None:
    running = [QUICK_ONE] * quick + [SMALL] * small + [BIG] * big
    lanes = Lanes(4, 12)
    assert [lanes.admits(each, running) for each in (QUICK_ONE, SMALL, BIG)] == [quick_goes, small_goes, big_goes]


def test_a_service_that_asked_for_less_gets_less_of_everything() -> None:
    assert not Lanes(4, 2).admits(SMALL, [SMALL] * 2)
    assert not Lanes(4, 2).admits(BIG, [BIG])
