"""Ids, paths and nodes: what the book of places knows, laid against what the service lists."""

import secrets
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace

import trio

from mountcloud.model.errors import NotADirectory, NotFound
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place, Places, path_of, way_to
from mountcloud.providers.metadisk.api import Api
from mountcloud.providers.metadisk.facts import Facts, Stand, facts_of
from mountcloud.providers.metadisk.names import Path
from mountcloud.providers.metadisk.picture import Held, Picture
from mountcloud.providers.metadisk.wire import Bucket
from mountcloud.providers.metadisk.works import Works, works_on

ROOT = NodeId("root")
_ROOT_RIGHTS = Rights.READ | Rights.CREATE_DIRECTORIES
_BUCKET_RIGHTS = Rights.ALL & ~Rights.MOVE
_GLANCE_S = 1.0
"""How old a list may be for a directory that was not looked for in it: a walk needs one list, not one a directory."""


@dataclass(frozen=True, slots=True)
class Where:
    """A path in a bucket, by the service's id of that."""

    bucket: str
    path: Path

    def __truediv__(self, name: str) -> "Where":
        return Where(self.bucket, (*self.path, name))

    @property
    def key(self) -> tuple[str, str]:
        """For ``Works.on``; no name begins with a slash."""
        return self.bucket, "/" + "/".join(self.path)


@dataclass(slots=True)
class _Looks:
    """Lists of one bucket. Who asks while one is on its way waits for the next, which all of them share."""

    picture: Picture | None = None
    since: float = float("-inf")
    asked: int = 0
    answered: int = 0
    shown: set[Path] = field(default_factory=set)
    turn: trio.Lock = field(default_factory=trio.Lock)


