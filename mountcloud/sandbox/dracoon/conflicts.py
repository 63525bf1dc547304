"""The three ways to meet a taken name (DRACOON facts, 10, 12.2)."""

from dataclasses import dataclass

from mountcloud.sandbox.dracoon import tree
from mountcloud.sandbox.dracoon.errors import (
    BAD_ARGUMENT,
    BAD_COMBINATION,
    CONTAINER_IN_THE_WAY,
    FORBIDDEN,
    Refusal,
    name_conflict,
)
from mountcloud.sandbox.dracoon.fields import Fields
from mountcloud.sandbox.dracoon.names import numbered
from mountcloud.sandbox.dracoon.permissions import Right
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

STRATEGIES = ("autorename", "overwrite", "fail")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request says about conflicts."""

    strategy: str
    keep_share_links: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The name that the newcomer gets, and who makes way for it."""

    name: str
    replaced: Row | None = None


def wish_of(body: Fields) -> Wish:
    """``resolutionStrategy`` (default ``autorename``) and ``keepShareLinks`` (only with ``overwrite``)."""
    wish = Wish(body.text("resolutionStrategy") or "autorename", body.flag("keepShareLinks"))
    if wish.strategy not in STRATEGIES:
        raise Refusal(BAD_ARGUMENT, words="resolutionStrategy is invalid")
    if wish.keep_share_links and wish.strategy != "overwrite":
        raise Refusal(BAD_COMBINATION)
    return wish


def resolve(
    box: Sandbox, user: int | None, parent: Row, name: str, wish: Wish, *, container: bool, itself: int = 0
) -> Outcome:
    """Decides; changes nothing. Overwriting needs ``delete`` in the room, which nobody on the public side has.

    ``itself`` is a node that does not count as a conflict.
    """
    taken = tree.clash(box, parent["id"], name)
    if taken is None or taken["id"] == itself:
        return Outcome(name)
    if wish.strategy == "fail":
        raise name_conflict([(taken["id"], taken["name"])])
    if wish.strategy == "autorename":
        return Outcome(next(free for free in numbered(name) if tree.clash(box, parent["id"], free) is None))
    if container or taken["type"] != "file":
        raise Refusal(CONTAINER_IN_THE_WAY)
    if user is None or Right.DELETE not in box.access.rights(user, parent["room_id"]):
        raise Refusal(FORBIDDEN)
    return Outcome(name, taken)


def make_way(box: Sandbox, user: int, outcome: Outcome, wish: Wish) -> None:
    """The replaced file goes to the bin."""
    if outcome.replaced is not None:
        tree.remove(box, user, outcome.replaced, keep_shares=wish.keep_share_links)


def hand_over_shares(box: Sandbox, outcome: Outcome, heir: int) -> None:
    """Download shares that the replaced file kept point to its successor."""
    if outcome.replaced is not None:
        box.db.run("UPDATE share SET node_id = ? WHERE node_id = ? AND kind = 'download'", heir, outcome.replaced["id"])
