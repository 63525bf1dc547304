import pytest

from mountcloud.policy.backoff import delay


@pytest.mark.parametrize(
    ("attempt", "ceiling"), [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (11, 300), (10**9, 300)]
)
def test_the_ceiling_doubles_up_to_five_minutes(attempt: int, ceiling: float) -> None:
    assert delay(attempt, None, 0.5) == ceiling / 2
    assert delay(attempt, None, 0.0) == 0


@pytest.mark.parametrize("retry_after", [0.0, 7.5, 3600.0])
def test_the_services_word_is_a_lower_bound_with_jitter_after_it(retry_after: float) -> None:
    assert delay(3, retry_after, 0.0) == retry_after
    assert delay(3, retry_after, 0.25) == retry_after + 1


def test_a_time_in_the_past_means_now() -> None:
    assert delay(1, -5.0, 0.5) == 0.5


def test_no_slip_of_a_service_puts_work_off_for_years() -> None:
    assert delay(1, 999_999_999.0, 0.0) == 3600
