"""Uploads whose last answer was lost: the file may have its name by now, or be where another client moved it since.

A draft that is not under its hidden name any more was given the name that it should have. By the number, the time and
the size that the service showed of it (``Trails``) it is known again wherever it is.
"""

import json
from collections import deque
from dataclasses import dataclass

from mountcloud.model.errors import Failure, NotFound
from mountcloud.model.ids import NodeId
from mountcloud.providers.book import ROOT
from mountcloud.providers.smartfile.facts import facts_of
from mountcloud.providers.smartfile.trails import mark_of
from mountcloud.providers.smartfile.tree import Tree

_MOST_DIRECTORIES = 200
"""Directories that are looked into for one file, a request each."""


@dataclass(frozen=True, slots=True)
class Named:
    """What is written down before a draft is given its name. ``mark``: what the service showed of it until then."""

    node: NodeId
    mark: str
    draft: str

    @property
    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"node": self.node, "mark": self.mark, "draft": self.draft})


def named_of(state: str) -> Named | None:
    """What ``Named.text`` was made of; None if that is not what was kept."""
    kept = json.loads(state) if state else {}
    return Named(NodeId(kept["node"]), kept["mark"], kept["draft"]) if "draft" in kept else None


class Attempts:
    """Earlier attempts of one account."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    async def where(self, named: Named, parent: NodeId) -> NodeId | None:
        """Which node an earlier attempt made in this directory, None if it came to nothing. Raises ``Unavailable``."""
        if await self._is_unnamed(named, parent):
            return None
        return await self._at_its_place(named) or await self._elsewhere(named, parent)

    async def _is_unnamed(self, named: Named, parent: NodeId) -> bool:
        """True if the draft was still under its hidden name, from where it is removed."""
        try:
            async with self._tree.turns.changing(parent):
                path = (*await self._tree.path(parent), named.draft)
                if await self._tree.glance(path) is None:
                    return False
                await self._tree.discard(path)
                return True
        except NotFound:
            return False

    async def _at_its_place(self, named: Named) -> NodeId | None:
        seen = None if self._tree.places.get(named.node) is None else await self._tree.seen_alone(named.node)
        if seen is None or seen.is_directory:
            return None
        if self._tree.trails.is_sure(named.mark):
            return named.node if mark_of(seen) == named.mark else None
        bound = facts_of(self._tree.place(named.node).facts).binding(seen.token) is not None
        return named.node if bound else None

    async def _elsewhere(self, named: Named, parent: NodeId) -> NodeId | None:
        """In its directory, then from the root on; what is seen is written into the book as by any other look."""
        trails = self._tree.trails
        if not trails.is_sure(named.mark):
            return None
        waiting = deque([parent, ROOT])
        for _ in range(_MOST_DIRECTORIES):
            if not waiting:
                break
            waiting += await self._below(waiting.popleft())
            if (found := trails.bearer(named.mark)) is not None:
                return found
        return None

    async def _below(self, directory: NodeId) -> list[NodeId]:
        """A directory that goes away meanwhile, or may not be looked into, hides the file from us."""
        try:
            return [each.id for each in await self._tree.children(directory) if each.is_directory]
        except Failure as failure:
            if failure.transient:
                raise
            return []
