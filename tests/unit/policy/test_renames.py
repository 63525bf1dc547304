"""What two lists of one directory tell of renames."""

from collections import Counter

from hypothesis import event, given
from hypothesis import strategies as st

from mountcloud.policy.renames import Sighting, renames


def file(name: str, mark: str) -> Sighting:
    return Sighting(name, False, mark)


def test_what_vanished_and_what_appeared_are_one_if_they_look_the_same() -> None:
    before = [file("a", "1"), file("b", "2"), Sighting("d", True, "3")]
    after = [file("new", "1"), file("b", "2"), Sighting("e", True, "3")]
    assert renames(before, after) == {"new": "a", "e": "d"}


def test_what_looks_like_another_is_not_told_apart() -> None:
    assert renames([file("a", "1"), file("b", "1")], [file("c", "1")]) == {}
    assert renames([file("a", "1")], [file("b", "1"), file("c", "1")]) == {}
    assert renames([file("a", "1"), file("stays", "1")], [file("b", "1"), file("stays", "9")]) == {}
    assert renames([file("a", "1")], [Sighting("b", True, "1")]) == {}
    assert renames([file("a", "")], [file("b", "")]) == {}


def test_a_name_that_stayed_is_of_the_node_that_had_it() -> None:
    assert renames([file("f", "1")], [file("f", "2"), file("f.bak", "1")]) == {}
    assert renames([file("a", "1"), file("b", "2")], [file("b", "1")]) == {}


def test_a_name_that_is_of_another_kind_by_now_did_not_stay() -> None:
    after = [Sighting("f", True, "2"), file("g", "1")]
    assert renames([file("f", "1")], after) == {"g": "f"}


NAMES = "abcdefghijkl"


@st.composite
def looks(draw: st.DrawFn) -> tuple[list[Sighting], list[Sighting]]:
    """A list, and a later one in which some names are others; now and then two nodes look the same."""
    size = draw(st.integers(1, 6))
    marks = draw(st.lists(st.sampled_from(["1", "1", "", *"23456789"]), min_size=size, max_size=size))
    before = [Sighting(name, draw(st.booleans()), mark) for name, mark in zip(NAMES, marks, strict=False)]
    names = draw(st.permutations(NAMES))
    after = [Sighting(name, each.is_directory, each.mark) for name, each in zip(names, before, strict=False)]
    stranger = Sighting(names[-1], False, draw(st.sampled_from("1abc")))
    return before, [*after[: draw(st.integers(1, size))], stranger]


def _shown(sightings: list[Sighting]) -> dict[str, tuple[bool, str]]:
    return {each.name: (each.is_directory, each.mark) for each in sightings}


@given(looks())
def test_a_rename_is_told_exactly_where_nothing_else_can_have_happened(
    both: tuple[list[Sighting], list[Sighting]],
) -> None:
    before, after = both
    old, new = _shown(before), _shown(after)
    found = renames(before, after)
    event(f"{min(len(found), 2)} renames")
    gone = [name for name in old if name not in new or new[name][0] != old[name][0]]
    came = [name for name in new if name not in old or new[name][0] != old[name][0]]
    counts = Counter(old.values()), Counter(new.values())
    expected = {
        now: was
        for now in came
        for was in gone
        if new[now] == old[was] and new[now][1] and all(each[new[now]] == 1 for each in counts)
    }
    assert found == expected
    assert renames(before[::-1], after[::-1]) == found
