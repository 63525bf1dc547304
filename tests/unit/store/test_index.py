import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mountcloud.model.change import Stale
from mountcloud.model.ids import ROOT_INODE, Inode, NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.policy.reduce import Plan
from mountcloud.store.index import Index
from tests.unit.store.look_ups import remembered_wrongly

ROOT = NodeId("root")


def name_of(node: Node, taken: Callable[[str], bool]) -> str:
    return f"{node.name}~{node.id}" if taken(node.name) else node.name


def node(id: str, name: str, parent: NodeId = ROOT, version: str = "1", kind: Kind = Kind.FILE) -> Node:
    return Node(NodeId(id), parent, name, kind, 3, Version(version), 10, Rights.ALL)


def directory(id: str, name: str, parent: NodeId = ROOT, version: str = "1") -> Node:
    return replace(node(id, name, parent, version, Kind.DIRECTORY), size=0)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = Index(tmp_path / "i.db", name_of)
    index.put_root(Node(ROOT, None, "", Kind.DIRECTORY, 0, Version("1"), 0, Rights.ALL))
    yield index
    index.close()


def upsert(index: Index, *nodes: Node) -> list[Stale]:
    return index.apply(Plan((), nodes))


def names(index: Index, parent: NodeId = ROOT) -> dict[str, str]:
    return {entry.file_name: entry.node.id for entry in index.children(parent)}


def test_names_change_places(index: Index) -> None:
    upsert(index, node("1", "a"), node("2", "b"), node("3", "c"))
    inodes = {each.node.id: each.inode for each in index.children(ROOT)}
    stale = upsert(index, node("1", "b"), node("2", "c"), node("3", "a"))
    assert names(index) == {"b": "1", "c": "2", "a": "3"}
    assert {each.node.id: each.inode for each in index.children(ROOT)} == inodes
    assert {each.name for each in stale} == {"a", "b", "c"}


def test_a_subtree_goes_with_its_directory(index: Index) -> None:
    upsert(index, directory("1", "d"), directory("2", "e", NodeId("1")), node("3", "f", NodeId("2")), node("4", "g"))
    gone = [index.by_id(NodeId(each)) for each in "123"]
    stale = index.apply(Plan((NodeId("1"),), ()))
    assert names(index) == {"g": "4"}
    assert index.below(NodeId("1")) == [NodeId("1")]
    assert {each.inode for each in stale} == {each.inode for each in gone if each is not None}


def test_inodes_are_never_given_twice_and_one_is_the_roots(tmp_path: Path) -> None:
    index = Index(tmp_path / "i.db", name_of)
    first = index.add(node("local:1", "a")).inode
    assert first != ROOT_INODE
    index.drop(first)
    index.close()
    index = Index(tmp_path / "i.db", name_of)
    assert index.add(node("local:2", "a")).inode > first
    index.close()


def test_what_goes_from_one_directory_and_comes_back_in_another_keeps_its_inode(index: Index) -> None:
    def inode(id: str) -> int:
        entry = index.by_id(NodeId(id))
        assert entry is not None
        return entry.inode

    upsert(index, directory("d", "d"), node("1", "a"), node("2", "b"))
    before = inode("1"), inode("2")
    index.apply(Plan((NodeId("1"), NodeId("2")), ()))
    upsert(index, node("1", "moved", NodeId("d")), directory("2", "another kind"), node("3", "new"))
    assert inode("1") == before[0]
    assert not {inode("2"), inode("3")} & {*before}, "an inode never changes its kind, and is given to nobody else"


def test_an_upload_keeps_inode_place_and_children(index: Index) -> None:
    made = index.add(directory("local:d", "d"))
    below = index.add(node("local:f", "f", NodeId("local:d")))
    index.rebind(NodeId("local:d"), directory("7", "other name", version="9"))
    found = index.by_id(NodeId("7"))
    assert found is not None
    assert (found.inode, found.file_name, found.node.version) == (made.inode, "d", "9")
    assert names(index, NodeId("7")) == {"f": "local:f"}
    assert index.require(below.inode).node.parent == "7"
    assert index.rebind(NodeId("local:unknown"), node("8", "x")) == []


