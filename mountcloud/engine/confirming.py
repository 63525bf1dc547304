"""For accounts that want it: a program's call returns when the service has what it did, or with its refusal."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from mountcloud.model.errors import Busy, Failure, Refused, Unavailable
from mountcloud.model.ids import Inode, NodeId, OperationId
from mountcloud.model.operation import Operation, OperationKind, OperationState
from mountcloud.store.index import Entry, Index
from mountcloud.store.journal import Journal

_REMEMBERED = 1024


@dataclass(slots=True)
class Confirmation:
    """Waits for what is owed. ``held`` tells what rests until a program acts, such as an empty file still open.

    ``stays_here`` tells of what is never sent for its name, ``stopped`` whether removals wait for the user's word.
    At most ``most`` calls wait at a time, each up to ``deadline_s`` seconds: whoever waits takes one of the places at
    which the mount answers programs. ``waiting`` is how many do now.
    """

    index: Index
    journal: Journal
    held: Callable[[Operation], bool]
    deadline_s: float
    most: int
    stays_here: Callable[[Entry], bool] = lambda entry: False
    stopped: Callable[[], bool] = lambda: False
    waiting: int = 0
    _refusals: OrderedDict[OperationId, Failure] = field(default_factory=OrderedDict)
    _news: trio.Event = field(default_factory=trio.Event)

    def refused(self, operation: OperationId, failure: Failure) -> None:
        """The service said no for good."""
        self._refusals[operation] = failure
        if len(self._refusals) > _REMEMBERED:
            self._refusals.popitem(last=False)

    def finished(self) -> None:
        """Some attempt is over, or something else is to be looked at again."""
        self._news.set()
        self._news = trio.Event()

    async def of(self, inode: Inode, node: NodeId) -> None:
        """Return when nothing is owed for the node, which may get its real id meanwhile, or may be gone.

        Raises what the service refused with, ``Unavailable`` after the deadline (it is owed all the same), ``Busy`` if
        too many calls wait already, or if it is a removal that waits for the user's word.
        """
        if self.waiting >= self.most:
            raise Busy(f"{self.most} calls wait for the service already; this one's change is owed all the same")
        self.waiting += 1
        try:
            with trio.move_on_after(self.deadline_s):
                await self._settled(inode, node)
                return
        finally:
            self.waiting -= 1
        raise Unavailable(f"the service did not take it within {self.deadline_s:g} s; it is owed all the same")

    async def _settled(self, inode: Inode, node: NodeId) -> None:
        seen: set[OperationId] = set()
        while True:
            news = self._news
            open_ones = self._open(inode, node, seen)
            seen |= {each.id for each in open_ones}
            self._raise_refusal(open_ones, seen)
            if not open_ones or self._is_kept(inode):
                return
            if self.stopped() and any(each.kind is OperationKind.REMOVE for each in open_ones):
                raise Busy("removals wait for your word", hint="mountcloud queue NAME --allow-deletes")
            await news.wait()

    def _is_kept(self, inode: Inode) -> bool:
        entry = self.index.entry(inode)
        return entry is not None and self.stays_here(entry)

    def _open(self, inode: Inode, node: NodeId, seen: set[OperationId]) -> list[Operation]:
        entry = self.index.entry(inode)
        found = {each.id: each for each in self.journal.of(node if entry is None else entry.node.id)}
        found |= {key: each for key in seen if (each := self.journal.get(key)) is not None}
        return [each for each in found.values() if each.kind is not OperationKind.UPLOAD or not self.held(each)]

    def _raise_refusal(self, open_ones: list[Operation], seen: set[OperationId]) -> None:
        for key in seen:
            failure = self._refusals.pop(key, None)
            if failure is not None:
                raise failure
        parked = next((each for each in open_ones if each.state is OperationState.PARKED), None)
        if parked is not None:
            raise Refused(parked.error)
