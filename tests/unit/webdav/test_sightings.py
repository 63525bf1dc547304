"""How much is remembered of lists, and what counts as the same tag."""

from dataclasses import replace

from mountcloud.model.ids import NodeId
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.facts import Facts, Sent
from mountcloud.providers.webdav.sightings import Sightings
from mountcloud.providers.webdav.wire import Entry

D = NodeId("d")
DATE = "Fri, 14 Jul 2017 02:40:00 GMT"


def file(name: str, tag: str, size: str = "3") -> Entry:
    return wire.file_entry(("d", name), {wire.LENGTH: size, wire.ETAG: tag, wire.MODIFIED: DATE})


def place(name: str) -> Place:
    return Place(NodeId(f"id of {name}"), D, name, is_directory=False)


def renamed(before: Entry, after: Entry, holder: Place) -> set[str]:
    sightings = Sightings()
    sightings.remember(D, [before])
    found = sightings.renamed(D, {holder.name: holder}, [after])
    assert all(each.id == holder.id and each.name == name for name, each in found.items())
    return set(found)


def test_a_tag_that_is_strong_by_now_is_the_same() -> None:
    assert renamed(file("a", 'W/"1"'), file("b", '"1"'), place("a")) == {"b"}


def test_what_tells_nothing_names_nobody() -> None:
    assert renamed(file("a", '"1"'), file("b", '"2"'), place("a")) == set()
    assert renamed(file("a", '"1"'), file("b", '"1"', "4"), place("a")) == set()
    assert renamed(file("a", ""), file("b", ""), place("a")) == set()
    assert renamed(file("a", '"1"', "0"), file("b", '"1"', "0"), place("a")) == set()


def test_what_is_in_doubt_or_on_its_way_by_our_own_doing_is_left_alone() -> None:
    moving = replace(place("a"), aim=Slot(D, "c"))
    sending = replace(place("a"), facts=Facts(sent=(Sent("digest", 3, 0),)).text)
    for holder in (moving, sending):
        assert renamed(file("a", '"1"'), file("b", '"1"'), holder) == set()


def test_only_so_many_names_are_remembered_those_seen_last() -> None:
    sightings = Sightings(most=3)
    for directory in ("d1", "d2", "d1", "d3"):
        sightings.remember(NodeId(directory), [file(f"{directory} a", f'"{directory}"')])
    sightings.remember(NodeId("d4"), [file(f"{number}", f'"{number}"') for number in range(2)])
    sightings.remember(NodeId("large"), [file(f"{number}", f'"{number}"') for number in range(4)])
    known = {
        f"{directory}": sightings._lists.get(NodeId(directory), {}) for directory in ("d1", "d2", "d3", "d4", "large")
    }
    assert {name for name, seen in known.items() if seen} == {"d3", "d4"}
    assert sightings._count == 3
