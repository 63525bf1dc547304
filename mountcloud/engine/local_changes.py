"""What programs change is first a fact on this machine: journaled, shown in the index, and owed to the service.

Every method is synchronous: between two of them nothing else happens, so journal and index never contradict.
The callers have checked rights, names and emptiness. A call is one commit, the journal's: the index is made from that
again, should the process die before its own next commit.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from mountcloud.engine.drafting import Draft, Drafts
from mountcloud.engine.guarding import Removals
from mountcloud.engine.salvaging import Salvage
from mountcloud.model.ids import LOCAL_PREFIX, Inode, NodeId, Ref, Version, is_local
from mountcloud.model.node import Kind, Node, Rights, usual_mode
from mountcloud.model.operation import UNKNOWN, Operation, OperationKind, OperationState, Slot
from mountcloud.policy import merging, settling
from mountcloud.policy.local_names import LocalNames
from mountcloud.policy.merging import Amendment, Sealed, Subject
from mountcloud.store.attributes import Attributes
from mountcloud.store.homes import Home
from mountcloud.store.index import Entry, Index
from mountcloud.store.journal import Journal

_REMEMBERED = 4096


@dataclass(slots=True)
class LocalChanges:
    """``settle_s`` is how long a saved file rests before it is sent; ``clock_ns`` tells nanoseconds since the epoch."""

    index: Index
    journal: Journal
    attributes: Attributes
    drafts: Drafts
    clock_ns: Callable[[], int]
    settle_s: float
    open_handles: Callable[[Inode], int]
    open_writers: Callable[[Inode], int]
    salvage: Salvage
    removals: Removals
    local_names: LocalNames = field(default_factory=LocalNames)
    keeps_modes: bool = False
    owed: Callable[[], None] = lambda: None
    _unlinked: set[Inode] = field(default_factory=set)
    _successors: OrderedDict[Inode, Inode] = field(default_factory=OrderedDict)
    _first_saved: OrderedDict[Inode, float] = field(default_factory=OrderedDict)

    def subject(self, entry: Entry) -> Subject:
        """The entry as the merging policy sees it."""
        node = entry.node
        slot = Slot(node.parent or NodeId(""), node.name)
        return Subject(
            node.ref,
            slot,
            node.is_directory,
            self.journal.of(node.id),
            self.journal.involves_below(node.id),
            self.stays_here(entry),
        )

    def stays_here(self, entry: Entry) -> bool:
        """True for what was made here under a name of ``local_names``, or in a directory of that kind."""
        if not is_local(entry.node.id):
            return False
        for each in self.index.ancestors(entry.node.id):
            if not is_local(each):
                return False
            above = self.index.by_id(each)
            if above is not None and self.local_names.match(above.node.name):
                return all(owed.unsent for owed in self.journal.of(each))
        return False

    def may_stay(self, entry: Entry) -> bool:
        """True if it can be moved to where nothing is sent from: a file that is still unsent, or what stays already."""
        unsent = all(each.creates and each.unsent for each in self.journal.of(entry.node.id))
        return self.stays_here(entry) or (is_local(entry.node.id) and unsent and not entry.node.is_directory)

    def is_kept(self, operation: Operation) -> bool:
        """True for the making of what stays on this machine for its own name; new content of a file there goes."""
        fresh = operation.creates and operation.replaces is None and operation.target is not None
        return fresh and operation.target is not None and self.local_names.match(operation.target.name)

    def _amend(self, amendment: Amendment) -> None:
        dropped = [op for each in amendment.drop if (op := self.journal.get(each)) is not None]
        kept = {each.staged for each in amendment.put}
        for each in amendment.put:
            self._note_homes(each)
        self.journal.amend(amendment, [name for each in dropped if (name := self.released(each)) and name not in kept])
        self.removals.count(each for each in amendment.put if each.id == merging.NEW)
        self.owed()

    def _note_homes(self, operation: Operation) -> None:
        target, moved = operation.target, operation.is_directory and not is_local(operation.node)
        if target is not None:
            self.note_home(target.parent)
        entry = self.index.by_id(operation.node) if moved else None
        if target is not None and entry is not None:
            self.journal.homes.note([Home(operation.node, target.parent, target.name, entry.node.encrypted)])

    def note_home(self, directory: NodeId) -> None:
        """Something is owed in a directory; it and those above it are found again without the index."""
        homes: list[Home] = []
        while (entry := self.index.by_id(directory)) is not None and entry.node.parent is not None:
            home = Home(entry.node.id, entry.node.parent, entry.node.name, entry.node.encrypted)
            if is_local(home.id) or self.journal.homes.knows(home):
                break
            homes.append(home)
            directory = home.parent
        self.journal.homes.note(reversed(homes))

    def released(self, operation: Operation) -> str:
        """The draft of an upload that is about to leave the journal, empty if it has none or a program has it open."""
        return "" if self.drafts.holds(operation.staged) else operation.staged

    def _new_node(self, parent: Node, name: str, kind: Kind) -> Node:
        node_id = NodeId(f"{LOCAL_PREFIX}{uuid4().hex}")
        now = self.clock_ns()
        return Node(node_id, parent.id, name, kind, 0, Version(""), now, Rights.ALL, parent.encrypted)

    def _touch(self, *directories: NodeId | None) -> None:
        for directory in dict.fromkeys(directories):
            entry = None if directory is None else self.index.by_id(directory)
            if entry is not None:
                self.index.set_content(entry.inode, 0, self.clock_ns())

    def create_file(self, parent: Entry, name: str, size: int = 0) -> Entry:
        """A new file, not owed before it is sealed. ``size`` bytes are about to be written. Raises ``DiskFull``."""
        with self.index.postponed():
            entry = self.index.add(replace(self._new_node(parent.node, name, Kind.FILE), size=size))
            self._touch(parent.node.id)
            self.drafts.create(entry.inode, sealed=entry.node.encrypted)
        return entry

    def make_directory(self, parent: Entry, name: str) -> Entry:
        """A new directory; all of its (no) children are known."""
        node = self._new_node(parent.node, name, Kind.DIRECTORY)
        self._amend(merging.make_directory(node.id, Slot(parent.node.id, name), node.mtime_ns))
        with self.index.postponed():
            entry = self.index.add(node, listed_at=node.mtime_ns / 1e9)
            self._touch(parent.node.id)
        return entry

    def seal(self, draft: Draft) -> None:
        """The draft's present bytes are owed from now on, unless they are already or the file has no name."""
        entry = self.index.entry(draft.inode)
        if not draft.dirty or entry is None or entry.node.parent is None:
            return
        size = draft.file.size
        due = self._due(entry)
        sealed = Sealed(draft.file.name, draft.generation, size, draft.mtime_ns, due)
        self._amend(merging.seal(self.subject(entry), sealed))
        with self.index.postponed():
            self.index.set_content(entry.inode, size, draft.mtime_ns)
        draft.sealed = draft.generation

    def _due(self, entry: Entry) -> float:
        now = self.clock_ns() / 1e9
        owed = self.journal.of(entry.node.id)
        resting = any(each.kind is OperationKind.UPLOAD and each.state is OperationState.QUEUED for each in owed)
        first = self._first_saved.get(entry.inode, now) if resting else now
        self._first_saved[entry.inode] = first
        _bound(self._first_saved)
        return settling.due(now, first, self.settle_s, new=is_local(entry.node.id))

    def set_times(self, entry: Entry, mtime_ns: int) -> None:
        """Another modification time. A draft with unsealed bytes brings it along when it is sealed."""
        draft = self.drafts.get(entry.inode)
        if draft is not None:
            draft.mtime_ns = mtime_ns
        with self.index.postponed():
            self.index.set_content(entry.inode, entry.node.size if draft is None else draft.file.size, mtime_ns)
        subject = self.subject(entry)
        carried = draft is not None and draft.dirty
        if not subject.unknown and not carried and entry.node.parent is not None:
            self._amend(merging.set_times(subject, mtime_ns))

    def set_mode(self, entry: Entry) -> None:
        """The permission bits in the attributes are others now: owed where the service keeps them and has the node."""
        if self.keeps_modes and entry.node.parent is not None and not is_local(entry.node.id):
            self._amend(merging.set_mode(self.subject(entry)))

    def mode_settled(self, sent: Operation, result: Node, *, adopted: bool) -> None:
        """The service has the node in this state: are its permission bits those that programs see here?

        What is made here may take the place, and so the bits, of another file. Bits that the service has need not be
        remembered here, where they would hide what other machines make of them.
        """
        entry = self.index.by_id(result.id)
        if not self.keeps_modes or entry is None:
            return
        stored = self.attributes.get(result.id)
        usual = usual_mode(directory=result.is_directory)
        chosen, kept = usual if stored.mode is None else stored.mode, usual if result.mode is None else result.mode
        if sent.creates and not adopted and chosen != kept:
            self.attributes.put(result.id, replace(stored, mode=chosen))
            self.set_mode(entry)
            return
        if stored.mode == result.mode:
            self.attributes.put(result.id, replace(stored, mode=None))

    def move(self, entry: Entry, parent: Entry, name: str, file_name: str, victim: Entry | None) -> None:
        """Another place; whatever holds it makes way. Bytes that were written but not sealed are sealed before."""
        draft = self.drafts.get(entry.inode)
        if draft is not None:
            self.seal(draft)
        source = entry.node.parent
        doomed = None if victim is None else self.subject(victim)
        target = Slot(parent.node.id, name)
        not_before = 0.0 if entry.node.is_directory else self.clock_ns() / 1e9 + self.settle_s
        amendment = merging.move(self.subject(entry), target, doomed, self.journal.last, not_before)
        self._amend(amendment)
        with self.index.postponed():
            if victim is not None:
                self._unlink(victim)
                self._remember_successor(victim.inode, entry.inode)
            self.index.place(entry.inode, parent.node.id, name, file_name)
            self._touch(source, parent.node.id)

    def remove(self, entry: Entry) -> None:
        """A file, or a directory whose children are all gone, goes. Open handles keep it until they are closed."""
        self._amend(merging.remove(self.subject(entry), self._rivals(entry)))
        with self.index.postponed():
            self._unlink(entry)
            self._touch(entry.node.parent)

    def _rivals(self, entry: Entry) -> list[Operation]:
        """All that uses the name that the service still knows a moved file by."""
        moves = [each for each in self.journal.of(entry.node.id) if each.kind is OperationKind.MOVE]
        source = moves[0].source if moves and not entry.node.is_directory else None
        return [] if source is None else self.journal.using(source)

    def _remember_successor(self, old: Inode, new: Inode) -> None:
        self._successors[old] = new
        _bound(self._successors)

    def successor(self, inode: Inode) -> Inode | None:
        """What took the place of a file: a program that had just looked the name up may be given that instead."""
        return self._successors.get(inode)

    def _unlink(self, entry: Entry) -> None:
        if self.open_handles(entry.inode) and not entry.node.is_directory:
            self.index.detach(entry.inode)
            self.attributes.copy(entry.node.id, self.index.require(entry.inode).node.id)
            self._unlinked.add(entry.inode)
            if self.drafts.get(entry.inode) is None:
                self.salvage.start(entry.inode, entry.node)
        else:
            self._drop(entry.inode)

    def _drop(self, inode: Inode) -> None:
        """Nothing shows the node any more; its bytes go too, unless an upload that may have begun still needs them."""
        entry = self.index.entry(inode)
        if entry is not None and (is_local(entry.node.id) or entry.node.parent is None):
            self.attributes.forget(entry.node.id)
        self.index.drop(inode)
        self.let_go(inode)

    def let_go(self, inode: Inode) -> None:
        """No program has the file open any more: its draft stays on the disk only if it is owed."""
        staged = self.drafts.let_go(inode)
        if staged is not None and not self.journal.needs(staged):
            self.journal.amend(Amendment(), (staged,))

    def closed(self, inode: Inode) -> None:
        """The last handle is closed: what it held may be sent or go."""
        draft = self.drafts.get(inode)
        if inode in self._unlinked:
            self._unlinked.discard(inode)
            self.salvage.end(inode)
            self._drop(inode)
        elif draft is not None:
            self.seal(draft)
            self.let_go(inode)
        self.owed()

    def held(self, operation: Operation) -> bool:
        """True while an operation must wait for a program: for the last handle of what is to be removed, or for bytes.

        An empty file that is still open for writing is no version that anybody wants to have on the service.
        """
        if self.is_kept(operation):
            return True
        if operation.kind is OperationKind.REMOVE:
            return self.removals.stopped or self.salvage.needs(operation.node)
        if operation.replaces is not None and self.salvage.holds(operation.replaces.id):
            return True
        entry = self.index.by_id(operation.node) if operation.kind is OperationKind.UPLOAD else None
        draft = None if entry is None else self.drafts.get(entry.inode)
        if entry is None or draft is None:
            return False
        return draft.dirty or (operation.size == 0 and self.open_writers(entry.inode) > 0)

    def unchanged(self, operation: Operation) -> bool:
        """True while the bytes of an upload that is being sent are the ones that it was started with."""
        current = self.journal.get(operation.id)
        if current is None or current.generation != operation.generation or self.is_pointless(current):
            return False
        entry = self.index.by_id(operation.node)
        draft = None if entry is None else self.drafts.get(entry.inode)
        return draft is None or draft.generation == operation.generation

    def is_pointless(self, operation: Operation) -> bool:
        """True for an upload of a file that was removed meanwhile."""
        return merging.abandon(operation, self.journal.of(operation.node)) is not None

    def abandon(self, operation: Operation) -> bool:
        """Forget a pointless upload of which no attempt reached the service as a whole; False for any other."""
        amendment = merging.abandon(operation, self.journal.of(operation.node))
        if amendment is None:
            return False
        self._amend(amendment)
        return True

    def fork(self, operation: Operation, name: str, file_name: str) -> Operation:
        """Our content of a node that moved on becomes a new file beside it, in the same inode, still owed."""
        entry = self.index.by_id(operation.node)
        node = operation.node if operation.creates else NodeId(f"{LOCAL_PREFIX}{uuid4().hex}")
        assert operation.target is not None
        target = Slot(operation.target.parent, name)
        forked = replace(operation, node=node, version=UNKNOWN, target=target, replaces=None, tried_size=-1)
        later = [each for each in self.journal.of(operation.node) if each.id != operation.id]
        followers = [merging.settle(each, operation.node, Ref(node, UNKNOWN)) for each in later]
        self.journal.amend(Amendment(put=(forked, *followers)))
        if entry is not None and (entry.node.parent, entry.node.name) != (
            operation.target.parent,
            operation.target.name,
        ):
            name, file_name = entry.node.name, entry.file_name  # it was moved since, and keeps that place
        if entry is not None:
            self.index.fork(entry.inode, node, name, file_name)
            self.attributes.rebind(operation.node, node)
        elif not any(each.kind is OperationKind.REMOVE for each in later):
            self._show(forked, target)
        return forked

    def _show(self, operation: Operation, slot: Slot) -> None:
        """A file that a lost index never learned of, and that the service has not got yet."""
        parent = self.index.by_id(slot.parent)
        encrypted = parent is not None and parent.node.encrypted
        content = (operation.size, UNKNOWN, operation.mtime_ns)
        self.index.add(Node(operation.node, slot.parent, slot.name, Kind.FILE, *content, Rights.ALL, encrypted))


def _bound(remembered: OrderedDict[Inode, Any]) -> None:
    if len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
