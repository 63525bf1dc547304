"""Both books of places: the one on disk, and the one in memory by which it is judged."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mountcloud.model.ids import NodeId
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place, Places, is_within, path_of
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.store.places import PlaceBook

ROOT, A, B, C, F = (NodeId(each) for each in ("root", "a", "b", "c", "f"))


@pytest.fixture(params=["disk", "memory"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Places]:
    if request.param == "memory":
        yield MemoryPlaces()
        return
    places = PlaceBook(tmp_path / "places.db")
    yield places
    places.close()


def directory(id: NodeId, parent: NodeId | None, name: str) -> Place:
    return Place(id, parent, name, is_directory=True)


def planted(book: Places) -> Places:
    book.change(
        put=[
            directory(ROOT, None, ""),
            directory(A, ROOT, "a dir"),
            directory(B, A, "b"),
            Place(F, B, "file", is_directory=False, facts="facts"),
        ]
    )
    return book


def test_what_is_put_is_found_by_id_and_by_slot(book: Places) -> None:
    planted(book)
    file = Place(F, B, "file", is_directory=False, facts="facts")
    assert book.get(F) == book.find(B, "file") == file
    assert list(book.below(B)) == [file]
    assert (book.get(C), book.find(B, "other"), list(book.below(F))) == (None, None, [])
    assert path_of(book, F) == ("a dir", "b", "file")
    assert (path_of(book, ROOT), path_of(book, C)) == ((), None)


def test_a_renamed_directory_takes_all_below_along(book: Places) -> None:
    planted(book).change(put=[directory(A, ROOT, "renamed")])
    assert path_of(book, F) == ("renamed", "b", "file")
    assert book.find(ROOT, "a dir") is None


def test_what_is_removed_goes_with_all_below(book: Places) -> None:
    planted(book).change(remove=[A])
    assert [book.get(each) for each in (A, B, F)] == [None] * 3
    assert book.find(B, "file") is None
    assert book.get(ROOT) is not None


def test_whoever_gets_a_name_evicts_its_holder(book: Places) -> None:
    planted(book).change(put=[directory(C, ROOT, "a dir")])
    assert book.find(ROOT, "a dir") == directory(C, ROOT, "a dir")
    assert [book.get(each) for each in (A, B, F)] == [None] * 3


def test_aims_are_found_by_where_they_lead(book: Places) -> None:
    planted(book)
    aimed = Place(F, B, "file", is_directory=False, aim=Slot(ROOT, "there"))
    book.change(put=[aimed])
    assert (list(book.aimed_at(ROOT)), list(book.aimed_at(B))) == ([aimed], [])


def test_is_within_knows_the_directory_itself_and_all_below(book: Places) -> None:
    planted(book)
    assert [is_within(book, each, A) for each in (A, B, F, ROOT, C)] == [True, True, True, False, False]


def test_notes_are_kept(book: Places) -> None:
    assert book.note("key") is None
    book.set_note("key", "old")
    book.set_note("key", "new")
    assert book.note("key") == "new"


def test_the_book_survives_its_reader(tmp_path: Path) -> None:
    first = PlaceBook(tmp_path / "places.db")
    planted(first).change(put=[Place(F, A, "moved", is_directory=False, facts="new", aim=Slot(B, "on its way"))])
    first.set_note("key", "value")
    first.close()
    second = PlaceBook(tmp_path / "places.db")
    assert second.get(F) == Place(F, A, "moved", is_directory=False, facts="new", aim=Slot(B, "on its way"))
    assert second.note("key") == "value"
    second.close()
    assert (tmp_path / "places.db").stat().st_mode & 0o077 == 0


def test_a_failed_change_changes_nothing(tmp_path: Path) -> None:
    book = PlaceBook(tmp_path / "places.db")
    planted(book)

    def broken() -> Iterator[Place]:
        yield directory(C, ROOT, "c")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        book.change(put=broken(), remove=[A])
    assert (book.get(C), path_of(book, F)) == (None, ("a dir", "b", "file"))
    book.close()


IDS = st.sampled_from([A, B, C, F])
CHANGES = st.one_of(
    st.builds(lambda id: lambda book: book.change(remove=[id]), IDS),
    st.builds(
        lambda id, parent, name: lambda book: _put(book, id, parent, name),
        IDS,
        st.sampled_from([ROOT, A, B, C]),
        st.sampled_from("xyz"),
    ),
)


def _put(book: Places, id: NodeId, parent: NodeId, name: str) -> None:
    """As callers do: into a directory that is there, never below itself."""
    holder = book.find(parent, name)
    within = is_within(book, parent, id) or (holder is not None and is_within(book, id, holder.id) and holder.id != id)
    if book.get(parent) is not None and not within:
        book.change(put=[directory(id, parent, name)])


@settings(deadline=None, max_examples=50)
@given(changes=st.lists(CHANGES, min_size=5, max_size=30))
def test_both_books_tell_the_same(
    changes: list[Callable[[Places], None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    disk, memory = PlaceBook(tmp_path_factory.mktemp("book") / "places.db"), MemoryPlaces()
    for book in (disk, memory):
        book.change(put=[directory(ROOT, None, "")])
        for change in changes:
            change(book)
    for id in (ROOT, A, B, C, F):
        assert disk.get(id) == memory.get(id)
        assert sorted(disk.below(id), key=repr) == sorted(memory.below(id), key=repr)
    disk.close()


@settings(deadline=None, max_examples=30)
@given(count=st.integers(0, 40), there=st.sets(st.integers(0, 50), max_size=20))
def test_the_many_of_a_list_are_put_as_one_after_the_other(
    count: int, there: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    disk, memory = PlaceBook(tmp_path_factory.mktemp("book") / "places.db"), MemoryPlaces()
    for book in (disk, memory):
        planted(book)
        for number in there:  # each with something in it, which goes with it when its name is taken
            book.change(put=[directory(NodeId(f"old {number}"), A, f"name {number}")])
            book.change(put=[directory(NodeId(f"in {number}"), NodeId(f"old {number}"), "caf\udce9")])
        book.change(put=[directory(NodeId(f"new {n}"), A, f"name {n}" + "\udce9" * (n % 7 == 6)) for n in range(count)])
    for id in [A, *(NodeId(f"old {number}") for number in there)]:
        assert sorted(disk.below(id), key=repr) == sorted(memory.below(id), key=repr)
    disk.close()


def test_a_name_that_is_no_text_is_kept(book: Places) -> None:
    name = "caf\udce9"
    planted(book).change(put=[Place(F, B, name, is_directory=False, aim=Slot(A, name))])
    file = Place(F, B, name, is_directory=False, aim=Slot(A, name))
    assert book.get(F) == book.find(B, name) == file
    assert (list(book.below(B)), list(book.aimed_at(A))) == ([file], [file])
