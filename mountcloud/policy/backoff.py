"""When to try again."""

FIRST_SECONDS = 1.0
LAST_SECONDS = 300.0

LONGEST_NAMED_S = 3600.0
"""What a service names is believed up to here: a slip of it must not keep what is owed away for years."""

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
