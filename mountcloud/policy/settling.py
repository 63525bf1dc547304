"""How long a saved file rests before it is sent, so that several saves are one upload."""

_OVERWRITTEN = 3
"""Times the rest of a new file: a document that is saved once is likely to be saved again soon."""

_LONGEST = 30
"""Times the rest of a new file: what is written all the time, as a log, must not wait for ever."""


def due(now: float, first: float, settle_s: float, *, new: bool) -> float:
    """When to send what was saved at ``now``; ``first`` is when it was first saved since it was last sent.

    ``new``: the service does not have the file yet. All in seconds.
    """
    rest = settle_s if new else settle_s * _OVERWRITTEN
    return min(now + rest, max(first + settle_s * _LONGEST, now))
