"""When removals stop, and when they go again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.policy.guard import DeleteGuard, Watch

USUAL = DeleteGuard(limit=3, window_s=60)


def after(guard: DeleteGuard, *times: float) -> DeleteGuard:
    for at in times:
        guard = guard.after_removal(at)
    return guard


@pytest.mark.parametrize(
    ("times", "watch"),
    [
        ((), Watch.WATCHING),
        ((0, 0, 0), Watch.WATCHING),
        ((0, 0, 0, 0), Watch.STOPPED),
        ((0, 20, 40, 59.9), Watch.STOPPED),
        ((0, 20, 40, 60), Watch.WATCHING),
        ((0, 20, 40, 60, 61), Watch.STOPPED),
        ((0, 0, 0, 0, 1000), Watch.STOPPED),
    ],
)
def test_more_than_the_limit_within_the_window_stop_all(times: tuple[float, ...], watch: Watch) -> None:
    assert after(USUAL, *times).watch is watch


def test_a_limit_of_zero_never_stops() -> None:
    assert not after(DeleteGuard(0, 60), *[0.0] * 1000).stopped
    assert not DeleteGuard(0, 60).after_start(1000, 0).stopped


def test_what_was_allowed_goes_on_until_it_was_quiet_for_a_window() -> None:
    allowed = after(USUAL, 0, 0, 0, 0).after_allowed(100)
    busy = after(allowed, *range(100, 400, 10))
    assert busy.watch is Watch.ALLOWED
    assert after(busy, 500, 500, 500).watch is Watch.WATCHING
    assert after(busy, 500, 500, 500, 500).watch is Watch.STOPPED


def test_what_was_taken_back_counts_no_more() -> None:
    discarded = after(USUAL, 0, 0, 0, 0).after_discarded()
    assert after(discarded, 1, 1, 1).watch is Watch.WATCHING
    assert after(discarded, 1, 1, 1, 1).watch is Watch.STOPPED


@pytest.mark.parametrize(
    ("watch", "owed", "expected"),
    [
        (Watch.WATCHING, 3, Watch.WATCHING),
        (Watch.WATCHING, 4, Watch.STOPPED),
        (Watch.STOPPED, 1, Watch.STOPPED),
        (Watch.STOPPED, 0, Watch.WATCHING),
        (Watch.ALLOWED, 100, Watch.ALLOWED),
        (Watch.ALLOWED, 0, Watch.WATCHING),
    ],
)
def test_a_restart_forgets_no_decision(watch: Watch, owed: int, expected: Watch) -> None:
    started = DeleteGuard(3, 60, watch).after_start(owed, 5)
    assert started.watch is expected
    assert len(started.recent) <= 4


def test_what_was_owed_before_a_restart_counts_after_it() -> None:
    assert USUAL.after_start(3, 5).after_removal(6).stopped


@given(st.integers(1, 5), st.lists(st.floats(0, 40), max_size=40))
def test_it_stops_exactly_when_a_window_holds_more_than_the_limit(limit: int, gaps: list[float]) -> None:
    guard, times, stopped = DeleteGuard(limit, 60), [0.0], False
    for gap in gaps:
        times.append(times[-1] + gap)
    for count, now in enumerate(times, 1):
        guard = guard.after_removal(now)
        stopped = stopped or sum(now - at < 60 for at in times[:count]) > limit
        assert guard.stopped == stopped
        assert len(guard.recent) <= limit + 1
