"""Paths as names that the service holds, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.model.errors import InvalidName
from mountcloud.providers.metadisk import names
from mountcloud.providers.metadisk.names import Kind, Meaning, meaning_of, path_of, stored_name

PIECES = ["%", "2", "5", "F", "C", "2F", "25", "5C", "22", "00", '"', "\\", "\n", "\x7f", "=", "a", "ü", " ", "."]
NAMES = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=12),
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)


@given(PATHS)
def test_a_path_comes_back_and_the_service_cuts_nothing_off(path: names.Path) -> None:
    name = stored_name(path)
    assert path_of(name) == path
    assert not set(name) & set('/\\"\r\n\0')
    assert meaning_of(name, "0" * 40) == Meaning(Kind.FILE, path)


@given(PATHS, PATHS)
def test_two_paths_have_two_names(one: names.Path, other: names.Path) -> None:
    assert (stored_name(one) == stored_name(other)) == (one == other)


@given(st.lists(st.sampled_from([*PIECES, "%2F", "%25"]), max_size=10).map("".join))
def test_every_name_of_another_client_is_some_path(name: str) -> None:
    path = path_of(name)
    assert all(path) or path == (name,)
    assert not any("/" in each for each in path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("cat.jpg", ("cat.jpg",)),
        ("100%.txt", ("100%.txt",)),
        ("100%25.txt", ("100%25.txt",)),
        ("docs%2Fcat.jpg", ("docs", "cat.jpg")),
        ("docs%252Fcat.jpg", ("docs%2Fcat.jpg",)),
        ("docs%25252Fcat.jpg", ("docs%252Fcat.jpg",)),
        ("docs%2fcat.jpg", ("docs%2fcat.jpg",)),
        ("a%22b%5Cc", ('a"b\\c',)),
        ("a%2F%2Fb", ("a%2F%2Fb",)),
        ("%2Fa", ("%2Fa",)),
        ("a%2F", ("a%2F",)),
        ("a=b", ("a=b",)),
    ],
)
def test_names_that_others_gave(name: str, path: names.Path) -> None:
    assert path_of(name) == path


@given(PATHS)
def test_notes_are_known_by_name_and_content(path: names.Path) -> None:
    target = "ab" * 20
    directory, alias = names.directory_note(path), names.alias_note(path, target)
    assert meaning_of(directory, names.note_hash(directory)) == Meaning(Kind.DIRECTORY, path)
    assert meaning_of(alias, names.note_hash(alias)) == Meaning(Kind.ALIAS, path, target)
    assert names.note_hash(directory) != names.note_hash(alias)


def test_a_file_that_only_looks_like_a_note_is_a_file() -> None:
    alias = names.alias_note(("a",), "ab" * 20)
    assert meaning_of(alias, "0" * 40) == Meaning(Kind.FILE, (alias,))
    assert meaning_of("a%2F", "0" * 40) == Meaning(Kind.FILE, ("a%2F",))
    assert meaning_of("%2F", names.note_hash("%2F")) == Meaning(Kind.FILE, ("%2F",))


def test_half_characters_make_no_note() -> None:
    with pytest.raises(InvalidName):
        names.note_content("\ud800")
    assert meaning_of("\ud800%2F", "0" * 40).kind is Kind.FILE
