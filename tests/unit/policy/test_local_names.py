"""What stays on this machine for its name, and when what was saved is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.policy import settling
from mountcloud.policy.local_names import LocalNames

STAY = [
    ".~lock.report.odt#",
    "~$report.docx",
    "~WRD0001.tmp",
    ".report.txt.swp",
    ".report.txt.swx",
    ".report.txt.swpx",
    "4913",
    ".#report.txt",
    "#report.txt#",
    ".goutputstream-AB12CD",
    "film.mkv.part",
    "film.mkv.crdownload",
    ".DS_Store",
    "._report.txt",
    ".Trash-1000",
    "Thumbs.db",
    "THUMBS.DB",
    "Desktop.ini",
    ".nfs000000000001",
    ".fuse_hidden0000000100000002",
]
GO = [
    "report.txt",
    "report.txt~",
    "report.tmp",
    "part",
    "film.part.mkv",
    "part.txt",
    ".profile",
    ".gitignore",
    "trash",
    "14913",
    "4913.txt",
    "swap.swp",
    "_report",
    "~report.txt",
    "#1",
    "a\nb",
]


@pytest.mark.parametrize("name", STAY)
def test_what_programs_make_for_themselves_stays(name: str) -> None:
    assert LocalNames().match(name)


@pytest.mark.parametrize("name", GO)
def test_what_may_be_somebodys_work_goes(name: str) -> None:
    assert not LocalNames().match(name)


def test_patterns_of_ones_own() -> None:
    names = LocalNames(("*.bak", "cache"))
    assert [names.match(each) for each in ("a.BAK", "cache", "caches", ".DS_Store")] == [True, True, False, False]


@given(st.text())
def test_without_patterns_everything_goes(name: str) -> None:
    assert not LocalNames(()).match(name)


def test_a_new_file_rests_and_an_overwritten_one_rests_longer() -> None:
    assert settling.due(100, 100, 1, new=True) == 101
    assert settling.due(100, 100, 1, new=False) == 103


def test_what_is_written_all_the_time_is_sent_now_and_then() -> None:
    assert settling.due(128, 100, 1, new=False) == 130
    assert settling.due(500, 100, 1, new=False) == 500


@given(st.floats(0, 1e6), st.floats(0, 1e4), st.floats(0, 3600), st.booleans())
def test_the_rest_begins_now_and_ends(first: float, later: float, settle_s: float, new: bool) -> None:
    now = first + later
    assert now <= settling.due(now, first, settle_s, new=new) <= max(now, first + 30 * settle_s) + 1e-6
