from itertools import pairwise

import pytest

from mountcloud.policy.allowance import Allowance

HOUR = 3600.0


def calls(per_hour: int, step_s: float, total_s: float) -> list[float]:
    """When calls are made by somebody who tries every ``step_s`` seconds."""
    allowance, made = Allowance.full(per_hour, 0.0), []
    for number in range(int(total_s / step_s)):
        after = allowance.after_call(number * step_s)
        if after is not None:
            allowance = after
            made.append(number * step_s)
    return made


@pytest.mark.parametrize("per_hour", [1, 2, 5, 15, 60])
def test_no_hour_has_more_calls_than_allowed(per_hour: int) -> None:
    made = calls(per_hour, 10.0, 4 * HOUR)
    assert max(sum(start <= at < start + HOUR for at in made) for start in made) <= per_hour
    assert len(made) >= 3 * max(per_hour - max(per_hour // 5, 1), 1)


def test_after_a_pause_several_are_made_at_once_and_then_evenly() -> None:
    made = calls(15, 10.0, HOUR)
    assert made[:3] == [0.0, 10.0, 20.0]
    assert all(later - earlier >= 250 for earlier, later in pairwise(made[2:]))


def test_nought_is_no_limit() -> None:
    assert len(calls(0, 1.0, 100.0)) == 100
