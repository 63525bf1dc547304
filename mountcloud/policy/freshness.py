"""How often to look for changes, and which directories to list again because nothing else tells of changes in them."""

from collections.abc import Iterable
from dataclasses import dataclass

from mountcloud.model.ids import NodeId

HOT_S = 120.0
_WARM_S = 600.0
HEARD_S = HOT_S / 2
"""Seconds for which the kernel may answer by itself where nothing tells of changes: whoever goes on using a directory
is heard of while that is hot.
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two polls: ``active_s`` while programs use the mount, ``idle_s`` when none has for
    ``idle_after_s``, which must be longer than the kernel answers by itself.
    """

    active_s: float = 10.0
    idle_s: float = 60.0
    idle_after_s: float = 600.0


def pause(pace: Pace, unused_s: float) -> float:
    """Seconds until the next poll, when the last use was ``unused_s`` ago."""
    return pace.active_s if unused_s < pace.idle_after_s else max(pace.idle_s, pace.active_s)


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory that was listed ``age_s`` ago and last opened by a program ``unopened_s`` ago (None = long ago)."""

    node: NodeId
    age_s: float
    unopened_s: float | None


@dataclass(frozen=True, slots=True)
class Recheck:
    """After how many seconds a listing is asked for again, although nothing tells that it changed (0 = never).

    ``hot_s``: opened in the last two minutes; ``warm_s``: in the last ten; ``cold_s``: all others. At most ``most`` at
    one poll.
    """

    hot_s: float
    warm_s: float
    cold_s: float
    most: int = 8


def due(listings: Iterable[Listing], recheck: Recheck) -> list[NodeId]:
    """Those to list again at this poll. What is in use comes first: half of its places are for what was opened last,
    however many a walk has just opened, the others for the most overdue. A quarter of all places is kept for what is
    not in use, so that each has its turn.
    """
    overdue = sorted(((_urgency(each, recheck), each) for each in listings), key=lambda each: -each[0])
    found = [each for urgency, each in overdue if urgency >= 1]
    used = [each for each in found if _is_used(each)]
    others = [each.node for each in found if not _is_used(each)]
    places = recheck.most - min(len(others), max(recheck.most // 4, 1))
    latest = sorted(used, key=lambda each: each.unopened_s or 0.0)[: -(-places // 2)]
    chosen = latest + [each for each in used if each not in latest]
    return ([each.node for each in chosen[:places]] + others)[: recheck.most]


def _urgency(listing: Listing, recheck: Recheck) -> float:
    unopened = listing.unopened_s
    if unopened is None or not is_remembered(unopened):
        wanted = recheck.cold_s
    else:
        wanted = recheck.hot_s if unopened < HOT_S else recheck.warm_s
    age_s = listing.age_s if listing.age_s >= 0 else float("inf")  # the clock was set back, so nobody knows it
    return age_s / wanted if wanted > 0 else 0.0


def _is_used(listing: Listing) -> bool:
    return listing.unopened_s is not None and is_remembered(listing.unopened_s)


def is_remembered(unopened_s: float) -> bool:
    """Whether it still matters that a directory was opened so many seconds ago."""
    return unopened_s < _WARM_S
