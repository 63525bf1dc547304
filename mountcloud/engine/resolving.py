"""What a refusal of the service means for an owed operation, where it means anything but "somebody must act"."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import uuid4

from mountcloud.engine.local_changes import LocalChanges
from mountcloud.engine.syncing import Syncer
from mountcloud.model.change import Stale
from mountcloud.model.errors import Conflict, Exists, Failure, NotEmpty, NotFound
from mountcloud.model.ids import LOCAL_PREFIX, NodeId, OperationId, Ref
from mountcloud.model.names import NameRules
from mountcloud.model.node import Rights
from mountcloud.model.notice import Notice, NoticeKind, Told, nobody
from mountcloud.model.operation import UNKNOWN, Operation, OperationKind, OperationState, Slot
from mountcloud.policy import merging
from mountcloud.policy.conflict import conflict_name
from mountcloud.policy.merging import Amendment
from mountcloud.policy.upload import Event, after
from mountcloud.store.attributes import Attributes
from mountcloud.store.index import Entry, Index
from mountcloud.store.journal import Journal

log = logging.getLogger(__name__)

_MOOT = {OperationKind.MOVE, OperationKind.SET_TIMES, OperationKind.SET_MODE, OperationKind.REMOVE}
"""What there is no point in once the node is gone, or is another by now."""


@dataclass(slots=True)
class Resolver:
    """Finds another way for what cannot go as it was meant; nothing that was written here is dropped on it."""

    index: Index
    journal: Journal
    attributes: Attributes
    local: LocalChanges
    syncer: Syncer
    clock: Callable[[], float]
    today: Callable[[], str]
    host: str
    names: NameRules
    told: Told = nobody

    def again(self, key: OperationId, error: str, wait: float, *, counts: bool = True) -> None:
        """Let it be tried again after ``wait`` seconds; the attempt that ended ``counts`` unless it never began."""
        current = self.journal.get(key)
        if current is None:
            return
        state = after(current.state, Event.TRANSIENT)
        attempts = current.attempts + (1 if counts else 0)
        later = replace(current, state=state, attempts=attempts, not_before=self.clock() + wait, error=error)
        self.journal.put(later)

    def resolved(self, operation: Operation, failure: Failure) -> bool:
        """What the service's answer means for this operation, where it means anything but "somebody must act"."""
        kind = operation.kind
        if kind is OperationKind.UPLOAD:
            return self._resolve_upload(operation, failure)
        placing = {OperationKind.MOVE, OperationKind.MAKE_DIRECTORY}
        if isinstance(failure, Exists | Conflict) and kind in placing and operation.target is not None:
            return self._move_beside(operation)
        gone = isinstance(failure, NotFound)
        if kind in _MOOT and (gone or isinstance(failure, Conflict | NotEmpty)):
            self._give_up(operation, failure, quiet=gone)
            return True
        return False

    def _resolve_upload(self, operation: Operation, failure: Failure) -> bool:
        """Conflicts keep both; a file that was deleted on the service while it was edited here is made again."""
        current = self.journal.get(operation.id)
        if current is None:
            return True
        if isinstance(failure, NotFound) and operation.replaces is not None:
            self.again(operation.id, "", 0.0)
            waiting = self.journal.get(operation.id)
            if waiting is not None:
                target = waiting.target
                name = operation.node if target is None else target.name
                self.local.fork(waiting, name, self.index.shown_as(waiting.node, name))
            return True
        if isinstance(failure, Exists | Conflict):
            self.again(operation.id, "", 0.0)
            self._keep_both(operation.id)
            return True
        return False

    def rehome(self, operation: Operation) -> bool:
        """The directory of something new is gone from the service: it is made again, as this machine shows it.

        False where that cannot be: outside of any encrypted room for what is encrypted, or without the right to.
        """
        current = self.journal.get(operation.id)
        if current is None or current.target is None or operation.target is None:
            return True
        directory = self.index.by_id(current.target.parent)
        above = None if directory is None or directory.node.parent is None else self.index.by_id(directory.node.parent)
        moved_on = current.target.parent != operation.target.parent
        if not moved_on and (directory is None or above is None or not _can_hold(above, directory)):
            return False
        self.again(operation.id, "", 0.0)
        if not moved_on and directory is not None and above is not None:
            self._make_again(directory, Slot(above.node.id, directory.node.name))
        return True

    def _make_again(self, directory: Entry, slot: Slot) -> None:
        old, new = directory.node.id, NodeId(f"{LOCAL_PREFIX}{uuid4().hex}")
        log.warning("%r is gone from the service but holds what was written here: it is made again", slot.name)
        own = tuple(each.id for each in self.journal.of(old) if each.state is not OperationState.SENDING)
        others = [each for each in self.journal.operations if each.id not in own]
        follow = [after for each in others if (after := merging.settle(each, old, Ref(new, UNKNOWN))) != each]
        made = merging.make_directory(new, slot, directory.node.mtime_ns)
        self.journal.amend(Amendment(own, (*follow, *made.put)))
        node = replace(directory.node, id=new, version=UNKNOWN, rights=Rights.ALL)
        self.syncer.kernel.forget(self.index.rebind(old, node))
        self.index.set_listed(new, UNKNOWN, self.clock())
        self.attributes.rebind(old, new)
        self.syncer.forget_below(new)

    def _keep_both(self, key: OperationId) -> None:
        current = self.journal.get(key)
        if current is None or current.target is None:
            return
        name = self._name_beside(current.node, current.target)
        log.warning("%r was changed here and on the service: this machine's is kept as %r", current.target.name, name)
        words = f"{current.target.name} was changed here and on the service; this machine's is {name}"
        self.told(Notice(NoticeKind.CONFLICT, words))
        before = self.index.by_id(current.node)
        self.local.fork(current, name, self.index.shown_as(current.node, name))
        if before is not None:
            parent = self.index.by_id(current.target.parent)
            place = None if parent is None else parent.inode
            self.syncer.kernel.forget([Stale(before.inode, place, before.file_name)])
        self.index.doubt_listing(current.target.parent)
        self.syncer.poke()

    def _name_beside(self, node: NodeId, slot: Slot) -> str:
        def taken(candidate: str) -> bool:
            return self.index.child(slot.parent, self.index.shown_as(node, candidate)) is not None

        return conflict_name(slot.name, self.host, self.today(), taken, self.names)

    def _move_beside(self, operation: Operation) -> bool:
        target, entry = operation.target, self.index.by_id(operation.node)
        if target is None:
            return False
        name = self._name_beside(operation.node, target)
        log.warning("%r exists on the service already: what was moved there is kept as %r", target.name, name)
        self.again(operation.id, "", 0.0)
        current = self.journal.get(operation.id)
        if current is not None:
            self.journal.put(replace(current, target=replace(target, name=name), replaces=None))
        if entry is not None and entry.node.parent == target.parent:
            self.index.place(entry.inode, target.parent, name, self.index.shown_as(operation.node, name))
            parent = self.index.by_id(target.parent)
            self.syncer.kernel.forget([Stale(entry.inode, None if parent is None else parent.inode, entry.file_name)])
        self.index.doubt_listing(target.parent)
        self.syncer.poke()
        return True

    def _give_up(self, operation: Operation, failure: Failure, *, quiet: bool) -> None:
        """The service's state stands; the local view is corrected by listing again."""
        level = logging.DEBUG if quiet and operation.kind is OperationKind.REMOVE else logging.WARNING
        log.log(level, "%s of node %s is not done: %s", operation.kind.value, operation.node, failure)
        self.journal.done(operation.id, operation.node, None)
        for slot in (operation.source, operation.target):
            if slot is not None:
                self.index.doubt_listing(slot.parent)
        self.syncer.poke()


def _can_hold(above: Entry, directory: Entry) -> bool:
    may = Rights.CREATE_DIRECTORIES in above.node.rights
    return may and (above.node.encrypted or not directory.node.encrypted)
