import itertools
from collections.abc import Iterator

import pytest

from tests.nextcloud.dav import Dav
from tests.nextcloud.server import NextcloudServer, start_nextcloud

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def running_nextcloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NextcloudServer]:
    """One server for all tests; each has accounts of its own in it."""
    running = start_nextcloud(tmp_path_factory.mktemp("nextcloud") / "data")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def nextcloud(running_nextcloud: NextcloudServer) -> Iterator[NextcloudServer]:
    """The same without faults and counts; switches that the test sets are put back."""
    with running_nextcloud.control.undisturbed():
        yield running_nextcloud


def new_dav(server: NextcloudServer) -> Dav:
    login = f"user{next(_numbers)}"
    account = server.control.add_account(login)
    return Dav(server.base_url, account, login, server.control.add_app_password(account))


@pytest.fixture
def dav(nextcloud: NextcloudServer) -> Iterator[Dav]:
    """A fresh account."""
    with new_dav(nextcloud) as dav:
        yield dav


@pytest.fixture
def other(nextcloud: NextcloudServer) -> Iterator[Dav]:
    """Another fresh account."""
    with new_dav(nextcloud) as dav:
        yield dav
