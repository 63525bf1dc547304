"""What changed, line by line (Amazon facts, 13)."""

import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mountcloud.model.change import Change, ChangeBatch, Removed, Upserted
from mountcloud.model.errors import Failure, Unavailable
from mountcloud.model.ids import Cursor
from mountcloud.policy.allowance import Allowance
from mountcloud.providers.amazon import wire
from mountcloud.providers.amazon.api import Api
from mountcloud.providers.amazon.errors import failure_for
from mountcloud.providers.amazon.tree import Tree
from mountcloud.providers.amazon.wire import RemoteNode

_log = logging.getLogger(__name__)

NODES_AT_ONCE = 20_000
"""Most nodes of one answer that are held here until they are applied."""

PENDING = "PENDING"
_GONE = frozenset({"TRASH", "PURGED"})


@dataclass(frozen=True, slots=True)
class Told:
    """One line: nodes, and where to go on once they are applied."""

    nodes: tuple[RemoteNode, ...]
    checkpoint: Cursor


class Answered:
    """One answer of the feed while it comes. ``failure`` is why it ended early; what came before it is right."""

    def __init__(self, read: Callable[[object], RemoteNode], *, keep: bool) -> None:
        self._read = read
        self._keep = keep
        self.lines: list[Told] = []
        self.last: Cursor | None = None
        self.reset = False
        self.ended = False
        self.failure: Failure | None = None

    @property
    def complete(self) -> bool:
        """True if nothing more is to be had now: it ended, and not because it was long enough."""
        return self.ended and sum(len(each.nodes) for each in self.lines) < NODES_AT_ONCE

    def take(self, line: bytes) -> None:
        """Never raises: it is called in the middle of an answer."""
        if self.failure is not None or self.ended or not line.strip():
            return
        try:
            self._understand(wire.mapping(json.loads(line)))
        except (ValueError, Failure) as broken:
            self.failure = broken if isinstance(broken, Failure) else Unavailable("a line of the feed is no JSON")

    def _understand(self, found: wire.Json) -> None:
        if found.get("end") is True:
            self.ended = True
            return
        status = found.get("statusCode", 200)
        if status != 200:
            raise failure_for(status if isinstance(status, int) else 500)
        checkpoint, nodes = wire.text(found, "checkpoint"), found.get("nodes", [])
        if not checkpoint or not isinstance(nodes, list):
            raise Unavailable("a line of the feed has an unknown form")
        self.reset = self.reset or found.get("reset") is True
        self.last = Cursor(checkpoint)
        if self._keep and not self.reset:
            self.lines.append(Told(tuple(self._read(each) for each in nodes), self.last))


class Feed:
    """The change feed of one account. ``clock`` is in seconds; calls beyond ``per_hour`` are not made (0: no limit)."""

    def __init__(self, api: Api, tree: Tree, per_hour: int, clock: Callable[[], float]) -> None:
        self._api = api
        self._tree = tree
        self._clock = clock
        self._per_hour = per_hour
        self._allowance: Allowance | None = None
        self._next = Cursor("")
        self._ahead: deque[Told] = deque()
        self._more = False

    async def changes(self, cursor: Cursor | None) -> ChangeBatch:
        """What one line told; the other lines of the answer are given one by one to who asks on from there.

        An empty batch with the same cursor while it is too early to ask again.
        """
        if cursor is None:
            return ChangeBatch((), await self._present(None))
        if not self._ahead or self._next != cursor:
            self._ahead.clear()
            if not self._may_ask():
                return ChangeBatch((), cursor)
            answer = await self._answer(cursor, keep=True)
            if answer.reset:
                # A full listing follows, which nobody needs: who forgets the picture looks again where he wants.
                return ChangeBatch((), await self._end_of(answer), reset=True)
            self._ahead.extend(answer.lines)
            self._more = bool(answer.lines) and not answer.complete
        return await self._handed_on(cursor)

    async def _handed_on(self, cursor: Cursor) -> ChangeBatch:
        """The next line that tells anything."""
        changes: list[Change] = []
        while self._ahead and not changes:
            line = self._ahead[0]
            changes = await self._meaning(line.nodes)
            if self._ahead and self._ahead[0] is line:
                self._ahead.popleft()
            cursor = line.checkpoint
        self._next = cursor
        return ChangeBatch(tuple(changes), cursor, more=bool(changes) and (bool(self._ahead) or self._more))

    def _may_ask(self) -> bool:
        now = self._clock()
        left = (self._allowance or Allowance.full(self._per_hour, now)).after_call(now)
        self._allowance = left or self._allowance
        return left is not None

    async def _present(self, after: Cursor | None) -> Cursor:
        """The end of the feed: all of it goes by once, since there is no other way to learn the last checkpoint."""
        self._may_ask()
        return await self._end_of(await self._answer(after, keep=False))

    async def _end_of(self, answer: Answered) -> Cursor:
        """A cut answer is gone on with from where it was cut, as long as that leads on."""
        while not answer.ended:
            last = answer.last
            answer = await self._answer(last, keep=False)
            if answer.last in {None, last} and not answer.ended:
                raise answer.failure or Unavailable("the change feed does not come to its end")
            answer.last = answer.last or last
        if answer.last is None:
            raise Unavailable("the change feed names no checkpoint")
        return answer.last

    async def _answer(self, cursor: Cursor | None, *, keep: bool) -> Answered:
        """One call. Raises its failure only if it told nothing at all."""
        answered = Answered(self._api.read, keep=keep)
        body: dict[str, object] = {"includePurged": "true"} | ({"maxNodes": NODES_AT_ONCE} if keep else {})
        body |= {} if cursor is None else {"checkpoint": cursor}
        try:
            answer = await self._api.stream("changes", body, answered.take)
        except Unavailable as broken:
            answered.failure = answered.failure or broken
        else:
            if not answer.ok:
                answered.failure = answer.failure()
        if answered.last is None and not answered.ended:
            raise answered.failure or Unavailable("the change feed told nothing")
        if answered.failure is not None:
            _log.info("the change feed broke off, what it told before counts: %s", answered.failure)
        return answered

    async def _meaning(self, nodes: Sequence[RemoteNode]) -> list[Change]:
        """Children may come before their parents, so all of a line is known before any of it is understood."""
        for each in nodes:
            if each.status != PENDING:
                self._tree.note(each)
        changes: list[Change] = []
        for each in nodes:
            changes += await self._meaning_of(each)
        return changes

    async def _meaning_of(self, remote: RemoteNode) -> list[Change]:
        shown = self._tree.links.shown(remote.id)
        if remote.status in _GONE:
            return [Removed(each) for each in shown]
        if not remote.is_there or remote.is_root:
            return []
        spots = [
            each
            for each in self._tree.links.spots(remote)
            if each.parent is None or not remote.is_folder or remote.id not in await self._tree.above(each.parent)
        ]
        there = {each.id for each in spots}
        left: list[Change] = [Removed(each) for each in shown if each not in there]
        return [*left, *(Upserted(wire.to_node(remote, each.id, each.parent)) for each in spots)]
