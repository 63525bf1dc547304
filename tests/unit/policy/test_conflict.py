import pytest

from mountcloud.model.names import NameRules
from mountcloud.policy.conflict import conflict_name

TAKEN_BY_NOBODY = frozenset[str]().__contains__


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.docx", "report (conflict laptop 2024-05-01).docx"),
        ("Makefile", "Makefile (conflict laptop 2024-05-01)"),
        (".bashrc", ".bashrc (conflict laptop 2024-05-01)"),
        ("a.tar.gz", "a.tar (conflict laptop 2024-05-01).gz"),
    ],
)
def test_a_conflict_says_where_and_when_and_keeps_the_extension(name: str, expected: str) -> None:
    assert conflict_name(name, "laptop", "2024-05-01", TAKEN_BY_NOBODY) == expected


def test_a_taken_name_is_numbered_from_two() -> None:
    taken = {"a (conflict h d).txt", "a (conflict h d 2).txt"}
    assert conflict_name("a.txt", "h", "d", taken.__contains__) == "a (conflict h d 3).txt"


@pytest.mark.parametrize(
    ("name", "rules", "length", "size"),
    [
        ("x" * 250 + ".txt", NameRules(), 255, 255),
        ("ä" * 120 + ".txt", NameRules(), 255, 255),
        ("x" * 140 + ".txt", NameRules(max_length=150), 150, 255),
        ("ä" * 140 + ".txt", NameRules(max_length=150), 150, 255),
        ("ä" * 140 + ".txt", NameRules(max_bytes=100), 255, 100),
        ("x" * 250 + ".txt", NameRules(max_bytes=1000), 255, 255),
    ],
)
def test_the_stem_is_cut_to_fit(name: str, rules: NameRules, length: int, size: int) -> None:
    made = conflict_name(name, "laptop", "2024-05-01", TAKEN_BY_NOBODY, rules)
    assert made.endswith(" (conflict laptop 2024-05-01).txt")
    assert made.startswith(name[:20])
    assert min(length - len(made), size - len(made.encode())) in (0, 1)


def test_cut_names_are_numbered_too() -> None:
    first = conflict_name("x" * 255, "h", "d", TAKEN_BY_NOBODY)
    second = conflict_name("x" * 255, "h", "d", {first}.__contains__)
    assert second.endswith(" (conflict h d 2)")
    assert len(second) == 255


@pytest.mark.parametrize("earlier", ["", " (conflict laptop 2024-05-01)", " (conflict old desk 2023-01-31 12)"])
def test_a_copy_of_a_copy_is_named_after_the_file(earlier: str) -> None:
    taken = {"a.txt", "a (conflict laptop 2024-05-01).txt"}
    made = conflict_name(f"a{earlier}.txt", "laptop", "2024-05-01", taken.__contains__)
    assert made == "a (conflict laptop 2024-05-01 2).txt"


def test_a_file_that_is_named_like_nothing_but_a_conflict_keeps_its_name() -> None:
    name = " (conflict laptop 2024-05-01)"
    assert conflict_name(name, "h", "2025-01-01", TAKEN_BY_NOBODY) == f"{name} (conflict h 2025-01-01)"
