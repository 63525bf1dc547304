"""When to try again."""

from mountcloud.model.errors import AccountBlocked, AuthenticationRequired, DiskFull, Failure, Unavailable

FIRST_SECONDS = 1.0
LAST_SECONDS = 300.0

LONGEST_NAMED_S = 3600.0
"""What a service names is believed up to here: a slip of it must not keep what is owed away for years."""

LOGIN_S = 60.0
"""Between two attempts while the service does not let us in."""

LONGEST_FULL_S = 30.0
"""Between two attempts that find this machine's disk full, at most: no service asks for more than that."""

_LAST_DOUBLING = 9
"""2^9 seconds are past ``LAST_SECONDS`` already."""


def delay(attempt: int, retry_after: float | None, jitter: float) -> float:
    """Seconds to wait after a failed attempt (the first one is 1).

    A random part of 1, 2, 4 ... up to 300 seconds: ``jitter``, in [0, 1), says which, so that many clients do not come
    back at the same moment. Where the service named a time (``retry_after``, seconds), the random part comes after it.
    """
    doublings = min(max(attempt - 1, 0), _LAST_DOUBLING)
    ceiling = min(FIRST_SECONDS * (1 << doublings), LAST_SECONDS)
    return min(max(retry_after or 0.0, 0.0), LONGEST_NAMED_S) + ceiling * jitter


def delay_after(failure: Failure, attempt: int, jitter: float) -> float:
    """As ``delay``, by what the attempt failed with."""
    if isinstance(failure, AuthenticationRequired | AccountBlocked):
        return LOGIN_S
    wait = delay(attempt, failure.retry_after if isinstance(failure, Unavailable) else None, jitter)
    return min(wait, LONGEST_FULL_S) if isinstance(failure, DiskFull) else wait
