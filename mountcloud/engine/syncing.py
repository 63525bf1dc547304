"""Remote facts -> index -> kernel. Only what the service says in so many words removes anything."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import trio

from mountcloud.engine.drafting import Drafts
from mountcloud.engine.space import Space
from mountcloud.model.change import Change, KernelCache, Removed, Upserted
from mountcloud.model.errors import AccountBlocked, AuthenticationRequired, Busy, Failure, NotFound, Unavailable
from mountcloud.model.ids import ROOT_INODE, Cursor, NodeId, Ref, is_local
from mountcloud.model.node import Node
from mountcloud.model.notice import Notice, NoticeKind, Told, nobody
from mountcloud.model.operation import OperationKind
from mountcloud.model.provider import ChangeFeed, Provider
from mountcloud.policy.freshness import Listing, Pace, Recheck, due, is_remembered, pause
from mountcloud.policy.overlay import overlay
from mountcloud.policy.reduce import Plan, reduce
from mountcloud.policy.treediff import compare
from mountcloud.store.index import Entry, Index
from mountcloud.store.journal import Journal

log = logging.getLogger(__name__)

LISTING_DEADLINE, _OFFLINE_DEADLINE = 30.0, 5.0
"""Seconds that a program waits for the first listing of a directory at most; while the service is known to be away."""
_FAULT = "mountcloud met a fault of its own; its log tells more"
_CURSOR = "cursor"
_MOST_AT_ONCE = 5000
_MOST_WATCHED = 1000
_MOST_LOOKS = 3
_COLD_S = 3600.0
"""Seconds after which a service that tells of no changes is asked for every directory again."""


@dataclass(slots=True)
class Syncer:
    """Keeps the index true to the service. ``clock`` tells seconds since the epoch.

    A change below a directory may be told late or not at all (DRACOON facts, 17), so directories that were opened
    lately are listed again when their listing is older than ``recheck_s``; where the service tells nothing, those in
    use at every poll and all others in turn.
    """

    provider: Provider
    index: Index
    journal: Journal
    drafts: Drafts
    kernel: KernelCache
    clock: Callable[[], float]
    recheck_s: float = 60.0
    pace: Pace = field(default_factory=Pace)
    walked: Callable[[Entry], None] = lambda directory: None
    listed: Callable[[Entry], None] = lambda directory: None
    vanished: Callable[[Sequence[NodeId], float], None] = lambda nodes, at: None
    last_poll: float = 0.0
    waiting: int = 0
    healthy: bool = True
    trouble: str = ""
    told: Told = nobody
    space: Space = field(init=False)
    _locked_out: bool = False
    _used_at: float = 0.0
    _listing: dict[NodeId, trio.Event] = field(default_factory=dict)
    _asked_at: list[int] = field(default_factory=list)
    _opened: dict[NodeId, float] = field(default_factory=dict)
    _told: int = 0
    _poked: trio.Event = field(default_factory=trio.Event)

    def __post_init__(self) -> None:
        self.space = Space(self.provider, self.index, self.clock)

    def used(self) -> None:
        """A program uses the mount. After a long rest it wants to see what is there now."""
        now = self.clock()
        if now - self._used_at >= self.pace.idle_after_s:
            self.poke()
        self._used_at = now

    async def ensure_root(self) -> None:
        """Learn the root if it was never seen; without network an index from before serves as well."""
        root = await self.provider.root()
        self.index.put_root(root)

    async def ensure_listed(self, entry: Entry) -> None:
        """All children of the directory are known afterwards. Raises what listing raises, in bounded time."""
        self.opened(entry.node.id)
        self.walked(entry)
        if entry.listed is not None:
            return
        deadline = LISTING_DEADLINE if self.healthy else _OFFLINE_DEADLINE
        self.waiting += 1
        try:
            with trio.move_on_after(deadline):
                await self.list_once(entry.node.id)
                self.listed(entry)
                return
        finally:
            self.waiting -= 1
        raise Unavailable(
            f"directory {entry.file_name!r} was never listed before, and the service does not answer within"
            f" {deadline:g} s",
            hint="it can be seen as soon as the service is there",
        )

    def opened(self, node: NodeId) -> None:
        """A program uses it, or what is in it; a walk through a large tree does not make all of it worth watching."""
        self._opened.pop(node, None)
        self._opened[node] = self.clock()
        if len(self._opened) > _MOST_WATCHED:
            del self._opened[next(iter(self._opened))]

    async def list_once(self, node: NodeId) -> None:
        """List a directory, or wait for whoever lists it already and then look whether that went well."""
        while True:
            under_way = self._listing.get(node)
            if under_way is None:
                await self.list_again(node)
                return
            await under_way.wait()
            entry = self.index.by_id(node)
            if entry is None or entry.listed is not None:
                return

    @contextmanager
    def _asking(self) -> Iterator[int]:
        """The journal's clock when the service was asked; what left the journal since is in doubt in the answer."""
        clock = self.journal.clock
        self._asked_at.append(clock)
        try:
            yield clock
        finally:
            self._asked_at.remove(clock)
            self.journal.forget_settled(min(self._asked_at, default=self.journal.clock))

    async def list_again(self, node: NodeId) -> None:
        """Ask for a directory's children and bring the index up to it. Raises what listing raises."""
        done = self._listing.setdefault(node, trio.Event())
        try:
            for _ in range(_MOST_LOOKS):
                if await self._look(node):
                    break
        finally:
            if self._listing.get(node) is done:
                del self._listing[node]
            done.set()

    async def _look(self, node: NodeId) -> bool:
        """List once. False if something may be missing that was done on the service meanwhile."""
        entry = self.index.by_id(node)
        seen, told = None if entry is None else entry.node.version, self._told
        with self._asking() as clock:
            children = await self._children(node, clock)
            if seen is None or self.index.by_id(node) is None:
                return True
            changes = self._apply_listing(node, children, clock)
            self.index.set_listed(node, seen, self.clock())
            self.kernel.forget(self.index.give_names_back(node))
            pinned = self._pinned(clock)
            if told != self._told or any(_subject(each) in pinned for each in changes):
                self.index.doubt_listing(node)
            return (entry is not None and entry.listed is not None) or not self._lost_sight(clock)

    def _lost_sight(self, clock: int) -> bool:
        """Something left the journal since then of which a new index does not know where it stands."""
        left = self.journal.settled_since(clock)
        return any(not is_local(each) and self.index.by_id(each) is None for each in left)

    async def _children(self, node: NodeId, clock: int) -> Sequence[Node]:
        try:
            children = await self.provider.children(node)
        except NotFound as gone:
            if node == self.index.require(ROOT_INODE).node.id:
                raise Unavailable("the service does not find the account's root") from gone
            self._apply((Removed(node),), clock)
            raise
        there = {each.id for each in children}
        return [*children, *[each for each in await self._arriving(node) if each.id not in there]]

    async def _arriving(self, directory: NodeId) -> list[Node]:
        """What is to be moved here but stands elsewhere on the service, where a fresh index never looked."""
        if not self.journal.involves_below(directory):
            return []
        moves = [each for each in self.journal.operations if each.kind is OperationKind.MOVE]
        here = {each.node: each.version for each in moves if each.target and each.target.parent == directory}
        found: list[Node] = []
        for node, version in here.items():
            if not is_local(node) and self.index.by_id(node) is None:
                with suppress(NotFound):  # the move will tell
                    found.append(await self.provider.node(Ref(node, version)))
        return found

    def _apply_listing(self, node: NodeId, children: Sequence[Node], clock: int) -> Sequence[Change]:
        before = [entry.remote for entry in self.index.children(node) if not is_local(entry.node.id)]
        changes = compare(before, children)
        self._apply(changes, clock)
        return changes

    def _pinned(self, clock: int) -> set[NodeId]:
        """Nodes of which this machine knows better than an answer that was asked for at ``clock``."""
        pinned = self.journal.unsettled_since(clock)
        for inode in self.drafts.pinned:
            entry = self.index.entry(inode)
            if entry is not None:
                pinned.add(entry.node.id)
        return pinned

    def _apply(self, changes: Sequence[Change], clock: int, notes: dict[str, str] | None = None) -> None:
        pinned = self._pinned(clock)
        own = [each for each in changes if self._is_own_work(each)]
        told = [each for each in changes if each not in own] if own else changes
        plan = reduce(told, pinned)
        self._doubt_places([*own, *(each for each in told if _subject(each) in pinned)])
        plan = Plan(self._removable(plan.remove, pinned), plan.upsert + self._overlaid(told, pinned))
        self.vanished([below for gone in plan.remove for below in self.index.below(gone)], self.clock())
        stale = self.index.apply(plan, notes)
        self.kernel.forget(stale)

    def _is_own_work(self, change: Change) -> bool:
        """What an upload of ours has just made: beside the file itself it would be shown as a ghost of that."""
        grain_ns = self.provider.capabilities.mtime_resolution_ns
        if not isinstance(change, Upserted) or not self.journal.may_have_made(change.node, grain_ns):
            return False
        return self.index.by_id(change.node.id) is None

    def _doubt_places(self, changes: Sequence[Change]) -> None:
        """What is told of nodes in flux is not heeded now and not told again, so it is asked for later."""
        for change in changes:
            entry = self.index.by_id(_subject(change))
            parents = {None if entry is None else entry.node.parent}
            parents |= {change.node.parent} if isinstance(change, Upserted) else set()
            for parent in parents:
                if parent is not None:
                    self.index.doubt_listing(parent)

    def _removable(self, nodes: tuple[NodeId, ...], pinned: set[NodeId]) -> tuple[NodeId, ...]:
        """A directory that holds something owed or being written stays until that has found its place."""
        if not nodes:
            return nodes
        kept = {above for node in pinned for above in self.index.ancestors(node)}
        return tuple(node for node in nodes if node not in kept)

    def _overlaid(self, changes: Sequence[Change], pinned: set[NodeId]) -> tuple[Node, ...]:
        """Pinned nodes that a fresh index does not know yet, as they look with what is owed for them."""
        fresh = [
            each.node
            for each in changes
            if isinstance(each, Upserted) and each.node.id in pinned and self.index.by_id(each.node.id) is None
        ]
        kept = [node for node in fresh if not self.journal.makes_way(node.id)]
        seen = [overlay(node, owed) for node in kept if (owed := self.journal.of(node.id))]
        return tuple(node for node in seen if node is not None)

    def forget_below(self, directory: NodeId) -> None:
        """The service said that the directory is gone, hence all that it had in it; what is in flux here stays."""
        gone = [Removed(each.node.id) for each in self.index.children(directory) if not is_local(each.node.id)]
        self._apply(gone, self.journal.clock)

    async def look_again(self, directory: NodeId) -> None:
        """A reader met a version that is gone: see what is there now, as far as that can be seen."""
        try:
            await self.list_again(directory)
        except Failure as failure:
            log.info("cannot look at directory %s again: %s", directory, failure)

    def poke(self) -> None:
        """Poll now."""
        self._poked.set()

    async def run(self) -> None:
        """Poll for ever; a failure is logged once and says nothing of what exists."""
        self.used()
        while True:
            self._poked = trio.Event()
            await self.poll_safely()
            with trio.move_on_after(pause(self.pace, self.clock() - self._used_at)):
                await self._poked.wait()

    async def poll_safely(self) -> None:
        """One poll that survives every failure of the service."""
        try:
            await self.poll()
        except Failure as failure:
            level = logging.WARNING if self.healthy else logging.DEBUG
            log.log(level, "cannot look for changes: %s", failure)
            self._tell_of_login(failure)
            self.healthy, self.trouble = False, str(failure)
        except Exception:
            # One node that we cannot digest must not end every mount of the account.
            log.exception("looking for changes met a fault of mountcloud")
            self.healthy, self.trouble = False, _FAULT
        else:
            if not self.healthy:
                log.info("changes are seen again")
            self.healthy, self._locked_out, self.trouble = True, False, ""
            self.last_poll = self.clock()

    def _tell_of_login(self, failure: Failure) -> None:
        if isinstance(failure, AuthenticationRequired | AccountBlocked) and not self._locked_out:
            self._locked_out = True
            self.told(Notice(NoticeKind.LOGIN, f"{failure.message}; what is changed meanwhile waits on this machine"))

    async def poll(self) -> None:
        """Bring the index up to what changed on the service since the last time."""
        if self.index.entry(ROOT_INODE) is None:
            await self.ensure_root()
        if self.provider.capabilities.change_feed is ChangeFeed.CURSOR:
            await self._follow_feed()
        else:
            await self._follow_versions()
        await self._recheck()
        await self.space.ask()

    async def _follow_feed(self) -> None:
        more = True
        while more:
            cursor = self.index.note(_CURSOR)
            with self._asking() as clock:
                batch = await self.provider.changes(None if cursor is None else Cursor(cursor))
                if batch.reset:
                    self.index.forget_listings()
                elif cursor is None:
                    self.index.doubt_listings()  # what changed between them and this cursor is never told
                self._told += batch.reset or cursor is None
                self._apply_in_parts([each for each in batch.changes if self._concerns_us(each)], clock, batch.cursor)
            self._told += len(batch.changes)
            more = batch.more
        await self._list_all(self.index.doubted_directories())

    def _apply_in_parts(self, changes: Sequence[Change], clock: int, cursor: Cursor) -> None:
        """The cursor is kept with the last part: a crash before means that the batch is seen again."""
        while len(changes) > _MOST_AT_ONCE:
            self._apply(changes[:_MOST_AT_ONCE], clock)
            changes = changes[_MOST_AT_ONCE:]
        self._apply(changes, clock, {_CURSOR: cursor})

    def _concerns_us(self, change: Change) -> bool:
        """Nodes below directories that were never listed would make a picture with holes that looks whole."""
        if isinstance(change, Removed) or self.index.by_id(change.node.id) is not None:
            return True
        parent = None if change.node.parent is None else self.index.by_id(change.node.parent)
        return parent is not None and parent.listed is not None

    async def _follow_versions(self) -> None:
        """From the top, into directories whose version changed. Without versions only the root is seen here."""
        root = self.index.require(ROOT_INODE)
        if root.listed is not None:
            await self.list_again(root.node.id)
        tried: set[NodeId] = set()
        while True:
            outdated = self.index.outdated_directories()
            due = {each.node.id for each in outdated if not is_local(each.node.id)} - tried
            if not due:
                return
            tried |= due
            await self._list_all([each for each in outdated if each.node.id in due])

    async def _list_all(self, directories: Sequence[Entry]) -> None:
        for each in directories:
            if not is_local(each.node.id):
                await self._list_if_there(each.node.id)

    async def _list_if_there(self, node: NodeId) -> None:
        try:
            await self.list_again(node)
        except NotFound:
            log.info("a directory is gone from the service: node %s", node)
        except Failure as failure:
            if failure.transient and not isinstance(failure, Busy):
                raise
            log.info("directory %s is to be looked at later: %s", node, failure)
            self.index.doubt_listing(node)

    async def _recheck(self) -> None:
        """List again what may have changed without a word."""
        feed = self.provider.capabilities.change_feed
        if feed is ChangeFeed.CURSOR:
            return
        silent = feed is ChangeFeed.NONE
        # Half of the interval: the listing of the last poll is a little younger than the interval.
        hot_s = min(self.pace.active_s / 2, self.recheck_s) if silent else self.recheck_s
        recheck = Recheck(hot_s, self.recheck_s, _COLD_S if silent else 0)
        now = self.clock()
        self._opened = {node: at for node, at in self._opened.items() if is_remembered(now - at)}
        known = {entry.inode: entry for node in self._opened if (entry := self.index.by_id(node)) is not None}
        known |= {entry.inode: entry for entry in self.index.oldest_listings(recheck.most)} if silent else {}
        listings = [self._listing_of(each, now) for each in known.values() if each.listed is not None]
        found = [self.index.by_id(node) for node in due(listings, recheck)]
        await self._list_all([each for each in found if each is not None])

    def _listing_of(self, entry: Entry, now: float) -> Listing:
        opened = self._opened.get(entry.node.id)
        return Listing(entry.node.id, now - entry.listed_at, None if opened is None else now - opened)


def _subject(change: Change) -> NodeId:
    return change.node.id if isinstance(change, Upserted) else change.id
