import itertools
from collections.abc import Iterator

import pytest

from tests.smartfile.server import SmartFileServer, start_smartfile
from tests.smartfile.service import Service

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def running_smartfile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmartFileServer]:
    """One server for all tests; each has an account of its own in it."""
    running = start_smartfile(tmp_path_factory.mktemp("smartfile") / "data")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def smartfile(running_smartfile: SmartFileServer) -> Iterator[SmartFileServer]:
    """The same without faults and counts; switches that the test sets are put back."""
    with running_smartfile.control.undisturbed():
        yield running_smartfile


@pytest.fixture
def service(smartfile: SmartFileServer) -> Iterator[Service]:
    """A fresh account."""
    key, password = smartfile.control.add_account(f"user{next(_numbers)}")
    with Service(smartfile.base_url, key, password) as service:
        yield service
