from collections.abc import Iterator

import pytest

from tests.amazon.drive import Drive
from tests.amazon.server import AmazonServer, start_amazon


@pytest.fixture(scope="session")
def running_amazon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AmazonServer]:
    """One server for all tests; each has a customer of its own in it."""
    running = start_amazon(tmp_path_factory.mktemp("amazon") / "data")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def amazon(running_amazon: AmazonServer) -> Iterator[AmazonServer]:
    """The same without faults and counts; switches that the test sets are put back."""
    with running_amazon.control.undisturbed():
        yield running_amazon


@pytest.fixture
def drive(amazon: AmazonServer) -> Iterator[Drive]:
    """A fresh customer, and another client of his."""
    with Drive(amazon.control.new_customer()) as drive:
        yield drive
