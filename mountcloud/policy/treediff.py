"""Two listings of one directory -> what changed between them."""

from collections.abc import Iterable

from mountcloud.model.change import Change, Removed, Upserted
from mountcloud.model.node import Node


def compare(before: Iterable[Node], after: Iterable[Node]) -> tuple[Change, ...]:
    """What turns the one listing into the other; removals come first, so that names are free for what follows."""
    old = {node.id: node for node in before}
    new = {node.id: node for node in after}
    gone = tuple(Removed(each) for each in old if each not in new)
    return gone + tuple(Upserted(node) for node in new.values() if old.get(node.id) != node)
