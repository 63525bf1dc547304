"""What changed below the root since a token, where a server tells (RFC 6578).

A report names paths; whose node was there is known from the book alone. So what the book is about to forget is written
down first: who asks again, because the answer never reached the index, is told of it again.
"""

import json
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from mountcloud.model.change import Change, ChangeBatch, Removed, Upserted
from mountcloud.model.errors import Failure, Unsupported
from mountcloud.model.ids import Cursor, NodeId
from mountcloud.model.node import Node
from mountcloud.model.places import Place
from mountcloud.providers.book import ROOT
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.facts import in_doubt
from mountcloud.providers.webdav.tree import Tree, is_shown
from mountcloud.providers.webdav.wire import Entry

LAST = "last changes"
"""The note in the book of places that holds the last cursor that was asked for, and what was gone since."""
_ENOUGH = 5000
"""Changes after which a batch ends, if the server's pages do not end before."""
_GONE = {404, 410}


@dataclass(slots=True)
class _Found:
    """A batch in the making. A node that is met has moved at most, wherever else it is missed."""

    cursor: Cursor
    nodes: dict[NodeId, Node] = field(default_factory=dict)
    gone: dict[NodeId, None] = field(default_factory=dict)

    @property
    def removed(self) -> list[NodeId]:
        return [each for each in self.gone if each not in self.nodes]

    @property
    def changes(self) -> tuple[Change, ...]:
        return (*map(Removed, self.removed), *map(Upserted, self.nodes.values()))


class Feed:
    """The changes of one account."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    async def begin(self) -> Cursor:
        """The present."""
        root = await self._tree.dav.look((), wire.SYNC, directory=True)
        if not wire.offers_sync(root):
            raise Unsupported("the server tells of changes no more")
        return Cursor(root.text(wire.SYNC[1]))

    async def after(self, cursor: Cursor) -> ChangeBatch:
        """See ``Provider.changes``; raises ``Unsupported`` if the server does not tell of everything."""
        moment = self._tree.turns.moment
        entries: list[Entry] = []
        token, more = cursor, True
        while more and len(entries) < _ENOUGH:
            page = await self._tree.dav.sync(token, self._tree.props)
            if page is None:
                return ChangeBatch((), await self.begin(), reset=True)
            entries += page.entries
            token, more = Cursor(page.token), page.truncated and page.token != token
        found = _Found(cursor, gone=dict.fromkeys(self._told_before(cursor)))
        latest = {each.path: each for each in entries if each.path}
        if moment is None or self._tree.turns.moment != moment:
            # Names were changed here meanwhile, and the report may show them as they were.
            await self._look_into(found, self._directories(latest))
        else:
            doubtful = self._directories(path for path in latest if self._is_doubtful(path))
            self._take_in(found, latest, doubtful)
            await self._look_into(found, doubtful)
        await self._look_into(found, self._replaced(latest))
        return ChangeBatch(found.changes, token, more)

    def _told_before(self, cursor: Cursor) -> list[NodeId]:
        asked, gone = json.loads(self._tree.places.note(LAST) or '["", []]')
        return [NodeId(each) for each in gone] if asked == cursor else []

    def _is_doubtful(self, path: Path) -> bool:
        """True where the answer to a move or an upload was lost: it takes a look to tell what the report is about."""
        parent = self._known(path[:-1])
        holder = None if parent is None else self._tree.places.find(parent.id, path[-1])
        unsettled = holder is not None and (holder.aim is not None or in_doubt(holder.facts))
        return unsettled or (parent is not None and bool(self._tree.places.aimed_at(parent.id)))

    def _take_in(self, found: _Found, latest: dict[Path, Entry], apart_from: Container[NodeId]) -> None:
        """Directories before what is in them, and what is there before what is gone: that may only have moved."""
        for path in sorted(latest, key=len):
            parent = self._known(path[:-1])
            if parent is not None and parent.id not in apart_from and is_shown(latest[path]):
                self._meet(found, parent, latest[path])
        for path, entry in latest.items():
            place = self._known(path) if entry.status in _GONE else None
            if place is not None and place.parent not in apart_from:
                self._settle(found, [], [], [place.id])

    def _meet(self, found: _Found, parent: Place, entry: Entry) -> None:
        holder = self._tree.places.find(parent.id, entry.path[-1])
        place = self._tree.place_of(parent.id, entry, holder)
        gone = [holder.id] if holder is not None and holder.id != place.id else []
        self._settle(found, [self._tree.to_node(place, entry)], [place] if place != holder else [], gone)

    def _replaced(self, latest: dict[Path, Entry]) -> list[NodeId]:
        """Directories of which the report leaves out what we knew in them: others may stand in their place by now."""
        found: list[NodeId] = []
        for path, entry in latest.items():
            place = self._known(path) if is_shown(entry) and entry.is_directory else None
            if place is not None and any(
                (*path, each.name) not in latest for each in self._tree.places.below(place.id)
            ):
                found.append(place.id)
        return found

    def _directories(self, paths: Iterable[Path]) -> list[NodeId]:
        """Known directories in which something changed, those above first."""
        above = sorted({path[:-1] for path in paths}, key=len)
        return [place.id for each in above if (place := self._known(each)) is not None]

    async def _look_into(self, found: _Found, directories: Sequence[NodeId]) -> None:
        for directory in directories:
            async with self._tree.turns.looking(directory):
                try:
                    seen = await self._tree.look_around(directory)
                except Failure as failure:
                    if failure.transient:
                        raise
                    continue  # it is gone, which is told where it was, or shows itself to nobody here
                self._settle(found, seen.nodes, seen.fresh, seen.gone)

    def _known(self, path: Path) -> Place | None:
        place = self._tree.places.get(ROOT)
        for name in path:
            place = None if place is None else self._tree.places.find(place.id, name)
        return place

    def _settle(self, found: _Found, nodes: Sequence[Node], fresh: Sequence[Place], gone: Sequence[NodeId]) -> None:
        """First the note, then the book."""
        found.nodes |= {node.id: node for node in nodes}
        found.gone |= dict.fromkeys(gone)
        if gone:
            self._tree.places.set_note(LAST, json.dumps([found.cursor, list(found.gone)]))
        met = [each for each in gone if each not in found.nodes]
        if met or fresh:
            self._tree.places.change(put=fresh, remove=met)
