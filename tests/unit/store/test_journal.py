import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mountcloud.model.ids import NodeId, OperationId, Ref, Version
from mountcloud.model.operation import Operation, OperationKind, OperationState, Slot
from mountcloud.policy.merging import NEW, Amendment
from mountcloud.store.journal import Journal

X, Y, R, D = NodeId("local:x"), NodeId("local:y"), NodeId("r"), NodeId("local:d")
ROOT = NodeId("root")


def upload(node: NodeId, name: str = "f", parent: NodeId = ROOT, replaces: Ref | None = None) -> Operation:
    return Operation(NEW, OperationKind.UPLOAD, node, target=Slot(parent, name), replaces=replaces, staged="s")


def put(journal: Journal, *operations: Operation) -> list[Operation]:
    before = {each.id for each in journal.operations}
    journal.amend(Amendment(put=operations))
    return [each for each in journal.operations if each.id not in before]


SLOTS = st.none() | st.builds(Slot, st.sampled_from([ROOT, D]), st.text(max_size=5))
NUMBERS = st.integers(-(2**62), 2**62)
OPERATIONS = st.builds(
    Operation,
    st.just(NEW),
    st.sampled_from(OperationKind),
    st.sampled_from([X, Y, R]),
    version=st.text(max_size=3).map(Version),
    is_directory=st.booleans(),
    target=SLOTS,
    source=SLOTS,
    replaces=st.none() | st.just(Ref(R, Version("1"))),
    size=NUMBERS,
    mtime_ns=NUMBERS,
    staged=st.text("abc"),
    generation=NUMBERS,
    tried_size=NUMBERS,
    tried_mtime_ns=NUMBERS,
    tried_generation=NUMBERS,
    tried_digest=st.text("0f"),
    state=st.sampled_from(OperationState),
    attempts=st.integers(0, 100),
    not_before=st.floats(0, 2e9),
    error=st.text(max_size=5),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(OPERATIONS, max_size=5))
def test_a_restart_gives_the_same_operations(operations: list[Operation]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        journal = Journal(Path(directory) / "j.db")
        written = put(journal, *operations)
        assert [replace(each, id=NEW) for each in written] == operations
        journal.close()
        again = Journal(Path(directory) / "j.db")
        assert again.operations == written
        for node in (X, Y, R):
            assert again.of(node) == [each for each in written if each.node == node]
        again.close()


def test_a_changed_operation_keeps_its_place_and_ids_are_not_given_twice(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    first, second = put(journal, upload(X), upload(Y, "g"))
    journal.put(replace(first, size=5))
    assert [each.id for each in journal.operations] == [first.id, second.id]
    journal.done(second.id, Y, None)
    journal.close()
    journal = Journal(tmp_path / "j.db")
    (third,) = put(journal, upload(Y, "g"))
    assert third.id > second.id
    assert journal.last == third.id
    journal.close()


def test_what_is_owed_follows_a_node_to_its_real_id(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    made, below, date, gone = put(
        journal,
        Operation(NEW, OperationKind.MAKE_DIRECTORY, D, is_directory=True, target=Slot(ROOT, "d")),
        upload(X, "f", D),
        Operation(NEW, OperationKind.SET_TIMES, D, mtime_ns=1),
        Operation(NEW, OperationKind.REMOVE, R, version=Version("1"), source=Slot(D, "old")),
    )
    journal.done(made.id, D, Ref(NodeId("n7"), Version("v")))
    expected = [
        replace(below, target=Slot(NodeId("n7"), "f")),
        replace(date, node=NodeId("n7"), version=Version("v")),
        replace(gone, source=Slot(NodeId("n7"), "old")),
    ]
    assert journal.operations == expected
    assert (journal.of(D), D in journal.unsettled_since(journal.clock)) == ([], False)
    journal.close()
    journal = Journal(tmp_path / "j.db")
    assert journal.operations == expected
    journal.close()


def test_a_newer_state_is_owed_on_top_of_the_one_that_arrived(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    first, move = put(
        journal,
        upload(X, replaces=Ref(R, Version("1"))),
        Operation(NEW, OperationKind.MOVE, X, source=Slot(ROOT, "f"), target=Slot(ROOT, "g")),
    )
    arrived = Ref(R, Version("2"))
    journal.requeue(replace(first, node=R, version=Version("2"), replaces=arrived, generation=2), X, arrived)
    upload_after, move_after = journal.operations
    assert (upload_after.id, upload_after.replaces, upload_after.generation) == (first.id, arrived, 2)
    assert move_after == replace(move, node=R, version=Version("2"))
    assert journal.of(X) == []
    journal.close()


def test_what_left_lately_is_in_doubt_until_no_listing_is_older(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    before = journal.clock
    (operation,) = put(journal, upload(X, replaces=Ref(R, Version("1"))))
    assert journal.unsettled_since(before) == {X, R}
    made = NodeId("n9")
    journal.done(operation.id, X, Ref(made, Version("v")))
    assert journal.unsettled_since(before) == {X, R, made}
    assert journal.unsettled_since(journal.clock) == set()
    journal.forget_settled(journal.clock)
    assert journal.unsettled_since(before) == set()
    journal.close()


def test_a_decision_is_carried_out_whole_or_not_at_all(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    (operation,) = put(journal, upload(X))
    unstorable = replace(upload(Y), size=2**80)
    with pytest.raises(OverflowError):
        journal.amend(Amendment((operation.id,), (upload(Y, "g"), unstorable)))
    assert journal.operations == [operation]
    journal.close()
    journal = Journal(tmp_path / "j.db")
    assert journal.operations == [operation]
    assert journal.get(OperationId(99)) is None
    journal.close()
