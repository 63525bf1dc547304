import itertools
from collections.abc import Iterator

import httpx
import pytest

from tests.metadisk.server import MetadiskServer, start_metadisk
from tests.metadisk.service import Service

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def running_metadisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MetadiskServer]:
    """One server for all tests; each has an account of its own in it."""
    running = start_metadisk(tmp_path_factory.mktemp("metadisk") / "data")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def metadisk(running_metadisk: MetadiskServer) -> Iterator[MetadiskServer]:
    """The same without faults and counts; switches that the test sets are put back."""
    with running_metadisk.control.undisturbed():
        running_metadisk.control.forget_leftovers()
        yield running_metadisk


@pytest.fixture
def service(metadisk: MetadiskServer) -> Iterator[Service]:
    """A fresh account with its password."""
    email = f"user{next(_numbers)}@example.org"
    metadisk.control.add_user(email)
    with Service(metadisk.base_url, email) as service:
        yield service


@pytest.fixture
def anybody(metadisk: MetadiskServer) -> Iterator[httpx.Client]:
    """Somebody without an account."""
    with httpx.Client(base_url=metadisk.base_url, trust_env=False) as client:
        yield client
