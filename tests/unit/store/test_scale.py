"""A large index answers as a small one: nothing that happens often looks at every node."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mountcloud.model.ids import ROOT_INODE, NodeId
from mountcloud.policy.reduce import Plan
from mountcloud.store.index import Index
from mountcloud.store.sqlite import Database
from tests.large_index import NAMING, ROOT, Large, file_id

NODES = 50_000
WHOLE_TABLE = re.compile(r"SCAN (node|note)\b(?!.*INDEX node_(outdated|listed|unlisted))")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "index.db"
    Large(NODES).fill(path)
    return path


@pytest.fixture
def large(path: Path) -> Iterator[Index]:
    index = Index(path, NAMING.file_name, NAMING.folded)
    yield index
    index.close()


QUERIES: dict[str, Callable[[Index], object]] = {
    "entry": lambda index: index.entry(ROOT_INODE),
    "by_id": lambda index: index.by_id(file_id(3, 5)),
    "child": lambda index: index.child(ROOT, "group 0"),
    "children": lambda index: index.children(ROOT),
    "names": lambda index: index.names(ROOT),
    "has_children": lambda index: index.has_children(ROOT),
    "outdated": lambda index: index.outdated_directories(),
    "doubted": lambda index: index.doubted_directories(),
    "clashing": lambda index: index.clashing(ROOT, "group 0"),
    "ancestors": lambda index: index.ancestors(file_id(3, 5)),
    "below": lambda index: index.below(file_id(3, 5)),
    "unfounded": lambda index: index.drop_unfounded([]),
    "doubt": lambda index: index.doubt_listing(NodeId("unknown")),
    "note": lambda index: index.note("cursor"),
}


@pytest.mark.parametrize("query", QUERIES)
def test_no_question_of_daily_life_looks_at_every_node(
    large: Index, path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    asked: list[tuple[str, Sequence[object]]] = []

    def recorded(original: Callable[..., object]) -> Callable[..., object]:
        def call(self: Database, statement: str, values: Sequence[object] = ()) -> object:
            asked.append((statement, values))
            return original(self, statement, values)

        return call

    with monkeypatch.context() as patched:
        for method in ("row", "rows", "run"):
            patched.setattr(Database, method, recorded(getattr(Database, method)))
        QUERIES[query](large)
    questions = [each for each in asked if not each[0].startswith(("BEGIN", "COMMIT"))]
    assert questions
    database = large._db
    plans = [str(row[3]) for each in questions for row in database.rows(f"EXPLAIN QUERY PLAN {each[0]}", each[1])]
    assert [plan for plan in plans if WHOLE_TABLE.match(plan)] == []


def seconds(action: Callable[[], object]) -> float:
    """The best of five, so that other work on this machine counts less."""
    found = []
    for _ in range(5):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return min(found)


def test_the_size_of_the_tree_hardly_matters(tmp_path: Path, large: Index) -> None:
    Large(1000).fill(tmp_path / "small.db")
    small = Index(tmp_path / "small.db", NAMING.file_name, NAMING.folded)

    def look_up(index: Index, directories: int) -> None:
        for number in range(2000):
            index.by_id(file_id(number % directories, number % 999))
            index.child(ROOT, f"group {number}")

    def poll(index: Index) -> None:
        for _ in range(20):
            index.outdated_directories()
            index.doubted_directories()
            index.drop_unfounded([])

    assert seconds(lambda: look_up(large, 50)) < 15 * seconds(lambda: look_up(small, 1))
    assert seconds(lambda: poll(large)) < 20 * seconds(lambda: poll(small))
    small.close()


def test_what_was_looked_up_is_forgotten_when_it_changes(tmp_path: Path) -> None:
    Large(1000).fill(tmp_path / "index.db")
    index = Index(tmp_path / "index.db", NAMING.file_name, NAMING.folded)
    before = index.by_id(file_id(0, 1))
    assert before is not None
    index.set_content(before.inode, 77, 1)
    after = index.by_id(file_id(0, 1))
    assert after is not None
    assert after.node.size == 77
    index.close()


def test_what_was_looked_up_in_a_change_that_failed_never_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Large(1000).fill(tmp_path / "index.db")
    index = Index(tmp_path / "index.db", NAMING.file_name, NAMING.folded)
    before = index.by_id(file_id(0, 1))
    assert before is not None

    def look_and_fail(*_: object) -> None:
        index.by_id(file_id(0, 1))
        raise KeyError

    monkeypatch.setattr(index, "put_note", look_and_fail)
    with pytest.raises(KeyError):
        index.apply(Plan((), (replace(before.node, size=88),)), {"cursor": "1"})
    assert index.by_id(file_id(0, 1)) == before
    index.close()
