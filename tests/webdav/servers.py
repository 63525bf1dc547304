"""The servers for tests: skipped by name where they are not installed, but never in continuous integration."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mountcloud.sandbox.webdav.configuration import Site
from mountcloud.sandbox.webdav.server import missing, serving


@contextmanager
def serving_or_skip(kind: str, site: Site | None = None) -> Iterator[Site]:
    """A server for the length of the block."""
    lacking = missing(kind)
    if lacking and (os.environ.get("MOUNTCLOUD_REQUIRE_ALL") or os.environ.get("CI")):
        pytest.fail(f"{kind} must be tested here, but {lacking} is not installed")
    if lacking:
        pytest.skip(f"{kind} is not installed: there is no {lacking}; ./run setup brings it")
    with serving(kind, site=site) as running:
        yield running


def anywhere(**options: object) -> Site:
    """Wishes for a site; home and port are the server's matter."""
    return Site(Path(), 0, **options)  # type: ignore[arg-type]  # the options are fields of Site
