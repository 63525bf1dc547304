"""When what is owed gives way to programs."""

from hypothesis import given
from hypothesis import strategies as st

from mountcloud.policy.foreground import LONGEST_S, Burst


def burst(count: int, gap: float, start: float = 100.0) -> tuple[Burst, float]:
    found, now = Burst(), start
    for number in range(count):
        now = start + number * gap
        found = found.after_change(now)
    return found, now


def test_a_person_never_holds_the_sending_up() -> None:
    found, now = burst(1000, 0.3)
    assert found.wait(now) == 0
    found, now = burst(5, 0.01)
    assert found.wait(now) == 0


def test_an_unpacking_archive_does_until_it_is_done() -> None:
    found, now = burst(200, 0.01)
    assert 0 < found.wait(now) <= 0.25
    assert found.wait(now + 0.3) == 0


def test_but_not_for_long() -> None:
    found, now = burst(1000, 0.01)
    assert found.wait(now) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_nobody_waits_longer_than_the_burst_is_given(gaps: list[float]) -> None:
    found, now = Burst(), 0.0
    for gap in gaps:
        now += gap
        found = found.after_change(now)
        assert 0 <= found.wait(now) <= 0.25
        assert found.wait(now) == 0 or now + found.wait(now) <= found.began + LONGEST_S + 1e-6


def test_a_clock_that_is_set_back_keeps_nothing_waiting() -> None:
    burst = Burst()
    for number in range(100):
        burst = burst.after_change(1000 + number / 100)
    assert burst.wait(1001.0) > 0
    assert burst.wait(500.0) == 0
