"""Times that both the kernel and a database can hold."""

_EARLIEST_NS = -(1 << 63)
_LATEST_NS = (1 << 63) - 1


def within_range(time_ns: int) -> int:
    """Nanoseconds since the epoch, moved to the nearest that 64 bits hold: the years 1677 to 2262.

    As with local file systems, a time that is too far away is no error.
    """
    return min(max(time_ns, _EARLIEST_NS), _LATEST_NS)
