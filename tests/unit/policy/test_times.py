import pytest

from mountcloud.policy.times import within_range

EARLIEST, LATEST = -(2**63), 2**63 - 1


@pytest.mark.parametrize(
    ("time_ns", "expected"),
    [
        (0, 0),
        (1_700_000_000_987_654_321, 1_700_000_000_987_654_321),
        (LATEST, LATEST),
        (LATEST + 1, LATEST),
        (EARLIEST, EARLIEST),
        (EARLIEST - 1, EARLIEST),
        (10**30, LATEST),
    ],
)
def test_a_time_is_the_nearest_that_fits(time_ns: int, expected: int) -> None:
    assert within_range(time_ns) == expected
