"""How many requests may go at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.policy.parallelism import Parallelism

WIDTHS = st.integers(1, 64)


def refused_at_once(parallelism: Parallelism, times: int) -> Parallelism:
    begun = parallelism.halvings
    for _ in range(times):
        parallelism = parallelism.after_refusal(begun)
    return parallelism


@given(WIDTHS, st.lists(st.sampled_from(["success", "refusal", "late refusal"]), max_size=200))
def test_the_width_keeps_its_bounds(most: int, answers: list[str]) -> None:
    parallelism = Parallelism.full(most)
    for answer in answers:
        if answer == "success":
            parallelism = parallelism.after_success()
        else:
            parallelism = parallelism.after_refusal(parallelism.halvings - (answer == "late refusal"))
        assert 1 <= parallelism.allowed <= parallelism.width <= most


@given(st.integers(2, 64), st.integers(1, 64))
def test_a_burst_of_refusals_halves_once(most: int, refusals: int) -> None:
    assert refused_at_once(Parallelism.full(most), refusals).width == most / 2


@given(WIDTHS, st.integers(1, 10))
def test_refusals_one_after_the_other_end_at_one(most: int, bursts: int) -> None:
    parallelism = Parallelism.full(most)
    for _ in range(bursts):
        parallelism = refused_at_once(parallelism, 3)
    assert parallelism.width == max(most / 2**bursts, 1)


@given(st.integers(2, 64))
def test_one_width_of_successes_makes_room_for_about_one_more(most: int) -> None:
    parallelism = refused_at_once(Parallelism.full(2 * most), 1)
    grown = parallelism
    for _ in range(parallelism.allowed):
        grown = grown.after_success()
    assert 0.8 < grown.width - parallelism.width <= 1


@given(WIDTHS, st.integers(1, 6))
def test_it_grows_back_to_the_full(most: int, bursts: int) -> None:
    parallelism = Parallelism.full(most)
    for _ in range(bursts):
        parallelism = refused_at_once(parallelism, 1)
    for _ in range(most * most):
        parallelism = parallelism.after_success()
    assert parallelism.width == most


def test_nothing_at_a_time_is_no_width() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Parallelism.full(0)
