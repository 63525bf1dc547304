"""Of two pictures of a node the newer one counts, for as long as listings may lag."""

from dataclasses import replace

from mountcloud.providers.amazon.recent import LAG_S, Recent
from mountcloud.providers.amazon.wire import RemoteNode

NODE = RemoteNode("n", "FILE", "name", "AVAILABLE", ("folder",), 3)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_higher_version_counts_wherever_it_was_seen() -> None:
    recent = Recent(Clock())
    recent.note(NODE)
    older, newer = replace(NODE, version=2, name="old"), replace(NODE, version=4, name="new")
    assert recent.newest([older]) == [NODE]
    assert recent.newest([newer]) == [newer]
    recent.note(older)
    assert recent.newest([older]) == [NODE]


def test_what_a_listing_lacks_is_missing_unless_it_left() -> None:
    recent = Recent(Clock())
    recent.note(NODE)
    assert recent.missing("folder", []) == [NODE]
    assert recent.missing("folder", [NODE]) == []
    assert recent.missing("other", []) == []
    recent.note(replace(NODE, version=4, status="TRASH"))
    assert recent.missing("folder", []) == []
    assert [each.status for each in recent.newest([NODE])] == ["TRASH"]


def test_it_is_forgotten_when_listings_know_it_too() -> None:
    clock = Clock()
    recent = Recent(clock)
    recent.note(NODE)
    clock.now = LAG_S + 1
    older = replace(NODE, version=2)
    assert recent.newest([older]) == [older]
    assert recent.missing("folder", []) == []
