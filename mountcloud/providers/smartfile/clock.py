"""The service's times: wall-clock of Indianapolis in whole seconds, without a zone (SmartFile facts, 4). Pure."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_ZONE = "America/Indiana/Indianapolis"


@lru_cache(1)
def _zone() -> ZoneInfo:
    return ZoneInfo(_ZONE)


@lru_cache(4096)
def moments(text: str) -> tuple[int, ...]:
    """Seconds since the epoch that a clock there shows so: two in the hour that an autumn night repeats, none for what
    is no time.
    """
    try:
        shown = datetime.fromisoformat(text)
    except ValueError:
        return ()
    if shown.tzinfo is not None:
        return (int(shown.timestamp()),)
    found = {int(shown.replace(tzinfo=_zone(), fold=fold).astimezone(UTC).timestamp()) for fold in (0, 1)}
    return tuple(sorted(found))


def seconds(text: str) -> int:
    """The earlier of them, 0 if there is none."""
    return max(next(iter(moments(text)), 0), 0)
