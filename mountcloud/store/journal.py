"""The journal: operations owed to the service. Precious; kept apart from everything that can be rebuilt."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from mountcloud.model.ids import NodeId, OperationId, Ref, Version
from mountcloud.model.node import Node
from mountcloud.model.operation import Operation, OperationKind, OperationState, Slot
from mountcloud.policy.merging import Amendment, settle
from mountcloud.policy.ordering import folded
from mountcloud.store.homes import TABLE, Homes
from mountcloud.store.reserve import Reserve
from mountcloud.store.sqlite import Database, Row, text

_MIGRATIONS = [
    """
    CREATE TABLE operation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        node TEXT NOT NULL,             -- node id; "local:..." until the service knows it
        version TEXT NOT NULL,
        is_directory INTEGER NOT NULL,
        target_parent TEXT, target_name TEXT,
        source_parent TEXT, source_name TEXT,
        replaces_id TEXT, replaces_version TEXT,
        size INTEGER NOT NULL,          -- bytes of plaintext
        mtime_ns INTEGER NOT NULL,
        staged TEXT NOT NULL,           -- file name below staging/, empty if none
        generation INTEGER NOT NULL,
        tried_size INTEGER NOT NULL, tried_mtime_ns INTEGER NOT NULL, tried_generation INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        not_before REAL NOT NULL,       -- seconds since the epoch
        error TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE upload_progress (
        operation INTEGER PRIMARY KEY,
        state TEXT NOT NULL             -- the provider's own: what the service has of the upload already
    )
    """,
    """
    CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID
    """,
    """
    CREATE TABLE unwanted (staged TEXT PRIMARY KEY) WITHOUT ROWID  -- file names below staging/ that are to go
    """,
    TABLE,
    """
    ALTER TABLE operation ADD COLUMN tried_digest TEXT NOT NULL DEFAULT ''
    """,
]

_Key = TypeVar("_Key")
_COLUMNS = (
    "kind, node, version, is_directory, target_parent, target_name, source_parent, source_name, replaces_id, "
    "replaces_version, size, mtime_ns, staged, generation, tried_size, tried_mtime_ns, tried_generation, state, "
    "attempts, not_before, error, tried_digest"
)
_MARKS = ", ".join("?" * len(_COLUMNS.split(",")))


def _values(operation: Operation) -> tuple[object, ...]:
    target, source, replaces = operation.target, operation.source, operation.replaces
    return (
        operation.kind.value,
        operation.node,
        operation.version,
        operation.is_directory,
        *((target.parent, target.name) if target else (None, None)),
        *((source.parent, source.name) if source else (None, None)),
        *((replaces.id, replaces.version) if replaces else (None, None)),
        *_plain(operation),
        operation.state.value,
        operation.attempts,
        operation.not_before,
        operation.error,
        operation.tried_digest,
    )


_PLAIN = ("size", "mtime_ns", "staged", "generation", "tried_size", "tried_mtime_ns", "tried_generation")
_plain = attrgetter(*_PLAIN)


def _slot(parent: str | None, name: str | bytes | None) -> Slot | None:
    return None if parent is None or name is None else Slot(NodeId(parent), text(name))


def _operation(row: Row) -> Operation:
    plain = dict(zip(_PLAIN, row[11:18], strict=True))
    return Operation(
        OperationId(row[0]),
        OperationKind(row[1]),
        NodeId(row[2]),
        Version(row[3]),
        bool(row[4]),
        target=_slot(row[5], row[6]),
        source=_slot(row[7], row[8]),
        replaces=None if row[9] is None else Ref(NodeId(row[9]), Version(row[10])),
        **plain,
        state=OperationState(row[18]),
        attempts=row[19],
        not_before=row[20],
        error=text(row[21]),
        tried_digest=row[22],
    )


def _parents(operation: Operation) -> tuple[NodeId, ...]:
    return tuple(slot.parent for slot in (operation.target, operation.source) if slot is not None)


def _note(where: dict[_Key, set[OperationId]], under: Iterable[_Key], operation: OperationId) -> None:
    for key in under:
        where.setdefault(key, set()).add(operation)


def _strike(where: dict[_Key, set[OperationId]], under: Iterable[_Key], operation: OperationId) -> None:
    for key in under:
        where.get(key, set()).discard(operation)
        if not where.get(key, True):
            del where[key]


class Journal:
    """All that is owed, on disk and in memory (there is little of it at any time)."""

    def __init__(self, path: Path, reserve: Reserve | None = None) -> None:
        self._db = Database(path, _MIGRATIONS, reserve)
        rows = self._db.rows(f"SELECT id, {_COLUMNS} FROM operation ORDER BY id")  # noqa: S608 - constants
        self._owed = {OperationId(row[0]): _operation(row) for row in rows}
        self._of: dict[NodeId, set[OperationId]] = {}
        self._below: dict[NodeId, set[OperationId]] = {}
        self.homes = Homes(self._db)
        self._staging: dict[str, set[OperationId]] = {}
        for operation in self._owed.values():
            self._link(operation)
        found = self._db.rows("SELECT operation, state FROM upload_progress")
        self._progress: dict[OperationId, str] = {OperationId(row[0]): row[1] for row in found}
        self._unwanted = {str(row[0]) for row in self._db.rows("SELECT staged FROM unwanted")}
        self._settled: dict[NodeId, int] = {}
        self._clock = 0
        self._changes = 0

    def _link(self, operation: Operation) -> None:
        _note(self._of, operation.nodes, operation.id)
        _note(self._below, _parents(operation), operation.id)
        _note(self._staging, (operation.staged,), operation.id)

    def _unlink(self, operation: Operation) -> None:
        self._clock += 1
        self._settled.update(dict.fromkeys(operation.nodes, self._clock))
        _strike(self._of, operation.nodes, operation.id)
        _strike(self._below, _parents(operation), operation.id)
        _strike(self._staging, (operation.staged,), operation.id)

    @property
    def operations(self) -> list[Operation]:
        """All, oldest first (ids only grow, and a changed operation keeps its place)."""
        return list(self._owed.values())

    @property
    def last(self) -> OperationId:
        """The newest operation's id, 0 if nothing is owed."""
        return next(reversed(self._owed), OperationId(0))

    @property
    def changes(self) -> int:
        """Grows with every change of the journal."""
        return self._changes

    @property
    def clock(self) -> int:
        """Grows whenever an operation leaves; see ``unsettled_since``."""
        return self._clock

    def get(self, operation: OperationId) -> Operation | None:
        """The operation as it is now, or None if it has left."""
        return self._owed.get(operation)

    def of(self, node: NodeId) -> list[Operation]:
        """What is owed for this node itself, oldest first."""
        found = (self._owed[each] for each in sorted(self._of.get(node, ())))
        return [each for each in found if each.node == node]

    def makes_way(self, node: NodeId) -> bool:
        """True if another node is to take this one's place, whatever is owed for it before that."""
        return any(self._owed[each].node != node for each in self._of.get(node, ()))

    def involves_below(self, directory: NodeId) -> bool:
        """True if any operation takes or frees a name in the directory."""
        return directory in self._below

    def using(self, slot: Slot) -> list[Operation]:
        """All that takes or frees the slot, or one that a service could take for the same, oldest first."""
        owed = (self._owed[each] for each in sorted(self._below.get(slot.parent, ())))
        wanted = folded(slot)
        return [each for each in owed if wanted in {folded(used) for used in (each.target, each.source) if used}]

    def may_have_made(self, node: Node, grain_ns: int) -> bool:
        """True if a node that nobody here knows looks like the work of an attempt whose answer is still to come.

        A directory in the place of one that was tried is that one, whoever made it. While an upload is under way, a
        file in its place can be what an attempt before it made: services finish those late.
        """
        if node.parent is None:
            return False
        slot = Slot(node.parent, node.name)
        making = [each for each in self.using(slot) if each.target == slot and each.creates]
        if node.is_directory:
            return any(each.kind is OperationKind.MAKE_DIRECTORY and not each.unsent for each in making)
        if any(each.state is OperationState.SENDING and each.attempts for each in making):
            return True
        same = [each for each in making if each.tried_size == node.size]
        return any(abs(each.tried_mtime_ns - node.mtime_ns) <= grain_ns for each in same)

    def unsettled_since(self, clock: int) -> set[NodeId]:
        """Nodes that are owed something, or were at the given clock: what the service said of them is in doubt.

        A listing that was asked for at that clock may show them as they were before the operation.
        """
        return self.settled_since(clock) | set(self._of)

    def settled_since(self, clock: int) -> set[NodeId]:
        """Nodes of operations that left the journal since then."""
        return {node for node, settled in self._settled.items() if settled > clock}

    def forget_settled(self, before: int) -> None:
        """Drop the memory of operations that left before the oldest listing under way was asked for."""
        self._settled = {node: settled for node, settled in self._settled.items() if settled > before}

    def needs(self, staged: str) -> bool:
        """True if an upload of this draft is owed."""
        return staged in self._staging

    @property
    def unwanted(self) -> frozenset[str]:
        """Drafts that nobody wants any more, until they were ``swept``."""
        return frozenset(self._unwanted)

    def swept(self, unwanted: Collection[str]) -> None:
        """These are gone from the disk."""
        with self._db.transaction():
            for staged in unwanted:
                self._db.run("DELETE FROM unwanted WHERE staged = ?", (staged,))
        self._unwanted.difference_update(unwanted)

    def amend(self, amendment: Amendment, unwanted: Collection[str] = ()) -> None:
        """Carry out a decision of ``policy/merging.py``, all or nothing; some drafts may be ``unwanted`` with that."""
        if len(amendment.put) == 1 and not amendment.drop and not unwanted:
            put = [self._write(amendment.put[0])]  # one statement is all or nothing by itself: most calls make no other
        else:
            put = self._write_all(amendment, unwanted)
        self._unwanted.update(unwanted)
        self._changes += 1
        for gone in amendment.drop:
            self._unlink(self._owed.pop(gone))
        self._remember(put)

    def _write_all(self, amendment: Amendment, unwanted: Collection[str]) -> list[Operation]:
        with self._db.transaction():
            put = [self._write(each) for each in amendment.put]
            for gone in amendment.drop:
                self._db.run("DELETE FROM operation WHERE id = ?", (gone,))
            for staged in unwanted:
                self._db.run("INSERT OR IGNORE INTO unwanted VALUES (?)", (staged,))
        return put

    def _write(self, operation: Operation) -> Operation:
        key = operation.id or None
        statement = f"INSERT OR REPLACE INTO operation (id, {_COLUMNS}) VALUES (?, {_MARKS})"  # noqa: S608 - constants
        return replace(operation, id=OperationId(self._db.run(statement, (key, *_values(operation)))))

    def _remember(self, written: Iterable[Operation]) -> None:
        for operation in written:
            old = self._owed.get(operation.id)
            if old is not None:
                self._unlink(old)
            self._owed[operation.id] = operation
            self._link(operation)

    def put(self, operation: Operation) -> None:
        """Replace one operation by its next state."""
        self.amend(Amendment(put=(operation,)))

    def done(self, operation: OperationId, node: NodeId, result: Ref | None, unwanted: Collection[str] = ()) -> None:
        """The service has it. What else is owed follows to the node's real id and new version, in one transaction."""
        self.amend(Amendment((operation,), self._followers(operation, node, result)), unwanted)
        self._doubt(result)

    def requeue(self, operation: Operation, node: NodeId, result: Ref) -> None:
        """One generation arrived, a newer one is owed by the same operation; the others follow as in ``done``."""
        self.amend(Amendment(put=(operation, *self._followers(operation.id, node, result))))
        self._doubt(result)

    def _doubt(self, result: Ref | None) -> None:
        """A listing that was asked for earlier may not know of the node that came of an operation."""
        if result is not None:
            self._settled[result.id] = self._clock

    def _followers(self, operation: OperationId, node: NodeId, result: Ref | None) -> tuple[Operation, ...]:
        if result is None:
            return ()
        near = (self._of.get(node, set()), self._of.get(result.id, set()), self._below.get(node, set()))
        others = [self._owed[each] for each in sorted(set().union(*near) - {operation})]
        return tuple(after for each in others if (after := settle(each, node, result)) != each)

    def progress(self, operation: OperationId) -> str:
        """What the provider saved of an upload's progress, empty if nothing."""
        return self._progress.get(operation, "")

    def save_progress(self, operation: OperationId, state: str) -> None:
        """Keep it, or forget it if it is empty."""
        if state:
            self._db.run("INSERT OR REPLACE INTO upload_progress VALUES (?, ?)", (operation, state))
            self._progress[operation] = state
        elif operation in self._progress:
            self._db.run("DELETE FROM upload_progress WHERE operation = ?", (operation,))
            del self._progress[operation]

    def abandoned_uploads(self) -> dict[OperationId, str]:
        """Progress of uploads that are not owed any more; the service may hold parts of them."""
        return {key: state for key, state in self._progress.items() if key not in self._owed}

    def note(self, key: str) -> str | None:
        """A decision of the user that outlasts a restart."""
        row = self._db.row("SELECT value FROM note WHERE key = ?", (key,))
        return None if row is None else str(row[0])

    def put_note(self, key: str, value: str) -> None:
        """Remember one."""
        self._db.run("INSERT OR REPLACE INTO note VALUES (?, ?)", (key, value))

    def sync(self) -> None:
        """Make everything committed survive a power cut."""
        self._db.sync()

    def secure_room(self) -> None:
        """As ``Database.secure_room``."""
        self._db.secure_room()

    def close(self) -> None:
        """Close; idempotent."""
        self._db.close()
