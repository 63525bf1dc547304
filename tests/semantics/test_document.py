"""Every promise of docs/SEMANTICS.md has a test, and every test that claims one names a promise that stands there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TAG = re.compile(r"^\* `\[([a-z-]+)\]`", re.MULTILINE)
_CLAIM = re.compile(r"mark\.semantics\(([^)]*)\)")


def _promised() -> set[str]:
    return set(_TAG.findall((ROOT / "docs" / "SEMANTICS.md").read_text(encoding="utf-8")))


def _claimed() -> set[str]:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {tag for source in sources for claim in _CLAIM.findall(source) for tag in re.findall(r'"([a-z-]+)"', claim)}


def test_every_promise_has_a_test() -> None:
    assert _promised() - _claimed() == set()


def test_every_claim_is_a_promise() -> None:
    assert _claimed() - _promised() == set()
