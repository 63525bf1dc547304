"""Every promise of the documents has a test, and every test that claims one names a promise that stands there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TAG = re.compile(r"^\* `\[([a-z-]+)\]`", re.MULTILINE)
DOCUMENTS = {"semantics": "SEMANTICS.md", "durability": "DURABILITY.md"}
"""The file in docs/ whose sentences the tests with this mark prove."""


def _promised(mark: str) -> set[str]:
    return set(_TAG.findall((ROOT / "docs" / DOCUMENTS[mark]).read_text(encoding="utf-8")))


def _claimed(mark: str) -> set[str]:
    claim = re.compile(rf"mark\.{mark}\(([^)]*)\)")
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {tag for source in sources for text in claim.findall(source) for tag in re.findall(r'"([a-z-]+)"', text)}


@pytest.mark.parametrize("mark", DOCUMENTS)
def test_every_promise_has_a_test(mark: str) -> None:
    assert _promised(mark) - _claimed(mark) == set()


@pytest.mark.parametrize("mark", DOCUMENTS)
def test_every_claim_is_a_promise(mark: str) -> None:
    assert _claimed(mark) - _promised(mark) == set()


@pytest.mark.parametrize("mark", DOCUMENTS)
def test_the_document_makes_promises(mark: str) -> None:
    assert len(_promised(mark)) > 5
