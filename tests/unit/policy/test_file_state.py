from itertools import product

import pytest

from mountcloud.policy.conflict import conflict_name, is_conflict_name
from mountcloud.policy.file_state import Facts, FileState, state_of
from mountcloud.policy.rate import Rate


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (Facts(), FileState.CLOUD),
        (Facts(whole=True), FileState.CACHED),
        (Facts(pinned=True), FileState.CLOUD),
        (Facts(pinned=True, whole=True), FileState.PINNED),
        (Facts(keyless=True, whole=True), FileState.NO_KEY),
        (Facts(conflict=True, keyless=True), FileState.CONFLICT),
        (Facts(owed=True, conflict=True), FileState.QUEUED),
        (Facts(owed=True, sending=True), FileState.UPLOADING),
        (Facts(owed=True, sending=True, parked=True), FileState.PARKED),
        (Facts(owed=True, kept_here=True), FileState.LOCAL_ONLY),
    ],
)
def test_trouble_comes_before_where_the_bytes_are(facts: Facts, state: FileState) -> None:
    assert state_of(facts) is state


def test_every_state_can_be_met() -> None:
    everything = (Facts(*each) for each in product((False, True), repeat=8))
    assert {state_of(facts) for facts in everything} == set(FileState)


@pytest.mark.parametrize("name", ["a.txt", "a", ".hidden", "many (conflict) words.tar.gz"])
def test_copies_of_conflicts_are_known_by_their_names(name: str) -> None:
    copy = conflict_name(name, "host", "2026-02-03", lambda _: False)
    assert is_conflict_name(copy)
    assert is_conflict_name(conflict_name(name, "host", "2026-02-03", lambda other: other == copy))
    assert not is_conflict_name(name)


def test_a_rate_follows_what_is_done() -> None:
    rate = Rate(10.0)
    assert (rate.speed, rate.left(5)) == (None, None)
    rate = rate.after(10.1, 50)
    assert rate.speed is None
    rate = rate.after(11.0, 1000)
    assert (rate.speed, rate.left(500)) == (1000.0, 0.5)
    rate = rate.after(13.0, 1000)
    assert rate.speed == 500.0
    assert rate.after(14.0, 10) == Rate(14.0, 10, 500.0)
