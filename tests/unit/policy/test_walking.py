import pytest

from mountcloud.policy.walking import Walk


def walked(*times: float) -> Walk:
    walk = Walk()
    for each in times:
        walk = walk.step(each)
    return walk


@pytest.mark.parametrize(
    ("times", "ahead"),
    [
        ((), 0),
        ((0,), 0),
        ((0, 1), 0),
        ((0, 1, 2), 1),
        ((0, 2, 4, 6), 2),
        (range(100), 6),
        ((0, 1, 2, 5), 0),
        ((0, 1, 2, 5, 6, 7), 1),
    ],
)
def test_who_goes_on_without_a_pause_walks(times: tuple[float, ...], ahead: int) -> None:
    assert walked(*times).ahead == ahead


def test_a_long_path_is_no_walk_but_does_not_end_one() -> None:
    walk = Walk()
    for depth in range(9):
        walk = walk.step(depth, down=True)
    assert (walk.length, walk.ahead) == (1, 0)
    walk = walked(0, 1, 2)
    assert walk.step(3, down=True) == Walk(walk.length, 3)
