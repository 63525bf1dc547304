"""What a new local change means for the operations that are owed already. Pure; the journal carries it out.

Merging is safe only while nothing of the older operation can have reached the service (``Operation.unsent``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mountcloud.model.ids import NodeId, OperationId, Ref, is_local
from mountcloud.model.operation import Operation, OperationKind, OperationState, Slot
from mountcloud.policy.naming import names_link
from mountcloud.policy.upload import Event, after

NEW = OperationId(0)


@dataclass(frozen=True, slots=True)
class Amendment:
    """Operations to drop, and operations to put: in their old place, or at the end if their id is ``NEW``."""

    drop: tuple[OperationId, ...] = ()
    put: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """A node as this machine shows it, with the operations that are owed for it, oldest first.

    Its version is the one that the service has; it is empty for a node that the service does not know.
    """

    ref: Ref
    slot: Slot
    is_directory: bool
    owed: Sequence[Operation] = ()
    awaited: bool = False
    """True for a directory in which something is owed: that waits for it to be made, where it stands in the queue."""
    stays_here: bool = False
    """True for what is kept on this machine for its name: it is not sent, and nothing in it comes from the service."""

    @property
    def unknown(self) -> bool:
        """True if neither the service nor the journal knows of it: a new file that is still being written."""
        return is_local(self.ref.id) and not self.owed

    @property
    def creation(self) -> Operation | None:
        """The operation that will make it on the service, while it can still be changed."""
        return next((each for each in self.owed if each.creates and each.unsent), None)

    @property
    def upload(self) -> Operation | None:
        """The upload that is owed for it, in whatever state."""
        return next((each for each in self.owed if each.kind is OperationKind.UPLOAD), None)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A state of a draft that is owed to the service."""

    staged: str
    generation: int
    size: int
    mtime_ns: int
    not_before: float


def seal(subject: Subject, sealed: Sealed) -> Amendment:
    """The content of a file is owed: several saves are one upload, of the last of them, with its time."""
    old = subject.upload
    if old is not None:
        outdated = tuple(each.id for each in subject.owed if each.kind is OperationKind.SET_TIMES and each.unsent)
        return Amendment(outdated, (_refill(old, sealed),))
    fresh = Operation(
        NEW,
        OperationKind.UPLOAD,
        subject.ref.id,
        version=subject.ref.version,
        target=subject.slot,
        replaces=None if is_local(subject.ref.id) else subject.ref,
    )
    return Amendment(put=(_refill(fresh, sealed),))


def _refill(operation: Operation, sealed: Sealed) -> Operation:
    return replace(
        operation,
        staged=sealed.staged,
        generation=sealed.generation,
        size=sealed.size,
        mtime_ns=sealed.mtime_ns,
        not_before=sealed.not_before,
        state=after(operation.state, Event.SUPERSEDED),
        error="",
    )


def make_directory(node: NodeId, slot: Slot, mtime_ns: int) -> Amendment:
    """A new directory is owed."""
    operation = Operation(NEW, OperationKind.MAKE_DIRECTORY, node, is_directory=True, target=slot, mtime_ns=mtime_ns)
    return Amendment(put=(operation,))


def move(
    subject: Subject, target: Slot, victim: Subject | None, last: OperationId, not_before: float = 0.0
) -> Amendment:
    """A node gets another slot. ``victim`` holds it now and makes way; ``last`` is the newest operation of all.

    ``not_before`` gives a program the time to go on with what it began (see ``remove``).

    A new file that was never sent is simply made under its new name, with the victim as the content that it replaces:
    that is what saves by "write beside, rename over" come to.
    """
    cleared, replaces = (Amendment(), None) if victim is None else _make_way(victim, subject, target)
    creation = None if subject.awaited and not subject.stays_here else subject.creation
    if creation is not None:
        left = _removal_of(creation.replaces, creation.target)
        key = creation.id if subject.awaited else NEW
        moved = replace(_afresh(creation), id=key, target=target, replaces=replaces)
        if key != NEW:
            return Amendment(cleared.drop, (*left, *cleared.put, moved))
        return Amendment((*cleared.drop, creation.id), (*left, *cleared.put, moved))
    operation = Operation(
        NEW,
        OperationKind.MOVE,
        subject.ref.id,
        version=subject.ref.version,
        is_directory=subject.is_directory,
        source=subject.slot,
        target=target,
        replaces=replaces,
        not_before=not_before,
    )
    newest = subject.owed[-1] if subject.owed else None
    if victim is None and newest is not None and newest.id == last and _is_plain_move(newest):
        return Amendment(put=(replace(_afresh(newest), target=target),))
    return Amendment(cleared.drop, (*cleared.put, operation))


def _afresh(operation: Operation) -> Operation:
    """An operation that gets another target: what was refused in one place may be accepted in another."""
    if operation.state is not OperationState.PARKED:
        return operation
    return replace(operation, state=after(operation.state, Event.SUPERSEDED), attempts=0, error="")


def _is_plain_move(operation: Operation) -> bool:
    return operation.kind is OperationKind.MOVE and operation.unsent and operation.replaces is None


def _make_way(victim: Subject, subject: Subject, target: Slot) -> tuple[Amendment, Ref | None]:
    """What is owed for a node that another one replaces, and whose content that other one replaces on the service.

    A file replaces the victim's, or the one that the victim was to replace but never did; else the victim is removed.
    A symbolic link has another name on the service than a file that takes its place.
    """
    gone = remove(victim)
    if subject.is_directory or names_link(victim.slot.name) != names_link(target.name):
        return gone, None
    if not is_local(victim.ref.id):
        return Amendment(gone.drop), _base(victim)
    creation = victim.creation
    if creation is None or creation.replaces is None:
        return gone, None
    return Amendment(gone.drop), creation.replaces


