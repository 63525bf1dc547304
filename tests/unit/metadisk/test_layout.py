"""Where shards begin, as far as that is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.model.errors import Corrupt
from mountcloud.providers.metadisk.layout import Layout, kept_layout

SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=12)


def layout(sizes: list[int]) -> Layout:
    return Layout(sum(sizes), tuple(f"{number:040x}" for number in range(len(sizes))))


@given(SIZES, st.data())
def test_any_byte_is_found_by_learning_what_is_asked_for(sizes: list[int], data: st.DataObject) -> None:
    known, total = layout(sizes), sum(sizes)
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    for position in data.draw(st.lists(st.integers(0, total - 1), min_size=1, max_size=5)):
        most = data.draw(st.integers(1, 4))
        while known.at(position) is None:
            wanted = known.to_learn(position, most)
            assert 1 <= len(wanted) <= most
            assert not set(wanted) & known.sizes.keys()
            for number in wanted:
                known.learn(number, sizes[number])
        found = known.at(position)
        assert found is not None
        assert known.start_of(found) == starts[found] <= position < starts[found] + sizes[found]
        assert known.to_learn(position, most) == [] or not known.is_known


@given(SIZES)
def test_the_last_byte_needs_the_last_shard_alone(sizes: list[int]) -> None:
    known = layout(sizes)
    if len(sizes) > 1:
        assert list(known.to_learn(sum(sizes) - 1, 4)) == [len(sizes) - 1] or sizes[-1] * len(sizes) < sum(sizes)
        known.learn(len(sizes) - 1, sizes[-1])
    assert known.at(sum(sizes) - 1) == len(sizes) - 1


def test_one_shard_is_as_long_as_the_file() -> None:
    known = Layout(7, ("a",))
    assert (known.is_known, known.at(0), known.at(6)) == (True, 0, 0)
    with pytest.raises(Corrupt):
        known.learn(0, 6)


def test_equal_shards_are_equally_long() -> None:
    known = Layout(25, ("a", "a", "b"))
    known.learn(1, 10)
    assert (known.at(19), known.at(20)) == (1, None)


@pytest.mark.parametrize("sizes", [[10, 16], [26, 0], [10, 14]])
def test_lengths_that_cannot_be_are_noticed(sizes: list[int]) -> None:
    with pytest.raises(Corrupt):
        learn_all(Layout(25, ("a", "b")), sizes)


def learn_all(known: Layout, sizes: list[int]) -> None:
    for number, size in enumerate(sizes):
        known.learn(number, size)


def test_what_is_known_is_kept() -> None:
    known = Layout(25, ("a", "b", "c"))
    known.learn(1, 10)
    again = kept_layout(25, known.text)
    assert again == known
    assert kept_layout(25, "") is None
