import pytest

from mountcloud.model.errors import AuthenticationRequired, DiskFull, Failure, Unavailable
from mountcloud.policy.backoff import LOGIN_S, LONGEST_FULL_S, delay, delay_after


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


@pytest.mark.parametrize(
    ("failure", "wait"),
    [
        (Unavailable("down"), 270.0),
        (Unavailable("busy", retry_after=7.0), 277.0),
        (DiskFull("no room"), LONGEST_FULL_S),
        (AuthenticationRequired("who are you"), LOGIN_S),
    ],
)
def test_what_an_attempt_failed_with_tells_how_long_to_wait(failure: Failure, wait: float) -> None:
    assert delay_after(failure, 20, 0.9) == wait
    assert delay_after(failure, 1, 0.0) <= wait
