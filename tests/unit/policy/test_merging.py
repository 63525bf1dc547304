from dataclasses import replace
from typing import Any

import pytest

from mountcloud.model.ids import NodeId, OperationId, Ref, Version
from mountcloud.model.operation import Operation, OperationKind, OperationState, Slot
from mountcloud.policy import merging
from mountcloud.policy.merging import NEW, Sealed, Subject
from tests.unit.policy.operations import (
    DIR,
    PARKED,
    R1,
    S1,
    SENDING,
    TRIED,
    A,
    B,
    C,
    D,
    R,
    S,
    X,
    Y,
    dated,
    mkdir,
    move,
    removal,
    upload,
)

SEALED = Sealed("s9", 4, 100, 5000, 7.0)
LX, LY, LD = Ref(X, Version("")), Ref(Y, Version("")), Ref(D, Version(""))


def test_a_first_seal_owes_an_upload() -> None:
    (made,) = merging.seal(Subject(LX, A, False), SEALED).put
    assert (made.id, made.kind, made.node, made.target, made.replaces) == (NEW, OperationKind.UPLOAD, X, A, None)
    assert (made.staged, made.generation, made.size, made.mtime_ns, made.not_before) == ("s9", 4, 100, 5000, 7.0)
    (over,) = merging.seal(Subject(R1, A, False), SEALED).put
    assert (over.replaces, over.version) == (R1, "1")


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, OperationState.QUEUED),
        (TRIED, OperationState.WAITING),
        (SENDING, OperationState.SENDING),
        (PARKED, OperationState.QUEUED),
    ],
)
def test_several_saves_are_one_upload(fields: dict[str, Any], state: OperationState) -> None:
    old = upload(1, X, generation=2, **fields)
    amendment = merging.seal(Subject(LX, A, False, [old]), SEALED)
    (made,) = amendment.put
    assert (made.id, made.state, made.generation, made.error) == (old.id, state, 4, "")
    assert made.attempts == old.attempts
    assert amendment.drop == ()


def test_a_seal_brings_its_own_time() -> None:
    later = dated(2, X)
    assert merging.seal(Subject(LX, A, False, [upload(1, X, **SENDING), later]), SEALED).drop == (later.id,)


@pytest.mark.parametrize("fields", [{}, PARKED])
def test_a_file_never_sent_is_made_under_its_new_name(fields: dict[str, Any]) -> None:
    old = upload(1, X, A, tried_size=3, **fields)
    amendment = merging.move(Subject(LX, A, False, [old]), B, None, old.id)
    (made,) = amendment.put
    assert amendment.drop == (old.id,)
    assert (made.id, made.target, made.state, made.unsent) == (NEW, B, OperationState.QUEUED, True)


@pytest.mark.parametrize("fields", [TRIED, SENDING])
def test_a_file_that_may_have_arrived_is_moved(fields: dict[str, Any]) -> None:
    old = upload(1, X, A, **fields)
    amendment = merging.move(Subject(LX, A, False, [old]), B, None, old.id)
    (made,) = amendment.put
    assert amendment.drop == ()
    assert (made.kind, made.source, made.target) == (OperationKind.MOVE, A, B)


def test_saving_over_replaces_the_content() -> None:
    old, pending = upload(1, X, B), upload(2, R, A, replaces=R1)
    subject, victim = Subject(LX, B, False, [old]), Subject(R1, A, False, [pending])
    amendment = merging.move(subject, A, victim, pending.id)
    assert set(amendment.drop) == {old.id, pending.id}
    assert [(each.kind, each.target, each.replaces) for each in amendment.put] == [(OperationKind.UPLOAD, A, R1)]


def test_saving_over_an_unsent_save_replaces_what_that_was_to_replace() -> None:
    old, earlier = upload(1, X, B), upload(2, Y, A, replaces=R1)
    amendment = merging.move(Subject(LX, B, False, [old]), A, Subject(LY, A, False, [earlier]), earlier.id)
    assert set(amendment.drop) == {old.id, earlier.id}
    assert [(each.kind, each.node, each.replaces) for each in amendment.put] == [(OperationKind.UPLOAD, X, R1)]


def test_what_a_save_was_to_replace_is_removed_when_it_goes_elsewhere() -> None:
    old = upload(1, X, A, replaces=R1)
    amendment = merging.move(Subject(LX, A, False, [old]), B, None, old.id)
    gone, moved = amendment.put
    assert (gone.kind, gone.node, gone.version, gone.source) == (OperationKind.REMOVE, R, "1", A)
    assert (moved.target, moved.replaces) == (B, None)
    assert [each.kind for each in merging.remove(Subject(LX, A, False, [old])).put] == [OperationKind.REMOVE]


def test_moving_on_is_one_move_while_nothing_came_between() -> None:
    first = move(3, R, A, B)
    subject = Subject(R1, B, False, [first])
    assert merging.move(subject, C, None, first.id).put == (replace(first, target=C),)
    (between,) = merging.move(subject, C, None, OperationId(4)).put
    assert (between.id, between.source, between.target) == (NEW, B, C)
    for fields in (TRIED, SENDING):
        tried = replace(first, **fields)
        (again,) = merging.move(Subject(R1, B, False, [tried]), C, None, tried.id).put
        assert again.id == NEW
    over = replace(first, replaces=S1)
    assert merging.move(Subject(R1, B, False, [over]), C, None, over.id).put[0].id == NEW


