import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mountcloud.model.ids import NodeId
from mountcloud.policy.freshness import Listing, Pace, Recheck, due, is_remembered, pause

PACE = Pace(active_s=10, idle_s=60, idle_after_s=300)
RECHECK = Recheck(hot_s=5, warm_s=60, cold_s=3600, most=3)


@pytest.mark.parametrize(("unused", "wanted"), [(0, 10), (299, 10), (300, 60), (1e9, 60)])
def test_polls_are_rare_while_nobody_looks(unused: float, wanted: float) -> None:
    assert pause(PACE, unused) == wanted


def test_an_idle_mount_never_polls_more_often_than_a_used_one() -> None:
    assert pause(Pace(active_s=100, idle_s=60, idle_after_s=1), 2) == 100


@pytest.mark.parametrize(
    ("age", "unopened", "wanted"),
    [
        (4, 0, False),
        (6, 0, True),
        (6, 119, True),
        (6, 121, False),
        (61, 121, True),
        (61, 601, False),
        (61, None, False),
        (3600, None, True),
        (3600, 601, True),
        (-86_400, 0, True),
        (-86_400, None, True),
    ],
)
def test_what_is_in_use_is_listed_again_sooner(age: float, unopened: float | None, wanted: bool) -> None:
    found = due([Listing(NodeId("d"), age, unopened)], RECHECK)
    assert found == ([NodeId("d")] if wanted else [])


def test_without_cold_rechecks_unused_directories_are_left_alone() -> None:
    assert due([Listing(NodeId("d"), 1e9, None)], Recheck(5, 60, 0)) == []


def test_what_was_opened_long_ago_need_not_be_remembered() -> None:
    assert [is_remembered(each) for each in (0, 599, 600)] == [True, True, False]


@given(st.integers(0, 200), st.integers(1, 100))
def test_what_was_opened_last_is_listed_at_the_next_poll_however_many_a_walk_opened(walked: int, age: int) -> None:
    """They are more overdue, and yet it is what somebody waits for; half of the places stay for them."""
    others = [Listing(NodeId(f"w{number}"), 100 + age, 50) for number in range(walked)]
    recheck = Recheck(hot_s=5, warm_s=60, cold_s=3600, most=8)
    found = due([*others, Listing(NodeId("mine"), 6, 1), Listing(NodeId("cold"), 1e9, None)], recheck)
    assert "mine" in found
    assert "cold" in found
    assert len(found) == min(recheck.most, walked + 2)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 40), st.integers(0, 10))
def test_every_directory_has_its_turn(cold: int, hot: int) -> None:
    """Each poll takes at most so many, and the unused ones come around however many are in use."""
    listed = {NodeId(str(number)): 0.0 for number in range(cold + hot)}
    opened = {NodeId(str(number)) for number in range(hot)}
    now, seen = 0.0, set[NodeId]()
    for _ in range(3 * 3600 // 10):
        now += 10
        listings = [Listing(node, now - at, 0 if node in opened else None) for node, at in listed.items()]
        found = due(listings, RECHECK)
        assert len(found) <= RECHECK.most
        listed |= dict.fromkeys(found, now)
        seen |= set(found)
    assert seen == set(listed)
