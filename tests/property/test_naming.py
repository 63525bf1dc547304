"""File names of nodes, with symbolic links among them."""

from hypothesis import assume, event, given
from hypothesis import strategies as st

from mountcloud.model.errors import InvalidName, NameTooLong
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.names import NameRules
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.policy.naming import LINK_ENDING, LONGEST_TARGET, Naming, is_link, shown_as_link

PLAIN, FOLDING = NameRules(), NameRules(case_sensitive=False, normalises=True)
STEMS = st.text(st.sampled_from("aAäÄ\u0308./\0\u241b\ud83d \u00df"), max_size=6) | st.builds(
    lambda part, times: part * times, st.sampled_from(["x", "ä", "\u241b"]), st.integers(1, 260)
)
NAMES = STEMS | STEMS.map(lambda stem: stem + LINK_ENDING) | STEMS.map(lambda stem: stem + 2 * LINK_ENDING)
SIZES = st.sampled_from([0, 1, LONGEST_TARGET, LONGEST_TARGET + 1])


def node(name: str, size: int, kind: Kind = Kind.FILE, id: str = "1") -> Node:
    return Node(NodeId(id), NodeId("0"), name, kind, size, Version("1"), 0, Rights.ALL)


@given(NAMES, SIZES, st.sampled_from(Kind), st.booleans())
def test_every_node_has_a_file_name_and_links_are_told_apart(name: str, size: int, kind: Kind, symlinks: bool) -> None:
    naming = Naming(PLAIN, symlinks)
    shown = naming.file_name(node(name, size, kind), lambda _: False)
    link = shown_as_link(node(name, size, kind), shown)
    event(f"link: {link}")
    assert 0 < len(shown.encode()) <= 255
    assert not set(shown) & set("/\0")
    assert link is (symlinks and is_link(node(name, size, kind)))


@given(STEMS, st.booleans(), st.sampled_from([PLAIN, FOLDING]))
def test_what_is_made_here_is_shown_under_the_name_it_was_given(stem: str, link: bool, rules: NameRules) -> None:
    naming = Naming(rules)
    try:
        remote = naming.remote_name(stem, Kind.FILE, link=link)
    except (InvalidName, NameTooLong):
        event("refused")
        return
    event("made")
    shown = naming.file_name(node(remote, 3), lambda _: False)
    assert naming.remote_name(shown, Kind.FILE, link=link) == remote
    assert shown_as_link(node(remote, 3), shown) is link
    if not rules.normalises:
        assert shown == stem


@given(NAMES, NAMES, SIZES, SIZES)
def test_two_nodes_of_a_directory_never_share_a_file_name(one: str, other: str, size: int, other_size: int) -> None:
    assume(one != other)
    naming = Naming(PLAIN)
    first = naming.file_name(node(one, size), lambda _: False)
    second = naming.file_name(node(other, other_size, id="2"), lambda name: name == first)
    event(f"distinguished: {second != naming.file_name(node(other, other_size, id='2'), lambda _: False)}")
    assert first != second


@given(STEMS)
def test_files_cannot_take_the_names_of_links(stem: str) -> None:
    for kind, refused in ((Kind.FILE, True), (Kind.DIRECTORY, False)):
        try:
            remote = Naming(PLAIN).remote_name(f"x{stem}{LINK_ENDING}", kind)
        except (InvalidName, NameTooLong):
            continue
        assert not refused, remote


def test_names_fold_only_where_the_service_does() -> None:
    assert Naming(PLAIN).folded("Ä") == ""
    assert Naming(FOLDING).folded("Straße A\u0308") == Naming(FOLDING).folded("STRASSE ä")
    assert Naming(FOLDING).folded("a") != Naming(FOLDING).folded("b")