def _base(subject: Subject) -> Ref:
    """The node at the version that the program had before it: an edit that is owed may be based on an older one than
    the service told since, and whoever takes that edit's place must not write over what it never saw.
    """
    upload = subject.upload
    if upload is not None and upload.replaces is not None and upload.replaces.id == subject.ref.id:
        return upload.replaces
    return subject.ref


def remove(subject: Subject, rivals: Sequence[Operation] = ()) -> Amendment:
    """A node is to go: what was never sent is forgotten, what the service has is removed at the version we know.

    ``rivals`` are all operations that use the name that the service knows the file by. Programs save by moving the old
    file aside, writing a new one and removing the old one: that is new content of one and the same file.
    """
    if subject.unknown:
        return Amendment()
    heir = _heir(subject, rivals)
    if heir is not None:
        dropped = tuple(each.id for each in subject.owed)
        return Amendment(dropped, (replace(heir, replaces=_base(subject)),))
    creation = None if subject.awaited and not subject.stays_here else subject.creation
    if creation is not None:
        dropped = tuple(each.id for each in subject.owed)
        return Amendment(dropped, _removal_of(creation.replaces, creation.target))
    pointless = {OperationKind.UPLOAD, OperationKind.SET_TIMES, OperationKind.SET_MODE}
    dropped = tuple(each.id for each in subject.owed if each.unsent and each.kind in pointless)
    operation = Operation(
        NEW,
        OperationKind.REMOVE,
        subject.ref.id,
        version=_base(subject).version,
        is_directory=subject.is_directory,
        source=subject.slot,
    )
    return Amendment(dropped, (operation,))


def abandon(upload: Operation, owed: Sequence[Operation]) -> Amendment | None:
    """An upload whose bytes nobody wants any more, since the file's removal is owed after it; None for any other.

    ``owed`` is all that is owed for the file. What is new to the service is forgotten with all of that, unless it was
    to take the place of another file, which must go then.
    """
    removed = any(each.kind is OperationKind.REMOVE and each.id > upload.id for each in owed)
    if upload.kind is not OperationKind.UPLOAD or not removed:
        return None
    if not is_local(upload.node):
        return Amendment((upload.id,))
    displaces = any(each.replaces is not None for each in owed)
    return None if displaces else Amendment(tuple(each.id for each in owed))


def _heir(subject: Subject, rivals: Sequence[Operation]) -> Operation | None:
    """The new file that takes the old one's name, if nobody had that name in between, or made way for the old one."""
    left = [each for each in rivals if each.node == subject.ref.id]
    others = [each for each in rivals if each.node != subject.ref.id]
    if is_local(subject.ref.id) or len(left) != 1 or len(others) != 1:
        return None
    displaced = any(each.replaces is not None and each.replaces.id != subject.ref.id for each in subject.owed)
    if displaced or not all(each.unsent for each in subject.owed):
        return None
    [heir] = others
    fresh = heir.creates and heir.unsent and heir.replaces is None and heir.kind is OperationKind.UPLOAD
    return heir if fresh and heir.target == left[0].source else None


def _removal_of(ref: Ref | None, slot: Slot | None) -> tuple[Operation, ...]:
    """A file whose place a new one was to take, while the new one goes elsewhere."""
    if ref is None:
        return ()
    return (Operation(NEW, OperationKind.REMOVE, ref.id, version=ref.version, source=slot),)


def set_times(subject: Subject, mtime_ns: int) -> Amendment:
    """A modification time is owed: with the content or the creation if that is still to come, else by itself."""
    carriers = {OperationKind.UPLOAD, OperationKind.MAKE_DIRECTORY, OperationKind.SET_TIMES}
    for each in reversed(subject.owed):
        if each.kind in carriers and each.unsent:
            return Amendment(put=(replace(each, mtime_ns=mtime_ns),))
    operation = Operation(
        NEW,
        OperationKind.SET_TIMES,
        subject.ref.id,
        version=subject.ref.version,
        is_directory=subject.is_directory,
        mtime_ns=mtime_ns,
    )
    return Amendment(put=(operation,))


def set_mode(subject: Subject) -> Amendment:
    """Permission bits are owed. Which ones is seen when they are sent, so that several changes are one."""
    waiting = next((each for each in subject.owed if each.kind is OperationKind.SET_MODE and each.unsent), None)
    if waiting is not None:
        return Amendment(put=(_afresh(waiting),))
    ref, directory = subject.ref, subject.is_directory
    return Amendment(put=(Operation(NEW, OperationKind.SET_MODE, ref.id, version=ref.version, is_directory=directory),))


def settle(operation: Operation, node: NodeId, result: Ref) -> Operation:
    """The operation after another one made ``node`` into ``result``: ids and base versions follow."""

    def slot(old: Slot | None) -> Slot | None:
        return replace(old, parent=result.id) if old is not None and old.parent == node else old

    replaces = operation.replaces
    if replaces is not None and replaces.id in {node, result.id}:
        replaces = result
    mine = operation.node in {node, result.id}
    return replace(
        operation,
        node=result.id if mine else operation.node,
        version=result.version if mine else operation.version,
        target=slot(operation.target),
        source=slot(operation.source),
        replaces=replaces,
    )