class Tree:
    """The nodes of one account."""

    def __init__(self, api: Api, places: Places) -> None:
        self.api = api
        self.places = places
        self.works: Works = works_on(places)
        self.leftovers: set[NodeId] = set()
        self._looks: dict[str, _Looks] = {}
        if places.get(ROOT) is None:
            places.change(put=[Place(ROOT, None, "", is_directory=True)])

    def place(self, node: NodeId) -> Place:
        """Where the node is; raises ``NotFound`` if it never was anywhere, or was seen to be gone."""
        place = self.places.get(node)
        if place is None:
            raise NotFound("the node is gone")
        return place

    def using(self, *nodes: NodeId) -> AbstractAsyncContextManager[None]:
        """None of these nodes gets another path by a move of a directory here meanwhile; see ``Paths.using``."""
        return self.works.paths.using(self.places, *nodes)

    def where_now(self, node: NodeId) -> Where:
        """As the book has it; raises ``NotFound``. The root is nowhere: ``NotADirectory``."""
        names = path_of(self.places, node)
        if names is None:
            raise NotFound("the node is gone")
        if not names:
            raise NotADirectory("the root holds buckets only")
        return Where(names[0].removesuffix("/"), tuple(name.partition("/")[0] for name in names[1:]))

    async def where(self, node: NodeId) -> Where:
        """The same, once it was looked after moves whose outcome is unknown."""
        for each in way_to(self.places, node):
            if each.aim is not None and not self.works.is_busy(each.id):
                await self._settle(each, each.aim)
        return self.where_now(node)

    def bound_for(self, node: NodeId) -> str | None:
        """The bucket to which the node is on its way, with a directory that it is in or by itself."""
        aims = [each.aim for each in way_to(self.places, node) if each.aim is not None]
        return self.where_now(aims[0].parent).bucket if aims else None

    async def _settle_one(self, node: NodeId) -> None:
        """What is gone meanwhile says nothing of the directory that it was to be in."""
        try:
            await self.where(node)
        except NotFound:
            return

    async def _settle(self, place: Place, aim: Slot) -> None:
        """A move was sent and its answer lost. What is in both places is still to be moved by whoever owes it."""
        old = self.where_now(place.id)
        try:
            new = self.where_now(aim.parent) / _name(aim.name)
            at_new = await self._is_at(place, new)
        except NotFound:
            at_new = False
        at_old = await self._is_at(place, old)
        if self.places.get(place.id) != place or (at_old and at_new):
            return
        settled = replace(place, aim=None)
        if at_new:
            settled = replace(settled, parent=aim.parent, name=aim.name)
        self.places.change(put=[settled])

    async def _is_at(self, place: Place, where: Where) -> bool:
        try:
            picture = await self.look(where.bucket)
        except NotFound:
            return False
        if place.is_directory:
            return picture.is_directory(where.path)
        stand = facts_of(place.facts).stand
        return stand is not None and any(each.hash == stand.hash for each in picture.at(where.path))

    async def look(self, bucket: str) -> Picture:
        """A list that was asked for after this call began; raises ``NotFound`` if the bucket is gone."""
        looks = self._looks.setdefault(bucket, _Looks())
        looks.asked += 1
        mine = looks.asked
        async with looks.turn:
            if looks.picture is None or looks.answered < mine:
                covered, moment = looks.asked, self.works.moment
                looks.picture = Picture(await self.api.entries(bucket), moment)
                looks.answered, looks.since, looks.shown = covered, trio.current_time(), set()
            return looks.picture

    async def _glance(self, where: Where) -> Picture:
        """A list of the last second, unless the directory was looked for in it already; else a new one."""
        looks = self._looks.setdefault(where.bucket, _Looks())
        picture = looks.picture
        if picture is None or where.path in looks.shown or not self._is_fresh(picture, looks.since):
            picture = await self.look(where.bucket)
        looks.shown.add(where.path)
        return picture

    def _is_fresh(self, picture: Picture, since: float) -> bool:
        """A moment old, and nothing changed here since."""
        return picture.moment == self.works.moment and trio.current_time() - since < _GLANCE_S

    async def root(self) -> Node:
        """The root of the account."""
        await self.api.buckets()
        return self._root()

    def _root(self) -> Node:
        return Node(ROOT, None, "", Kind.DIRECTORY, 0, Version(""), 0, _ROOT_RIGHTS)

    async def node(self, node: NodeId) -> Node:
        """The node as it is now; raises ``NotFound``."""
        place = self.place(node)
        if place.parent is None:
            return await self.root()
        async with self.using(node):
            if place.parent == ROOT:
                return _picked(node, await self.buckets())
            where = await self.where(node)
            return self.seen(node, await self.look(where.bucket))

    def seen(self, node: NodeId, picture: Picture) -> Node:
        """The node as a list of its bucket shows it; raises ``NotFound``."""
        place = self.place(node)
        where = self.where_now(node)
        if place.is_directory:
            if not picture.is_directory(where.path) and not self.works.knows_better(node, picture.moment):
                raise NotFound("the node is gone")
            return self.to_node(place)
        keys = [where.path[-1], *(f"{where.path[-1]}/{each.hash}" for each in picture.at(where.path))]
        parent = place.parent or ROOT
        known = [found for key in keys if (found := self.places.find(parent, key)) is not None]
        files = _Matching(self, above(where), picture, known, picture.at(where.path))
        return _picked(node, self._accepted(known, files.places(parent), files))

    async def children(self, directory: NodeId) -> Sequence[Node]:
        """All that is in a directory, each with the id that it always had."""
        if not self.place(directory).is_directory:
            raise NotADirectory("a file has no children")
        async with self.using(directory):
            if directory == ROOT:
                return await self.buckets()
            where = await self.where(directory)
            leaving = [each for each in self.places.below(directory) if each.aim is not None]
            for each in (*self.places.aimed_at(directory), *leaving):
                await self._settle_one(each.id)
            picture = await self._glance(where)
            self.demand_directory(picture, directory)
            return self._recognised(directory, picture)

    def demand_directory(self, picture: Picture, directory: NodeId) -> None:
        """Raises ``NotFound`` if it is not there."""
        known = self.works.knows_better(directory, picture.moment)
        if not known and not picture.is_directory(self.where_now(directory).path):
            raise NotFound("the directory is gone")

    async def buckets(self) -> list[Node]:
        """All of them; what is in the book and not there any more is gone."""
        moment = self.works.moment
        found = await self.api.buckets()
        shown = [each for each in found if not self.works.is_past(moment, each.id, ())]
        places = [self.bucket_place(each, moment) for each in shown]
        self._accept(self.places.below(ROOT), places, moment)
        return [self.to_node(place) for place in places]

    def bucket_place(self, bucket: Bucket, moment: int) -> Place:
        """The place of a bucket, which the book has by the service's id: names may be there twice."""
        place = self.places.find(ROOT, f"{bucket.id}/")
        if place is None:
            place = Place(NodeId(secrets.token_hex(8)), ROOT, f"{bucket.id}/", is_directory=True)
        facts = facts_of(place.facts)
        if self.works.knows_better(place.id, moment) and facts.title:
            return place
        mtime_ns = facts.mtime_ns or bucket.created_ns
        return replace(place, facts=replace(facts, title=bucket.name, mtime_ns=mtime_ns).text)

    def _accept(self, known: Sequence[Place], found: Sequence[Place], moment: int) -> None:
        """Write down what is there now; what was known and is not found is gone, unless we know better."""
        before, here = {place.id: place for place in known}, {place.id for place in found}
        gone = [node for node in before if node not in here and not self.works.knows_better(node, moment)]
        fresh = [place for place in found if before.get(place.id) != place]
        if fresh or gone:
            self.places.change(put=fresh, remove=gone)

    def _recognised(self, directory: NodeId, picture: Picture) -> list[Node]:
        """Give each name its id; what is in the book and not in the list any more is gone."""
        where = self.where_now(directory)
        known = self.places.below(directory)
        directories = list(self._directories(directory, where, picture))
        listed = tuple(picture.files(where.path))
        files = _Matching(self, where, picture, [place for place in known if not place.is_directory], listed)
        return self._accepted(known, [*directories, *files.places(directory)], files)

    def _accepted(self, known: Sequence[Place], found: Sequence[Place], files: "_Matching") -> list[Node]:
        self._accept(known, found, files.moment)
        return [self.to_node(place, files.still.get(place.id)) for place in found]

    def _directories(self, directory: NodeId, where: Where, picture: Picture) -> Iterator[Place]:
        aims = {each.aim.name for each in self.places.aimed_at(directory) if each.aim is not None}
        shown = picture.directories(where.path)
        for name in (*shown, *self._leaving(directory, shown)):
            key = f"{name}/"
            place = self.places.find(directory, key)
            if place is not None:
                yield place
            elif key not in aims and not self.works.is_past(picture.moment, where.bucket, (where / name).path):
                yield self.new_place(Slot(directory, key), Facts(mtime_ns=time.time_ns()))

    def _leaving(self, directory: NodeId, shown: Collection[str]) -> Iterator[str]:
        """All that was in these has gone ahead to where they are going; until they are there, they are here."""
        for place in self.places.below(directory):
            going = place.is_directory and place.aim is not None and self.works.is_busy(place.id)
            if going and _name(place.name) not in shown:
                yield _name(place.name)

    def new_place(self, slot: Slot, facts: Facts) -> Place:
        """A place for a node that has no id yet; a directory's name ends with a slash in the book."""
        is_directory = slot.name.endswith("/")
        return Place(NodeId(secrets.token_hex(8)), slot.parent, slot.name, is_directory, facts.text)

    def to_node(self, place: Place, still: Stand | None = None) -> Node:
        """What the book says, in our terms. ``still``: the content of a file while another one is on its way."""
        facts = facts_of(place.facts)
        if place.parent == ROOT:
            title, rights = facts.title, _BUCKET_RIGHTS
            return Node(place.id, ROOT, title, Kind.DIRECTORY, 0, Version(""), facts.mtime_ns, rights)
        name = _name(place.name)
        if place.is_directory:
            return Node(place.id, place.parent, name, Kind.DIRECTORY, 0, Version(""), facts.mtime_ns, Rights.ALL)
        stand = still or facts.stand or Stand("", 0, 0)
        version = Version(stand.hash)
        return Node(place.id, place.parent, name, Kind.FILE, stand.size, version, stand.mtime_ns, Rights.ALL)