def test_a_row_that_a_listing_made_meanwhile_is_given_up(index: Index) -> None:
    ours = index.add(directory("local:d", "d"))
    index.add(node("local:f", "f", NodeId("local:d")))
    upsert(index, directory("7", "d"), node("8", "f", NodeId("7")), node("9", "g", NodeId("7")))
    twin = index.by_id(NodeId("7"))
    assert twin is not None
    assert twin.file_name == "d~7"
    stale = index.rebind(NodeId("local:d"), directory("7", "d"))
    assert index.entry(twin.inode) is None
    assert names(index) == {"d": "7"}
    assert index.require(ours.inode).node.id == "7"
    assert names(index, NodeId("7")) == {"f": "local:f", "f~8": "8", "g": "9"}
    assert Stale(twin.inode, ROOT_INODE, "d~7") in stale


def test_a_taken_name_gets_another_which_stays_until_its_own_is_free(index: Index) -> None:
    ours = index.add(node("local:1", "a"))
    stale = upsert(index, node("2", "a"))
    assert names(index) == {"a": "local:1", "a~2": "2"}
    assert stale == [], "the kernel remembers no names that were absent"
    upsert(index, node("2", "a", version="5"))
    assert index.give_names_back(ROOT) == []
    assert names(index) == {"a": "local:1", "a~2": "2"}
    index.place(ours.inode, ROOT, "b", "b")
    assert {each.name for each in index.give_names_back(ROOT)} == {"a", "a~2"}
    assert names(index) == {"b": "local:1", "a": "2"}


