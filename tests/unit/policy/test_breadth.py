"""How many small changes go beside each other."""

from hypothesis import event, example, given
from hypothesis import strategies as st

from mountcloud.policy.breadth import Breadth

RTT_S = 0.1


def work(breadth: Breadth, capacity: int, answers: int, now: float = 0.0) -> tuple[Breadth, float]:
    """A service that works on ``capacity`` requests at a time; every place is always taken."""
    for _ in range(answers):
        now += RTT_S / min(breadth.width, capacity)
        breadth = breadth.after_answer(now)
    return breadth, now


@given(
    st.integers(1, 8),
    st.integers(1, 32),
    st.lists(st.sampled_from(["answer", "slow answer", "idle", "refusal"]), max_size=300),
)
def test_the_width_keeps_its_bounds(usual: int, most: int, news: list[str]) -> None:
    breadth, now = Breadth.of(usual, most), 0.0
    for each in news:
        now += 1.0 if each == "slow answer" else 0.01
        if each == "refusal":
            breadth = breadth.after_refusal()
        else:
            breadth = breadth.idle() if each == "idle" else breadth.after_answer(now)
        assert 1 <= breadth.width <= max(usual, most)


@given(st.integers(1, 32), st.integers(4, 32))
@example(1, 16)
@example(16, 16)
def test_it_climbs_as_far_as_that_brings_more(capacity: int, most: int) -> None:
    breadth, now = work(Breadth.of(4, most), capacity, 150)
    event(f"grew: {breadth.width > 4}")
    useful = min(capacity, most)
    assert breadth.width >= useful * 2 / 3
    before = now
    breadth, now = work(breadth, capacity, 400, now)
    assert 400 / (now - before) > 0.66 * useful / RTT_S
    if capacity <= 4:
        assert breadth.width in {4, 6}  # now and then it tries a step up


def test_a_service_that_works_on_one_at_a_time_is_left_at_the_usual() -> None:
    breadth, now = work(Breadth.of(4, 16), 1, 60)
    widths = set()
    for _ in range(300):
        breadth, now = work(breadth, 1, 1, now)
        widths.add(breadth.width)
    assert widths <= {4, 6}


@given(st.integers(1, 32), st.integers(1, 6))
def test_refusals_halve_and_it_recovers(capacity: int, refusals: int) -> None:
    breadth, now = work(Breadth.of(4, 16), capacity, 150)
    width = breadth.width
    for _ in range(refusals):
        breadth = breadth.after_refusal()
    assert breadth.width == max(width >> refusals, 1)
    breadth, now = work(breadth, capacity, 1000, now)
    assert breadth.width >= min(capacity, 16) / 2


def test_an_idle_time_is_no_slowness() -> None:
    """Little to do for an hour would look like a step that was not worth it."""
    breadth, now = work(Breadth.of(4, 16), 16, 12)
    assert breadth.width > 4
    breadth, _ = work(breadth.idle(), 16, 60, now + 3600)
    assert breadth.width == 16


def test_who_wants_one_gets_one() -> None:
    assert work(Breadth.of(1, 1), 16, 100)[0].width == 1
