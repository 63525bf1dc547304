import pytest

from mountcloud.model.ids import Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.model.operation import Operation
from mountcloud.policy.overlay import overlay
from tests.unit.policy.operations import DIR, ROOT, A, B, D, R, X, dated, mkdir, move, removal, upload

NODE = Node(R, DIR, "old", Kind.FILE, 1, Version("1"), 10, Rights.ALL)


@pytest.mark.parametrize(
    ("owed", "place", "size", "mtime_ns"),
    [
        ([], (DIR, "old"), 1, 10),
        ([move(1, R, A, B)], (ROOT, "b"), 1, 10),
        ([upload(1, R, A, size=7, mtime_ns=20)], (DIR, "old"), 7, 20),
        ([upload(1, X, A, size=7, mtime_ns=20)], (ROOT, "a"), 7, 20),
        ([mkdir(1, D, A)], (ROOT, "a"), 1, 10),
        ([dated(1, R, mtime_ns=30)], (DIR, "old"), 1, 30),
        ([upload(1, R, A, size=7, mtime_ns=20), dated(2, R, mtime_ns=30), move(3, R, A, B)], (ROOT, "b"), 7, 30),
    ],
)
def test_what_is_owed_is_seen(owed: list[Operation], place: object, size: int, mtime_ns: int) -> None:
    seen = overlay(NODE, owed)
    assert seen is not None
    assert ((seen.parent, seen.name), seen.size, seen.mtime_ns) == (place, size, mtime_ns)


def test_what_is_to_go_is_gone() -> None:
    assert overlay(NODE, [dated(1, R), removal(2, R)]) is None