def test_changes_and_their_cursor_are_kept_together(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.apply(Plan((), (node("1", "a"),)), {"cursor": "1"})

    def fail(*_: object) -> None:
        raise KeyError

    plan = Plan((NodeId("1"),), (node("2", "b"),))
    monkeypatch.setattr(index, "put_note", fail)
    with pytest.raises(KeyError):
        index.apply(plan, {"cursor": "2"})
    assert names(index) == {"a": "1"}
    assert index.note("cursor") == "1"


def test_only_new_content_makes_the_kernel_forget_content(index: Index) -> None:
    upsert(index, node("1", "a"))
    entry = index.by_id(NodeId("1"))
    assert entry is not None
    assert upsert(index, replace(node("1", "a"), mtime_ns=99)) == [Stale(entry.inode)]
    assert upsert(index, replace(node("1", "a", version="2"), mtime_ns=99)) == [Stale(entry.inode, content=True)]


def test_a_finer_time_of_this_machine_survives_its_echo(index: Index) -> None:
    made = index.add(node("local:1", "a"))
    index.set_content(made.inode, 3, 1_234_567_891)
    index.rebind(NodeId("local:1"), replace(node("7", "a", version="2"), mtime_ns=1_234_000_000))
    upsert(index, replace(node("7", "a", version="2"), mtime_ns=1_234_000_000))
    assert index.require(made.inode).node.mtime_ns == 1_234_567_891
    upsert(index, replace(node("7", "a", version="2"), mtime_ns=9))
    assert index.require(made.inode).node.mtime_ns == 9


@pytest.mark.parametrize("content", [b"no database" * 500, b""])
def test_a_file_that_cannot_be_used_is_rebuilt(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "i.db").write_bytes(content)
    index = Index(tmp_path / "i.db", name_of)
    assert index.add(node("1", "a")).file_name == "a"
    index.close()


def test_another_root_is_another_tree(index: Index) -> None:
    upsert(index, node("1", "a"))
    index.put_root(Node(NodeId("elsewhere"), None, "", Kind.DIRECTORY, 0, Version("1"), 0, Rights.ALL))
    assert index.by_id(NodeId("1")) is None
    assert index.require(ROOT_INODE).node.id == "elsewhere"


def test_what_is_local_without_being_owed_is_forgotten_at_start(index: Index) -> None:
    kept, dropped = index.add(node("local:1", "a")), index.add(node("local:2", "b"))
    unlinked = index.add(node("3", "c"))
    index.detach(unlinked.inode)
    index.drop_unfounded([NodeId("local:1")])
    assert index.entry(kept.inode) is not None
    assert (index.entry(dropped.inode), index.entry(unlinked.inode)) == (None, None)


def test_listings_are_believed_doubted_and_outdated(index: Index) -> None:
    upsert(index, directory("1", "d"), directory("2", "e"))
    assert index.outdated_directories() == []
    index.set_listed(NodeId("1"), Version("1"), 5.0)
    index.doubt_listing(NodeId("2"))
    assert index.outdated_directories() == [], "what was never listed is not outdated"
    upsert(index, directory("1", "d", version="2"))
    assert [each.node.id for each in index.outdated_directories()] == ["1"]
    assert index.doubted_directories() == []
    index.doubt_listing(NodeId("1"))
    assert [each.node.id for each in index.doubted_directories()] == ["1"]


def test_children_that_are_known_before_their_directory_are_kept(index: Index) -> None:
    index.add(directory("local:d", "d"))
    index.add(node("local:f", "f", NodeId("local:d")))
    index.add(node("local:g", "f", NodeId("7")))
    index.rebind(NodeId("local:d"), directory("7", "d"))
    assert names(index, NodeId("7")) == {"f": "local:f", "f~local:g": "local:g"}


def test_only_another_name_clashes(tmp_path: Path) -> None:
    """Found by killing the daemon at random: a file met the trace of its own upload, which has its very name."""
    index = Index(tmp_path / "f.db", name_of, str.casefold)
    index.put_root(Node(ROOT, None, "", Kind.DIRECTORY, 0, Version("1"), 0, Rights.ALL))
    upsert(index, node("1", "Notes"), node("2", "Notes"))
    assert index.clashing(ROOT, "Notes") is None
    clash = index.clashing(ROOT, "notes")
    assert clash is not None
    assert clash.node.name == "Notes"
    index.close()


NAMES = ("a", "b", "A")
CHANGES: dict[str, Callable[[Index, int, int], object]] = {
    "add": lambda index, one, two: index.add(node(f"local:{two}", NAMES[one % 3], _in(one))),
    "add directory": lambda index, one, two: index.add(directory(f"local:{two}", NAMES[one % 3], _in(one)), 5.0),
    "upsert": lambda index, one, two: upsert(index, node(str(one), NAMES[two % 3], _in(two))),
    "upsert directory": lambda index, one, two: upsert(index, directory(str(one), NAMES[two % 3], version=str(two))),
    "remove": lambda index, one, _: index.apply(Plan((NodeId(str(one)),), ())),
    "place": lambda index, one, two: index.place(Inode(one + 2), _in(two), NAMES[two % 3], NAMES[two % 3]),
    "fork": lambda index, one, two: index.fork(Inode(one + 2), NodeId(f"local:{two}"), "f", f"f{one}"),
    "content": lambda index, one, two: index.set_content(Inode(one + 2), two, one),
    "detach": lambda index, one, _: index.detach(Inode(one + 2)),
    "drop": lambda index, one, _: index.drop(Inode(one + 2)),
    "listed": lambda index, one, two: index.set_listed(NodeId(str(one)), Version(str(two)), float(two)),
    "doubt": lambda index, one, _: index.doubt_listing(NodeId(str(one))),
    "doubt all": lambda index, _, __: index.doubt_listings(),
    "forget listings": lambda index, _, __: index.forget_listings(),
    "rebind": lambda index, one, two: index.rebind(NodeId(f"local:{one}"), node(str(two), "x", version="9")),
    "bind back": lambda index, _, __: index.bind_back(),
    "names back": lambda index, one, _: index.give_names_back(_in(one)),
    "drop unfounded": lambda index, one, _: index.drop_unfounded([NodeId(f"local:{one}")]),
}


def _in(number: int) -> NodeId:
    return ROOT if number < 4 else NodeId(str(number))


def _look_around(index: Index) -> None:
    """Everything that can be asked for is remembered."""
    for number in range(8):
        index.entry(Inode(number + 1))
        index.by_id(NodeId(str(number)))
        index.by_id(NodeId(f"local:{number}"))
        index.child(ROOT, NAMES[number % 3])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_what_is_remembered_is_what_the_database_says(changes: Sequence[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        index = Index(Path(place) / "i.db", name_of)
        index.put_root(Node(ROOT, None, "", Kind.DIRECTORY, 0, Version("1"), 0, Rights.ALL))
        for name, one, two in changes:
            _look_around(index)
            with suppress(sqlite3.IntegrityError, KeyError):  # a name that is taken, a node that is not there
                CHANGES[name](index, one, two)
            assert remembered_wrongly(index) == [], name
        index.close()


def test_what_was_undone_is_not_remembered(index: Index) -> None:
    def add_and_fail() -> None:
        with index.transaction():
            index.add(node("local:1", "a"))
            assert index.child(ROOT, "a") is not None
            raise InterruptedError

    with pytest.raises(InterruptedError):
        add_and_fail()
    assert index.child(ROOT, "a") is None
    assert index.by_id(NodeId("local:1")) is None


@given(st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=16, max_size=40), st.sets(st.integers(0, 40)))
@settings(max_examples=40, deadline=None)
def test_many_nodes_get_names_as_one_after_the_other(letters: list[str], moved: set[int]) -> None:
    """Names that are taken, given up and taken again within one change of many nodes."""
    with tempfile.TemporaryDirectory() as place:
        found = []
        for together in (True, False):
            index = Index(Path(place) / f"{together}.db", name_of)
            index.put_root(Node(ROOT, None, "", Kind.DIRECTORY, 0, Version("1"), 0, Rights.ALL))
            upsert(index, *[node(str(n), f"{letters[-n - 1]}0", ROOT) for n in moved if n < len(letters)])
            nodes = [node(str(n), f"{letter}{n % 2}") for n, letter in enumerate(letters)]
            assert (len(index.names_around(nodes)) == 1) == (len(nodes) >= 16)
            for some in [nodes] if together else [[each] for each in nodes]:
                upsert(index, *some)
            upsert(index, node("later", f"{letters[0]}0"))
            assert remembered_wrongly(index) == []
            index.give_names_back(ROOT)
            found.append((len(names(index)), {each.node.name for each in index.children(ROOT)}))
            index.close()
        assert found[0] == found[1]


AFTER: dict[str, tuple[Callable[[Index], object], set[str]]] = {
    "a new node": (lambda index: upsert(index, node("9", "new", NodeId("d"))), {"d"}),
    "another size": (lambda index: index.set_content(inode(index, "1"), 4, 10), {"d"}),
    "another time": (lambda index: index.set_content(inode(index, "1"), 3, 11), {"d"}),
    "other rights": (lambda index: upsert(index, replace(node("1", "a", NodeId("d")), rights=Rights.READ)), {"d"}),
    "other permissions": (lambda index: upsert(index, replace(node("1", "a", NodeId("d")), mode=0o600)), {"d"}),
    "another place": (lambda index: upsert(index, node("1", "a", NodeId("e"))), {"d", "e"}),
    "a removal": (lambda index: index.apply(Plan((NodeId("1"),), ())), {"d"}),
    "unlinked while open": (lambda index: index.detach(inode(index, "1")), {"d"}),
    "another id": (lambda index: index.rebind(NodeId("1"), node("8", "a", NodeId("d"))), {"d"}),
    "a name given back": (lambda index: index.place(inode(index, "2"), NodeId("d"), "b", "c"), {"d"}),
    "a new name": (lambda index: index.place(inode(index, "2"), NodeId("d"), "c", "b"), {"d"}),
    "new content of the same size": (lambda index: upsert(index, node("1", "a", NodeId("d"), version="2")), set()),
    "the same again": (lambda index: index.place(inode(index, "2"), NodeId("d"), "b", "b"), set()),
    "another version of a directory": (lambda index: upsert(index, directory("d", "d", version="7")), set()),
    "a listing": (lambda index: index.set_listed(NodeId("d"), Version("1"), 5.0), set()),
    "a doubt": (lambda index: index.doubt_listings(), set()),
}


def inode(index: Index, id: str) -> Inode:
    found = index.by_id(NodeId(id))
    assert found is not None
    return found.inode


@pytest.mark.parametrize("change", AFTER)
def test_who_watches_hears_which_listings_would_show_something_else(index: Index, change: str) -> None:
    upsert(index, directory("d", "d"), directory("e", "e"), node("1", "a", NodeId("d")), node("2", "b", NodeId("d")))
    heard: list[NodeId] = []
    index.watch(heard.append)
    action, expected = AFTER[change]
    action(index)
    assert set(heard) == expected


def test_who_watches_hears_before_the_change_is_told_of(index: Index) -> None:
    """A listing that is made right after a change must not meet what was kept of the one before."""
    heard: list[NodeId] = []
    index.watch(heard.append)
    index.add(node("1", "a"))
    assert heard == [ROOT]
