"""Removals are counted as they are owed; too many at a time wait for the user's word, over restarts too."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mountcloud.model.ids import Ref, is_local
from mountcloud.model.notice import Notice, NoticeKind, Told, nobody
from mountcloud.model.operation import Operation, OperationKind
from mountcloud.policy.guard import DeleteGuard, Watch
from mountcloud.store.journal import Journal

log = logging.getLogger(__name__)

_NOTE = "delete guard"
_FRESH_S = 3600.0
_MOST_FRESH = 100_000


@dataclass(slots=True)
class Removals:
    """The guard of one account. ``clock`` tells seconds since the epoch; ``halted`` is called when removals must wait.

    What this machine made within the last hour and nobody changed since may go uncounted, so that clearing away a
    build needs no permission; after a restart it counts, since only memory knows of it.
    """

    journal: Journal
    guard: DeleteGuard
    clock: Callable[[], float]
    halted: Callable[[], None] = lambda: None
    told: Told = nobody
    _fresh: OrderedDict[Ref, float] = field(default_factory=OrderedDict)

    def start(self) -> None:
        """Before anything is sent: what was decided before holds on."""
        watch = Watch(self.journal.note(_NOTE) or Watch.WATCHING.value)
        before = DeleteGuard(self.guard.limit, self.guard.window_s, watch)
        self._become(before.after_start(len(self.owed), self.clock()))

    @property
    def owed(self) -> list[Operation]:
        """The removals that wait or are on their way."""
        return [each for each in self.journal.operations if each.kind is OperationKind.REMOVE]

    @property
    def stopped(self) -> bool:
        """True while removals wait for the user."""
        return self.guard.stopped

    def made(self, ref: Ref) -> None:
        """This machine made the node, at this version."""
        self._fresh[ref] = self.clock()
        self._fresh.move_to_end(ref)
        if len(self._fresh) > _MOST_FRESH:
            self._fresh.popitem(last=False)

    def _is_fresh(self, ref: Ref) -> bool:
        return is_local(ref.id) or self.clock() - self._fresh.pop(ref, float("-inf")) < _FRESH_S

    def count(self, operations: Iterable[Operation]) -> None:
        """These became owed; those of them that remove something count."""
        for each in operations:
            if each.kind is OperationKind.REMOVE and not self._is_fresh(Ref(each.node, each.version)):
                self._become(self.guard.after_removal(self.clock()))

    def allow(self) -> int:
        """The user said yes; tells how many go."""
        self._become(self.guard.after_allowed(self.clock()))
        return len(self.owed)

    def forget(self) -> None:
        """The user took them back."""
        self._become(self.guard.after_discarded())

    def _become(self, guard: DeleteGuard) -> None:
        before, self.guard = self.guard, guard
        if guard.watch is not before.watch:
            self.journal.put_note(_NOTE, guard.watch.value)
        if guard.stopped and not before.stopped:
            words = f"more than {guard.limit} files and directories were removed: let them go, or take them back"
            self.told(Notice(NoticeKind.GUARD, words))
            log.warning(
                "more than %d files and directories were removed within %g s: removals wait for your word: "
                "mountcloud queue NAME --allow-deletes or --discard-deletes",
                guard.limit,
                guard.window_s,
            )
            self.halted()
