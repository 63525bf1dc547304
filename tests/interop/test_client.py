"""Where the published client is looked for, and what happens without it."""

import sys
from pathlib import Path

import pytest

from tests.interop.client import published_client_python

MISSING = "no published client: /nowhere/python is missing"


def test_it_may_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOUNTCLOUD_INTEROP_PYTHON", sys.executable)
    assert published_client_python() == Path(sys.executable)


def test_without_it_tests_are_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOUNTCLOUD_INTEROP_PYTHON", "/nowhere/python")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=MISSING):
        published_client_python()


def test_where_everything_must_run_they_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOUNTCLOUD_INTEROP_PYTHON", "/nowhere/python")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match=MISSING):
        published_client_python()
