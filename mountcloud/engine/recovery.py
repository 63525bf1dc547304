"""What a journal means after a crash: the journal is the truth of what is owed, and is laid over the index again."""

import logging
from dataclasses import replace

from mountcloud.model.ids import is_local
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.model.operation import UNKNOWN, Operation, OperationKind, OperationState
from mountcloud.policy.overlay import overlay
from mountcloud.policy.reduce import Plan
from mountcloud.policy.upload import Event, after
from mountcloud.store.attributes import Attributes
from mountcloud.store.index import Index
from mountcloud.store.journal import Journal
from mountcloud.store.staging import Staging

log = logging.getLogger(__name__)


def recover(index: Index, journal: Journal, attributes: Attributes, staging: Staging, now: float) -> None:
    """Bring journal, index and drafts to one picture; before anything else runs. ``now`` in seconds since the epoch."""
    _unbind(index, journal, attributes)
    for operation in journal.operations:
        _resume(journal, operation)
    for operation in journal.operations:
        _measure(journal, staging, operation)
    owed = journal.operations
    index.drop_unfounded({each.node for each in owed if is_local(each.node)})
    for operation in owed:
        _find_home(index, journal, operation)
    for operation in owed:
        _lay_over(index, journal, operation, now)
    for parent in dict.fromkeys(each.target.parent for each in owed if each.target):
        index.give_names_back(parent)  # two that changed places were in each other's way
    for path in staging.set_aside({each.staged for each in owed if each.staged} | journal.unwanted):
        log.warning("a file that was never closed was kept as %s; see: mountcloud unclosed", path)
    if owed:
        log.info("%d changes are owed to the service from before", len(owed))


def _unbind(index: Index, journal: Journal, attributes: Attributes) -> None:
    """The end came after the index learned a node's real id, and before the journal let go of what made the node.

    It would be shown twice, so it has its own id again; the next attempt finds what it made.
    """
    local, real = index.bound
    if is_local(local) and journal.of(local) and index.by_id(local) is None and index.by_id(real) is not None:
        index.bind_back()
        attributes.rebind(real, local)


def _resume(journal: Journal, operation: Operation) -> None:
    state = after(operation.state, Event.RECOVERED)
    if operation.state is OperationState.SENDING:
        journal.put(replace(operation, state=state, attempts=operation.attempts + 1, not_before=0.0))


def _measure(journal: Journal, staging: Staging, operation: Operation) -> None:
    """What was written to an owed file without being closed is what it holds now, as after a crash of a local disk."""
    size = staging.size_of(operation.staged) if operation.kind is OperationKind.UPLOAD else None
    if size is not None and size != operation.size:
        journal.put(replace(operation, size=size, generation=operation.generation + 1))


def _find_home(index: Index, journal: Journal, operation: Operation) -> None:
    """A fresh index learns of the directories in which something is owed; all else the service tells it."""
    for home in journal.homes.above(operation.target.parent) if operation.target else ():
        if index.by_id(home.id) is None:
            node = Node(home.id, home.parent, home.name, Kind.DIRECTORY, 0, UNKNOWN, 0, Rights.ALL, home.encrypted)
            index.add(node)


def _lay_over(index: Index, journal: Journal, operation: Operation, now: float) -> None:
    if operation.replaces is not None and operation.replaces.id != operation.node:
        index.apply(Plan((operation.replaces.id,), ()))
    entry = index.by_id(operation.node)
    if operation.creates and entry is None:
        if not _is_to_go(journal, operation):
            _recreate(index, operation, now)
    elif entry is not None:
        seen = overlay(entry.node, journal.of(operation.node))
        if seen is None:
            index.apply(Plan((operation.node,), ()))
        elif seen.name != entry.node.name or seen.parent != entry.node.parent:
            index.apply(Plan((), (seen,)))
        if seen is not None and operation.kind in {OperationKind.UPLOAD, OperationKind.SET_TIMES}:
            index.set_content(entry.inode, seen.size, seen.mtime_ns)


def _is_to_go(journal: Journal, operation: Operation) -> bool:
    """True for what is made on the service only because that was under way: by now it is removed, or replaced."""
    removed = any(each.kind is OperationKind.REMOVE for each in journal.of(operation.node))
    return removed or journal.makes_way(operation.node)


def _recreate(index: Index, operation: Operation, now: float) -> None:
    target = operation.target
    if target is None:
        return
    kind = Kind.DIRECTORY if operation.is_directory else Kind.FILE
    parent = index.by_id(target.parent)
    encrypted = parent is not None and parent.node.encrypted
    node = Node(
        operation.node,
        target.parent,
        target.name,
        kind,
        operation.size,
        operation.version,
        operation.mtime_ns,
        Rights.ALL,
        encrypted,
    )
    index.add(node)
    if operation.is_directory:
        index.set_listed(operation.node, operation.version, now)