def test_a_directory_over_an_empty_one_removes_it_first() -> None:
    gone, moved = merging.move(Subject(R1, A, True), B, Subject(S1, B, True), NEW).put
    assert (gone.kind, gone.node, gone.is_directory) == (OperationKind.REMOVE, S, True)
    assert (moved.kind, moved.replaces, moved.is_directory) == (OperationKind.MOVE, None, True)


def test_a_directory_that_others_wait_for_is_made_where_it_stands() -> None:
    made = mkdir(1, D)
    subject = Subject(LD, A, True, [made], awaited=True)
    assert [each.kind for each in merging.move(subject, B, None, made.id).put] == [OperationKind.MOVE]
    assert [each.kind for each in merging.remove(subject).put] == [OperationKind.REMOVE]
    free = replace(subject, awaited=False)
    assert merging.move(free, B, None, made.id).put == (replace(made, id=NEW, target=B),)
    assert merging.remove(free) == merging.Amendment((made.id,))


@pytest.mark.parametrize("fields", [{}, PARKED])
def test_removing_what_was_never_sent_forgets_it(fields: dict[str, Any]) -> None:
    old = upload(1, X, **fields)
    assert merging.remove(Subject(LX, A, False, [old])) == merging.Amendment((old.id,))
    assert merging.remove(Subject(LX, A, False)) == merging.Amendment()


@pytest.mark.parametrize("fields", [TRIED, SENDING])
def test_removing_what_may_have_arrived_removes_it_afterwards(fields: dict[str, Any]) -> None:
    amendment = merging.remove(Subject(LX, A, False, [upload(1, X, **fields)]))
    assert amendment.drop == ()
    assert [(each.kind, each.node) for each in amendment.put] == [(OperationKind.REMOVE, X)]


def test_removing_a_known_file_drops_what_is_pointless() -> None:
    owed = [move(1, R, B, A), upload(2, R, replaces=R1), dated(3, R)]
    amendment = merging.remove(Subject(R1, A, False, owed))
    assert amendment.drop == (2, 3)
    assert [(each.kind, each.version, each.source) for each in amendment.put] == [(OperationKind.REMOVE, "1", A)]


ASIDE = move(1, R, A, B)
HEIR = upload(2, X, A)


def test_a_file_that_was_moved_aside_and_removed_gets_the_content_of_the_one_that_took_its_name() -> None:
    amendment = merging.remove(Subject(R1, B, False, [ASIDE]), [ASIDE, HEIR])
    assert amendment == merging.Amendment((ASIDE.id,), (replace(HEIR, replaces=R1),))


@pytest.mark.parametrize(
    ("owed", "rivals"),
    [
        ([replace(ASIDE, replaces=S1)], [replace(ASIDE, replaces=S1), HEIR]),
        ([ASIDE], [ASIDE, move(3, S, C, A), HEIR]),
        ([ASIDE], [ASIDE, replace(HEIR, replaces=S1)]),
        ([ASIDE], [ASIDE, replace(HEIR, target=C)]),
        ([ASIDE], [ASIDE, replace(HEIR, **TRIED)]),
        ([replace(ASIDE, **TRIED)], [replace(ASIDE, **TRIED), HEIR]),
        ([ASIDE], [ASIDE]),
    ],
    ids=["displaced another", "another between", "replaces another", "another name", "heir tried", "tried", "no heir"],
)
def test_it_is_removed_where_more_than_these_two_had_to_do_with_the_name(
    owed: list[Operation], rivals: list[Operation]
) -> None:
    """Found by killing the daemon at random: what the old file had displaced came back, and took its name again."""
    amendment = merging.remove(Subject(R1, B, False, owed), rivals)
    assert amendment.drop == ()
    assert [(each.kind, each.node) for each in amendment.put] == [(OperationKind.REMOVE, R)]


@pytest.mark.parametrize("carrier", [upload(1, X), mkdir(1, D), dated(1, R), upload(1, X, **PARKED)])
def test_a_time_goes_with_what_is_still_to_come(carrier: Operation) -> None:
    subject = Subject(Ref(carrier.node, Version("")), A, carrier.is_directory, [carrier])
    assert merging.set_times(subject, 77).put == (replace(carrier, mtime_ns=77),)


@pytest.mark.parametrize("fields", [TRIED, SENDING])
def test_a_time_comes_after_what_may_have_arrived(fields: dict[str, Any]) -> None:
    (made,) = merging.set_times(Subject(LX, A, False, [upload(1, X, **fields)]), 77).put
    assert (made.id, made.kind, made.mtime_ns) == (NEW, OperationKind.SET_TIMES, 77)


def test_settling_follows_the_node_everywhere_and_touches_nothing_else() -> None:
    real = Ref(NodeId("n"), Version("v"))
    assert merging.settle(dated(1, X), X, real) == dated(1, real.id, version=real.version)
    assert merging.settle(upload(1, Y, replaces=Ref(real.id, Version("0"))), X, real).replaces == real
    inside, outside = Slot(D, "f"), Slot(DIR, "f")
    assert merging.settle(move(1, R, inside, inside), D, real) == move(1, R, Slot(real.id, "f"), Slot(real.id, "f"))
    other = removal(1, R, outside, version=Version("1"))
    assert merging.settle(other, X, real) == other