class _Matching:
    """Which file of a list is which file of the book, in one directory.

    The same name and content is the same file. The same name with another content was overwritten by somebody. Between
    our putting a new content and taking away the one before, both are listed, and only one is shown.
    """

    def __init__(
        self, tree: Tree, where: Where, picture: Picture, known: Sequence[Place], listed: Sequence[Held]
    ) -> None:
        self._tree = tree
        self.still: dict[NodeId, Stand] = {}
        self._known = sorted(known, key=lambda place: place.name)
        self.moment = picture.moment
        past = tree.works.is_past
        found = (held for held in listed if not past(picture.moment, where.bucket, held.path, held.hash))
        self._left: dict[str, list[Held]] = {}
        for held in sorted(found, key=lambda held: held.hash):
            self._left.setdefault(held.path[-1], []).append(held)

    def places(self, directory: NodeId) -> list[Place]:
        """All files of the list, with the places that the book has or gets."""
        same = [(place, self._same(place)) for place in self._known]
        found = [place for _, place in same if place is not None]
        found += [again for place, match in same if match is None for again in self._overwritten(place)]
        self._leave_out_aims(directory)
        taken = {place.name for place in (*self._known, *found)}
        for name, several in self._left.items():
            for held in several:
                key = name if name not in taken else f"{name}/{held.hash}"
                taken.add(key)
                found.append(self._tree.new_place(Slot(directory, key), _first_seen(held)))
        return found

    def _same(self, place: Place) -> Place | None:
        """The place as it is now, if the list has the content that it stands for, or the one before."""
        facts = facts_of(place.facts)
        if self._take(place, facts.stand):
            if self._take(place, facts.was):
                self._tree.leftovers.add(place.id)
            return place
        if facts.was is not None and self._take(place, facts.was):
            if facts.arrived and self._left.get(_name(place.name)):
                self._tree.leftovers.add(place.id)
                return None
            if not self._tree.works.is_busy(place.id):
                return replace(place, facts=Facts(facts.was).text)
            self.still[place.id] = facts.was
            return place
        touched = self._tree.works.knows_better(place.id, self.moment)
        return place if touched and not self._tree.works.is_busy(place.id) else None

    def _take(self, place: Place, stand: Stand | None) -> bool:
        several = self._left.get(_name(place.name), [])
        found = next((held for held in several if stand is not None and held.hash == stand.hash), None)
        if found is not None:
            several.remove(found)
        return found is not None

    def _overwritten(self, place: Place) -> Iterator[Place]:
        several = self._left.get(_name(place.name), [])
        if several and not self._tree.works.is_busy(place.id):
            facts = facts_of(place.facts)
            was = facts.was if facts.arrived else None
            yield replace(place, facts=replace(_first_seen(several.pop(0)), was=was, arrived=facts.arrived).text)

    def _leave_out_aims(self, directory: NodeId) -> None:
        """What a move has put here already is still the file at the old place."""
        for place in self._tree.places.aimed_at(directory):
            if place.aim is not None and not place.is_directory:
                self._take(replace(place, name=place.aim.name), facts_of(place.facts).stand)


def above(where: Where) -> Where:
    """The directory in which it is."""
    return Where(where.bucket, where.path[:-1])


def _first_seen(held: Held) -> Facts:
    return Facts(Stand(held.hash, held.size, time.time_ns()))


def _name(key: str) -> str:
    """The name in a key of the book: directories end with a slash there, a second file of a name with its hash."""
    return key.partition("/")[0]


def _picked(node: NodeId, nodes: Iterable[Node]) -> Node:
    found = next((each for each in nodes if each.id == node), None)
    if found is None:
        raise NotFound("the node is gone")
    return found
