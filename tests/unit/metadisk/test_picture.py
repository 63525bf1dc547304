"""What a list of a bucket means."""

from mountcloud.providers.metadisk.names import Path, alias_note, directory_note, note_hash
from mountcloud.providers.metadisk.picture import Held, Picture
from mountcloud.providers.metadisk.wire import Entry

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40


def note(name: str) -> Entry:
    return Entry(name, note_hash(name), 1)


def paths(found: list[Held]) -> set[Path]:
    return {each.path for each in found}


def test_an_empty_bucket_is_a_directory() -> None:
    picture = Picture([])
    assert picture.is_directory(())
    assert picture.below(()) == ([], [()])


def test_directories_are_there_for_what_is_in_them() -> None:
    picture = Picture([Entry("a%2Fb%2Fc", ONE, 3), Entry("d", TWO, 1)])
    assert [picture.is_directory(path) for path in ((), ("a",), ("a", "b"))] == [True] * 3
    assert [picture.is_noted(path) for path in ((), ("a",))] == [True, False]
    assert picture.directories(()) == ["a"]
    assert [each.path for each in picture.files(("a", "b"))] == [("a", "b", "c")]
    files, directories = picture.below(())
    assert (paths(files), directories) == ({("a", "b", "c"), ("d",)}, [(), ("a",), ("a", "b")])


def test_an_empty_directory_is_there_by_its_note() -> None:
    picture = Picture([note(directory_note(("a", "b")))])
    assert (picture.directories(()), picture.directories(("a",))) == (["a"], ["b"])
    assert (picture.is_noted(("a", "b")), picture.is_noted(("a",))) == (True, False)
    assert list(picture.files(())) == []


def test_a_second_name_shows_the_same_content() -> None:
    alias = note(alias_note(("d", "copy"), ONE))
    picture = Picture([alias, Entry("file", ONE, 7)])
    assert [each.path for each in picture.names_of(ONE)] == [("file",), ("d", "copy")]
    assert picture.at(("d", "copy")) == [Held(("d", "copy"), ONE, 7, alias.hash)]
    assert picture.is_directory(("d",))


def test_a_name_of_what_is_gone_is_none_and_one_given_twice_is_one() -> None:
    picture = Picture([note(alias_note(("lost",), TWO)), note(alias_note(("file",), ONE)), Entry("file", ONE, 7)])
    assert paths(list(picture.files(()))) == {("file",)}
    assert picture.at(("file",)) == [Held(("file",), ONE, 7)]
    assert not picture.is_taken(("lost",))
    assert picture.idle_notes(TWO) == [note_hash(alias_note(("lost",), TWO))]
    assert picture.idle_notes(ONE) == [note_hash(alias_note(("file",), ONE))]


def test_several_contents_of_one_name_are_all_there() -> None:
    picture = Picture([Entry("f", ONE, 1), Entry("f", TWO, 2), Entry("f%2Fg", THREE, 3)])
    assert {each.hash for each in picture.at(("f",))} == {ONE, TWO}
    assert picture.is_directory(("f",))
